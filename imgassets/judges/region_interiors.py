"""Insides of regions: parts of one color, edges left out.

The first half of `detector_regions`: which regions there are. How far each of them reaches is
decided there.
"""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from imgassets.judges.color_names import (
    distances,
    name_indices,
    to_lab,
    to_pixel,
)
from imgassets.judges.detector_classes import COLOR_NAMES

Mask = NDArray[np.uint8]
FloatArray = NDArray[np.float32]

#: Distance from the background, in CIE76 Delta E, that the median color of a core must keep. The
#: closest pair of an object and a background color of the drawn scenes lies 46 apart, white and
#: beige 33.
CONTRAST_DELTA_E = 30.0
#: Largest distance of a pixel from the median color of its core, in Delta E. The closest pair of
#: object colors of the drawn scenes lies 43 apart.
REGION_DELTA_E = 22.0

_MAX_LOOKS = 16  # for colors, of which some have no inside
_SHADE_BITS = 3  # levels are compared without their last bits where a common shade is sought
_MIN_CORE_RADIUS = 3.5  # of the largest disk inside a region eroded by 2
_MIN_COLOR_PIXELS = 24  # from how many pixels on a color is looked into
_RIM_SHARE = 0.85  # a rim has at most this share of its object's color
_RIM_RESIDUAL = 40.0  # sRGB levels a rim may lie off the mixture of object and background
_RIM_REACH = 6  # pixels a rim lies outside of the core's box at most


@dataclass(frozen=True)
class Core:
    """The inside of a region: its pixels and its median color in sRGB levels."""

    mask: Mask
    rgb: FloatArray


def find_cores(
    smooth: NDArray[np.uint8],
    lab: FloatArray,
    foreground: Mask,
    background: FloatArray,
    contrast: float = CONTRAST_DELTA_E,
) -> list[Core]:
    """Cores of all regions, the largest first.

    Args:
        smooth: uint8, (H, W, 3), sRGB, without noise; `detector_regions.WORKING_SIDE` long.
        lab: float32, (H, W, 3): the same in CIELAB.
        foreground: uint8, (H, W), 0 or 1.
        background: its color in sRGB levels, (3,).
        contrast: distance from the background, in Delta E, that the median of a core must exceed.

    Returns:
        Cores that stand out from the background and are not the soft rim of another.
    """
    found = _cores(smooth, lab, foreground)
    return _without_rims(_contrasting(found, background, contrast), background)


def mixture(
    pixels: FloatArray, color: FloatArray, background: FloatArray
) -> tuple[FloatArray, FloatArray]:
    """Share t in 0..1 of `color` over `background` nearest to each pixel, and the distance left."""
    direction = color - background
    t = np.clip((pixels - background) @ direction / max(direction @ direction, 1.0), 0, 1)
    return t, distances(pixels, background + t[:, None] * direction)


def _disk(radius: int) -> Mask:
    return np.asarray(cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (2 * radius + 1,) * 2), np.uint8)


def _cores(smooth: NDArray[np.uint8], lab: FloatArray, foreground: Mask) -> list[Core]:
    """Insides of all regions: each pixel belongs to the nearest color that has an inside.

    Erosion removes the mixed pixels along edges, which would otherwise pass for thin regions of
    a color of their own (the rim of a red disk on white is pink).
    """
    inside = foreground.astype(bool)
    centers = _centers(smooth, lab, foreground)
    if not centers:
        return []
    apart = np.stack([distances(lab[inside], center) for center in centers])
    nearest, close = apart.argmin(axis=0), apart.min(axis=0) < REGION_DELTA_E
    cores = list[Core]()
    for index in range(len(centers)):
        members = np.zeros_like(foreground)
        members[inside] = close & (nearest == index)
        cores += _split(_eroded(members), smooth)
    return cores


