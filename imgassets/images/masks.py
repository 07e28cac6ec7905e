"""Masks of edits. One convention inside: white (True) is repainted, as diffusers has it."""

from __future__ import annotations

from collections.abc import Sequence

from PIL import Image, ImageDraw


def region_mask(region: Sequence[float], size: tuple[int, int]) -> Image.Image:
    """A mask image (mode L, white is repainted) for a box in fractions of width and height."""
    width, height = size
    left, top, right, bottom = region
    mask = Image.new("L", size, 0)
    box = (
        round(left * width),
        round(top * height),
        round(right * width) - 1,
        round(bottom * height) - 1,
    )
    ImageDraw.Draw(mask).rectangle(box, fill=255)
    return mask
