"""Masks of edits. One convention inside: white (True) is repainted, as diffusers has it."""

from __future__ import annotations

from collections.abc import Sequence

from PIL import Image, ImageDraw

from imgassets.documents.sizes import region_pixels


class EmptyRegionError(ValueError):
    """A region holds not a single pixel; the message says which, and of what size."""


def region_box(region: Sequence[float], size: tuple[int, int]) -> tuple[int, int, int, int]:
    """The pixels (left, top, right, bottom; the last two inside) of a box in fractions.

    Raises:
        EmptyRegionError: it is less than a pixel wide or high.
    """
    width, height = size
    left, top, right, bottom = region_pixels(region, size)
    box = (left, top, right - 1, bottom - 1)
    if box[2] < box[0] or box[3] < box[1]:
        raise EmptyRegionError(
            f"edit.region {list(region)} holds not a single pixel of an image of {width} x "
            f"{height}; make it larger"
        )
    return box


def region_mask(region: Sequence[float], size: tuple[int, int]) -> Image.Image:
    """A mask image (mode L, white is repainted) for a box in fractions of width and height.

    Raises:
        EmptyRegionError: nothing would be white.
    """
    mask = Image.new("L", size, 0)
    ImageDraw.Draw(mask).rectangle(region_box(region, size), fill=255)
    return mask