def _centers(smooth: NDArray[np.uint8], lab: FloatArray, foreground: Mask) -> list[FloatArray]:
    """Colors (CIELAB, (3,)) that some region has, from the most frequent color name on.

    A name is looked into until all its shades are found: a blue and a navy object are two regions,
    although both are called blue.
    """
    names = name_indices(smooth)
    left = _eroded(foreground).astype(bool)
    centers = list[FloatArray]()
    for _ in range(_MAX_LOOKS):
        counts = np.bincount(names[left], minlength=len(COLOR_NAMES))
        if counts.max() < _MIN_COLOR_PIXELS:
            break
        center, seed = _commonest(smooth, lab, left & (names == counts.argmax()))
        near = (distances(lab, center) < REGION_DELTA_E) & foreground.astype(bool)
        if _split(_eroded(near.astype(np.uint8)), smooth):
            centers.append(center)
        left &= ~(near | seed)
    return centers


def _commonest(
    smooth: NDArray[np.uint8], lab: FloatArray, among: NDArray[np.bool_]
) -> tuple[FloatArray, NDArray[np.bool_]]:
    """The commonest shade of some pixels, in CIELAB, and the pixels it was found in.

    The median of all of them would lie between two shades, or be near only one of them.
    """
    levels = smooth[among].astype(np.intp) >> _SHADE_BITS
    cells = (levels[:, 0] * 256 + levels[:, 1]) * 256 + levels[:, 2]
    found, counts = np.unique(cells, return_counts=True)
    seed = among.copy()
    seed[among] = cells == found[counts.argmax()]
    center = np.median(lab[seed], axis=0).astype(np.float32)
    close = lab[among][distances(lab[among], center) < REGION_DELTA_E / 2]
    return np.median(close, axis=0).astype(np.float32) if len(close) else center, seed


def _eroded(mask: Mask) -> Mask:
    return np.asarray(cv2.erode(mask, _disk(2)), np.uint8)


def _split(eroded: Mask, smooth: NDArray[np.uint8]) -> list[Core]:
    """Connected parts of a color that are thick enough not to be a rim between two others."""
    depth = cv2.distanceTransform(eroded, cv2.DIST_L2, 3)
    count, labels = cv2.connectedComponents(eroded, connectivity=4)
    cores = []
    for label in range(1, count):
        inside = labels == label
        if depth[inside].max() >= _MIN_CORE_RADIUS:
            color = np.median(smooth[inside], axis=0).astype(np.float32)
            cores.append(Core(inside.astype(np.uint8), color))
    return cores


def contrast_of(rgb: FloatArray, background: FloatArray) -> float:
    """Distance of two colors in sRGB levels, (3,), in CIE76's Delta E."""
    return float(distances(to_lab(to_pixel(rgb)), to_lab(to_pixel(background))))


def _contrasting(cores: list[Core], background: FloatArray, least: float) -> list[Core]:
    """Cores that stand out from the background clearly: no vignette, no shadow."""
    return [core for core in cores if contrast_of(core.rgb, background) > least]


def _without_rims(cores: list[Core], background: FloatArray) -> list[Core]:
    """Cores that are not the soft rim of another: its mixture with the background, inside its box.

    Blur and JPEG's halved color resolution make rims wider than erosion removes.
    """
    kept: list[Core] = []
    for core in sorted(cores, key=lambda c: -int(c.mask.sum())):
        if not any(_is_rim(core, other, background) for other in kept):
            kept.append(core)
    return kept


def _is_rim(core: Core, other: Core, background: FloatArray) -> bool:
    t, residual = mixture(core.rgb[None], other.rgb, background)
    if t[0] > _RIM_SHARE or residual[0] > _RIM_RESIDUAL:
        return False
    x, y, width, height = cv2.boundingRect(other.mask)
    around = core.mask[max(0, y - _RIM_REACH) :, max(0, x - _RIM_REACH) :]
    inside = around[: height + 2 * _RIM_REACH, : width + 2 * _RIM_REACH].sum()
    return bool(inside > 0.8 * core.mask.sum())
