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

from imgassets.metrics.detector_colors import COLOR_NAMES, color_name, name_indices, to_lab

Mask = NDArray[np.uint8]
FloatArray = NDArray[np.float32]
Box = tuple[float, float, float, float]

#: Longer side, in pixels, at which images are analysed; all lengths below refer to it.
WORKING_SIDE = 192
#: Smallest area of an object as a share of the image; smaller regions are specks. The smallest
#: object of the drawn scenes, a small star, covers 2 %.
MIN_AREA_SHARE = 0.005
#: Distance from the background, in CIE76 Delta E, from which on a pixel is foreground. The
#: closest pair of an object and a background color of the drawn scenes lies 46 apart.
FOREGROUND_DELTA_E = 20.0
#: Largest distance of a pixel from the median color of its region, in Delta E. The closest pair
#: of object colors of the drawn scenes lies 43 apart.
REGION_DELTA_E = 22.0

_BORDER = 4
_MAX_COLORS = 8
_MIN_CORE_RADIUS = 3.5  # of the largest disk inside a region eroded by 2
_MIN_COLOR_PIXELS = 24  # from how many pixels on a color is looked into
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
    return color_name(_background(cv2.medianBlur(_working_copy(image), 5)))


def find_regions(image: NDArray[np.uint8]) -> list[Region]:
    """Regions of one color each that stand out from the background, the largest first.

    Args:
        image: uint8, (H, W, 3), sRGB, 0..255; any size.

    Returns:
        Regions of at least `MIN_AREA_SHARE` of the image.
    """
    work = _working_copy(image)
    smooth = cv2.medianBlur(work, 5)
    background = _background(smooth)
    lab = to_lab(smooth)
    far = np.linalg.norm(lab - to_lab(_pixel(background)), axis=-1) > FOREGROUND_DELTA_E
    foreground = far.astype(np.uint8)
    cores = _cores(smooth, lab, foreground)
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
    return np.asarray(
        cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (2 * radius + 1,) * 2), np.uint8
    )


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
        center = np.median(lab[seed], axis=0)
        near = np.linalg.norm(lab - center, axis=-1) < REGION_DELTA_E
        members = (near & foreground.astype(bool)).astype(np.uint8)
        cores += _split(cv2.erode(members, _disk(2)), smooth)
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
        direction = core.rgb - background
        t = np.clip((pixels - background) @ direction / max(direction @ direction, 1.0), 0, 1)
        residual = np.linalg.norm(pixels - background - t[:, None] * direction, axis=1)
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
