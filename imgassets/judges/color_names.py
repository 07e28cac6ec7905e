"""Color names: the nearest of `detector_words` in CIELAB.

Here belongs what a color is called; where a color lies in an image is `detector_regions`'s matter.
"""

from __future__ import annotations

import functools
from collections.abc import Iterable

import cv2
import numpy as np
from numpy.typing import NDArray

from imgassets.judges.detector_classes import COLOR_NAMES, COLOR_PROTOTYPES

FloatArray = NDArray[np.float32]

_TABLE_BITS = 5


def to_lab(image: NDArray[np.uint8]) -> FloatArray:
    """CIELAB (D65) of sRGB pixels.

    Args:
        image: uint8, (..., 3), sRGB, 0..255.

    Returns:
        float32, same shape; L in 0..100, a and b about -110..110. Euclidean distance in it is
        CIE76's Delta E.
    """
    flat = np.ascontiguousarray(image, dtype=np.float32).reshape(1, -1, 3) / 255.0
    return np.asarray(cv2.cvtColor(flat, cv2.COLOR_RGB2LAB), np.float32).reshape(image.shape)


def to_pixel(rgb: FloatArray) -> NDArray[np.uint8]:
    """Colors in sRGB levels, rounded to pixels."""
    return np.clip(np.round(rgb), 0, 255).astype(np.uint8)


def distances(a: FloatArray, b: FloatArray) -> FloatArray:
    """Euclidean distances of colors, (..., 3) to (...); in CIELAB that is CIE76's Delta E."""
    difference = a - b
    return np.asarray(np.sqrt(np.einsum("...c,...c->...", difference, difference)), np.float32)


def name_indices(pixels: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Index into `COLOR_NAMES` of the name nearest to each pixel, read from a 32^3 table.

    Args:
        pixels: uint8, (..., 3), sRGB, 0..255.

    Returns:
        uint8, (...): quantization to 5 bits moves a color by at most 4 of 255 before naming.
    """
    coarse = pixels >> (8 - _TABLE_BITS)
    red, green, blue = (coarse[..., channel].astype(np.intp) for channel in range(3))
    return np.take(_name_table(), ((red << _TABLE_BITS) + green << _TABLE_BITS) + blue)


def color_name(rgb: Iterable[float]) -> str:
    """Name in `COLOR_NAMES` nearest (CIE76) to one sRGB color, three values in 0..255."""
    pixel = to_pixel(np.fromiter(rgb, np.float32, 3))
    return COLOR_NAMES[int(_nearest_names(to_lab(pixel[None]))[0])]


@functools.cache
def _prototypes() -> tuple[FloatArray, NDArray[np.uint8]]:
    """CIELAB of every prototype, (P, 3), and the index of its name, (P,)."""
    colors = [rgb for prototypes in COLOR_PROTOTYPES.values() for rgb in prototypes]
    owners = [i for i, p in enumerate(COLOR_PROTOTYPES.values()) for _ in p]
    return to_lab(np.array(colors, np.uint8)), np.array(owners, np.uint8)


def _nearest_names(lab: FloatArray) -> NDArray[np.uint8]:
    prototypes, owners = _prototypes()
    return np.asarray(owners[distances(lab[:, None], prototypes[None]).argmin(axis=1)], np.uint8)


@functools.cache
def _name_table() -> NDArray[np.uint8]:
    steps = 1 << _TABLE_BITS
    levels = (np.arange(steps) * 256 // steps + 128 // steps).astype(np.uint8)
    grid = np.stack(np.meshgrid(levels, levels, levels, indexing="ij"), axis=-1).reshape(-1, 3)
    return _nearest_names(to_lab(grid))
