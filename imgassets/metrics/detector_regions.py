"""From pixels to flat-colored regions on a background: what a person would call "a blob".

Background is the dominant color of the border. What differs from it is split by color first and
connection second, so touching objects of different colors come apart; edge pixels, which are
mixtures, are given to the region whose mixture with the background explains them. Here belongs
where and of what color; what shape a region has is `detector_shapes`'s matter.
"""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from imgassets.metrics.detector_colors import (
    COLOR_NAMES,
    color_name,
    distances,
    name_indices,
    to_lab,
)

Mask = NDArray[np.uint8]
FloatArray = NDArray[np.float32]
Box = tuple[float, float, float, float]

#: Longer side, in pixels, at which images are analysed; all lengths below refer to it.
WORKING_SIDE = 192
#: Smallest area of an object as a share of the image; smaller regions are specks. The smallest
#: object of the drawn scenes, a small star, covers 2 %.
MIN_AREA_SHARE = 0.008
#: Distance from the background, in CIE76 Delta E, from which on a pixel is foreground, and that
#: the median color of a region must keep. The closest pair of an object and a background color of
#: the drawn scenes lies 46 apart, white and beige 33.
FOREGROUND_DELTA_E = 20.0
CONTRAST_DELTA_E = 30.0
#: Largest distance of a pixel from the median color of its region, in Delta E. The closest pair
#: of object colors of the drawn scenes lies 43 apart.
REGION_DELTA_E = 22.0

_BORDER = 4
_MAX_COLORS = 8
_MIN_CORE_RADIUS = 3.5  # of the largest disk inside a region eroded by 2
_MIN_COLOR_PIXELS = 24  # from how many pixels on a color is looked into
_RIM_SHARE = 0.85  # a rim has at most this share of its object's color
_RIM_RESIDUAL = 40.0  # sRGB levels a rim may lie off the mixture of object and background
_RIM_REACH = 6  # pixels a rim lies outside of the core's box at most
_DISTANCE_PENALTY = 1.5  # levels of sRGB that a pixel of distance from a core is worth


@dataclass(frozen=True)
class Region:
    """One connected part of one color.

    Attributes:
        mask: uint8, (h, w), 0 or 255: the part of the working image that `box` covers.
        box: (x0, y0, x1, y1) in pixels of the image given, x1 and y1 exclusive.
        color: name in `detector_colors.COLOR_NAMES` of its median color.
        area_share: its area over the image's, 0..1.
    """

    mask: Mask
    box: Box
    color: str
    area_share: float


@dataclass(frozen=True)
class _Core:
    """The inside of a region: its pixels and its median color in sRGB levels."""

    mask: Mask
    rgb: FloatArray


def background_color(image: NDArray[np.uint8]) -> str:
    """Name of the dominant color of the border of an image (uint8, (H, W, 3), sRGB)."""
    return color_name(_background(_smooth(_working_copy(image))))


def find_regions(image: NDArray[np.uint8]) -> list[Region]:
    """Regions of one color each that stand out from the background, the largest first.

    Args:
        image: uint8, (H, W, 3), sRGB, 0..255; any size.

    Returns:
        Regions of at least `MIN_AREA_SHARE` of the image.
    """
    work = _working_copy(image)
    smooth = _smooth(work)
    background = _background(smooth)
    lab = to_lab(smooth)
    far = distances(lab, to_lab(_pixel(background))) > FOREGROUND_DELTA_E
    foreground = far.astype(np.uint8)
    cores = _without_rims(_contrasting(_cores(smooth, lab, foreground), background), background)
    masks = _grow(work, foreground, background, cores)
    scale = max(image.shape[:2]) / max(work.shape[:2])
    regions = [_region(mask, core, scale) for mask, core in zip(masks, cores, strict=True)]
    large = [r for r in regions if r is not None and r.area_share >= MIN_AREA_SHARE]
    return sorted(large, key=lambda region: -region.area_share)


def _working_copy(image: NDArray[np.uint8]) -> NDArray[np.uint8]:
    height, width = image.shape[:2]
    scale = WORKING_SIDE / max(height, width)
    size = (max(1, round(width * scale)), max(1, round(height * scale)))
    way = cv2.INTER_AREA if scale < 1 else cv2.INTER_CUBIC
    return np.asarray(cv2.resize(image, size, interpolation=way), np.uint8)


def _smooth(work: NDArray[np.uint8]) -> NDArray[np.uint8]:
    return np.asarray(cv2.medianBlur(work, 5), np.uint8)


def _pixel(rgb: FloatArray) -> NDArray[np.uint8]:
    return np.clip(np.round(rgb), 0, 255).astype(np.uint8)


def _background(smooth: NDArray[np.uint8]) -> FloatArray:
    """Median sRGB color of the border pixels that share the border's most frequent color name."""
    edge = np.ones(smooth.shape[:2], bool)
    edge[_BORDER:-_BORDER, _BORDER:-_BORDER] = False
    pixels = smooth[edge]
    names = name_indices(pixels)
    frequent = np.bincount(names, minlength=len(COLOR_NAMES)).argmax()
    return np.asarray(np.median(pixels[names == frequent], axis=0), np.float32)


def _disk(radius: int) -> Mask:
    return np.asarray(cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (2 * radius + 1,) * 2), np.uint8)


