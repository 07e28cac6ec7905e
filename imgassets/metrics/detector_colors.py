"""Color names: a table of named colors and the nearest name in CIELAB.

Here belongs what a color is called; where a color lies in an image is `detector_regions`'s matter.
"""

from __future__ import annotations

import functools
from collections.abc import Iterable

import cv2
import numpy as np
from numpy.typing import NDArray

RGB = tuple[int, int, int]
FloatArray = NDArray[np.float32]

#: GenEval's ten color names plus cyan, gray and beige; sRGB prototypes, the typical one first.
#: Further prototypes of a name cover darker, lighter or purer variants of the same name.
COLOR_PROTOTYPES: dict[str, tuple[RGB, ...]] = {
    "red": ((214, 26, 34), (255, 0, 0), (160, 10, 20)),
    "orange": ((250, 130, 10), (255, 160, 30)),
    "yellow": ((252, 226, 20), (255, 255, 0), (255, 240, 110)),
    "green": ((24, 150, 50), (0, 220, 0), (10, 90, 30), (110, 200, 100)),
    "cyan": ((20, 205, 225), (0, 255, 255), (0, 160, 175)),
    "blue": ((20, 85, 230), (0, 0, 255), (10, 30, 130), (70, 130, 235)),
    "purple": ((145, 30, 150), (100, 20, 140), (165, 80, 200)),
    "pink": ((255, 130, 190), (255, 180, 205), (240, 70, 160)),
    "brown": ((120, 70, 25), (80, 45, 20), (150, 95, 50)),
    "black": ((0, 0, 0), (32, 32, 32)),
    "white": ((255, 255, 255), (236, 236, 236)),
    "gray": ((128, 128, 128), (90, 90, 90), (170, 170, 170)),
    "beige": ((214, 188, 148), (232, 215, 185)),
}
COLOR_NAMES: tuple[str, ...] = tuple(COLOR_PROTOTYPES)

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
