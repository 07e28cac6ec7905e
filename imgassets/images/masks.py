"""Masks of edits. One convention inside: white (True) is repainted, as diffusers has it."""

from __future__ import annotations

from collections.abc import Sequence

from PIL import Image, ImageDraw

from imgassets.spec.sizes import region_box


def region_mask(region: Sequence[float], size: tuple[int, int]) -> Image.Image:
    """A mask image (mode L, white is repainted) for a box in fractions of width and height.

    Raises:
        ValueError: the box is less than a pixel wide or high.
    """
    left, top, right, bottom = region_box(region, size)
    if right <= left or bottom <= top:
        raise ValueError(f"region {list(region)} is less than a pixel of an image of {list(size)}")
    mask = Image.new("L", size, 0)
    ImageDraw.Draw(mask).rectangle((left, top, right - 1, bottom - 1), fill=255)
    return mask