def _cores(smooth: NDArray[np.uint8], lab: FloatArray, foreground: Mask) -> list[_Core]:
    """Insides of all regions: color by color, the most frequent first.

    Erosion removes the mixed pixels along edges, which would otherwise pass for thin regions of
    a color of their own (the rim of a red disk on white is pink).
    """
    names = name_indices(smooth)
    left = cv2.erode(foreground, _disk(2)).astype(bool)
    cores: list[_Core] = []
    for _ in range(_MAX_COLORS):
        counts = np.bincount(names[left], minlength=len(COLOR_NAMES))
        if counts.max() < _MIN_COLOR_PIXELS:
            break
        seed = left & (names == counts.argmax())
        center = np.median(lab[seed], axis=0).astype(np.float32)
        near = distances(lab, center) < REGION_DELTA_E
        members = (near & foreground.astype(bool)).astype(np.uint8)
        cores += _split(np.asarray(cv2.erode(members, _disk(2)), np.uint8), smooth)
        left &= ~(near | seed)
    return cores


def _split(eroded: Mask, smooth: NDArray[np.uint8]) -> list[_Core]:
    """Connected parts of a color that are thick enough not to be a rim between two others."""
    depth = cv2.distanceTransform(eroded, cv2.DIST_L2, 3)
    count, labels = cv2.connectedComponents(eroded, connectivity=4)
    cores = []
    for label in range(1, count):
        inside = labels == label
        if depth[inside].max() >= _MIN_CORE_RADIUS:
            color = np.median(smooth[inside], axis=0).astype(np.float32)
            cores.append(_Core(inside.astype(np.uint8), color))
    return cores


def _contrasting(cores: list[_Core], background: FloatArray) -> list[_Core]:
    """Cores that stand out from the background clearly: no vignette, no shadow."""
    ground = to_lab(_pixel(background))
    return [
        core for core in cores if distances(to_lab(_pixel(core.rgb)), ground) > CONTRAST_DELTA_E
    ]


def _without_rims(cores: list[_Core], background: FloatArray) -> list[_Core]:
    """Cores that are not the soft rim of another: its mixture with the background, inside its box.

    Blur and JPEG's halved color resolution make rims wider than erosion removes.
    """
    kept: list[_Core] = []
    for core in sorted(cores, key=lambda c: -int(c.mask.sum())):
        if not any(_is_rim(core, other, background) for other in kept):
            kept.append(core)
    return kept


def _is_rim(core: _Core, other: _Core, background: FloatArray) -> bool:
    t, residual = _mixture(core.rgb[None], other.rgb, background)
    if t[0] > _RIM_SHARE or residual[0] > _RIM_RESIDUAL:
        return False
    x, y, width, height = cv2.boundingRect(other.mask)
    around = core.mask[max(0, y - _RIM_REACH) :, max(0, x - _RIM_REACH) :]
    inside = around[: height + 2 * _RIM_REACH, : width + 2 * _RIM_REACH].sum()
    return bool(inside > 0.8 * core.mask.sum())


def _mixture(
    pixels: FloatArray, color: FloatArray, background: FloatArray
) -> tuple[FloatArray, FloatArray]:
    """Share t in 0..1 of `color` over `background` nearest to each pixel, and the distance left."""
    direction = color - background
    t = np.clip((pixels - background) @ direction / max(direction @ direction, 1.0), 0, 1)
    return t, distances(pixels, background + t[:, None] * direction)


def _grow(
    work: NDArray[np.uint8], foreground: Mask, background: FloatArray, cores: list[_Core]
) -> list[Mask]:
    """Cores extended to their edges, where they cover half of a pixel.

    Each foreground pixel goes to the core for which it is best explained as background + t
    (core - background), 0 <= t <= 1, near cores preferred; it counts as inside when t > 0.5.
    """
    if not cores:
        return []
    rows, columns = np.nonzero(foreground)
    pixels = work[rows, columns].astype(np.float32)
    costs, shares = [], []
    for core in cores:
        t, residual = _mixture(pixels, core.rgb, background)
        outside = cv2.distanceTransform(1 - core.mask, cv2.DIST_L2, 3)
        costs.append(residual + _DISTANCE_PENALTY * outside[rows, columns])
        shares.append(t)
    owner = np.argmin(costs, axis=0)
    masks = []
    for index, core in enumerate(cores):
        mask = np.zeros(foreground.shape, np.uint8)
        mine = (owner == index) & (shares[index] > 0.5)
        mask[rows[mine], columns[mine]] = 1
        masks.append(_connected_to(core.mask, mask))
    return masks


def _connected_to(core: Mask, mask: Mask) -> Mask:
    _, labels = cv2.connectedComponents(mask | core, connectivity=4)
    return (labels == labels[core > 0][0]).astype(np.uint8)


def _region(mask: Mask, core: _Core, scale: float) -> Region | None:
    x, y, width, height = cv2.boundingRect(mask)
    crop = mask[y : y + height, x : x + width] * np.uint8(255)
    if not crop.size:
        return None
    box = (x * scale, y * scale, (x + width) * scale, (y + height) * scale)
    return Region(crop, box, color_name(core.rgb), float(mask.mean()))
