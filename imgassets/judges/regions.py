"""From pixels to flat-colored regions on a background: what a person would call a blob.

Background is the dominant color of the border. What differs from it is split by color first and
connection second (`detector_cores`), so touching objects of different colors come apart; edge
pixels, which are mixtures, go to the region whose mixture with the background explains them.
Here belongs where and of what color; what shape a region has is `detector_shapes`'s matter, asked
only where two shades meet.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from imgassets.judges.color_names import (
    color_name,
    distances,
    name_indices,
    to_lab,
    to_pixel,
)
from imgassets.judges.detector_classes import COLOR_NAMES
from imgassets.judges.region_interiors import (
    CONTRAST_DELTA_E,
    Core,
    FloatArray,
    Mask,
    contrast_of,
    find_cores,
    mixture,
)
from imgassets.judges.shapes import confidence, match_shape

Box = tuple[float, float, float, float]

#: Longer side, in pixels, at which images are analysed; all lengths refer to it.
WORKING_SIDE = 192
#: Smallest area of an object as a share of the image; smaller regions are specks. The smallest
#: object of the drawn scenes, a small star, covers 2 %.
MIN_AREA_SHARE = 0.008
#: Smallest area of what is looked at: it may be an object, too small to tell.
SPECK_AREA_SHARE = 0.004
#: Distance from the background, in CIE76 Delta E, from which on a pixel is foreground: less than
#: halfway to the closest object color of the drawn scenes (46).
FOREGROUND_DELTA_E = 20.0

#: The same for faint objects, which are looked for beside the others and need sharp edges.
FAINT_FOREGROUND_DELTA_E = 7.0
#: Distance from the background that the median color of a faint object must keep.
FAINT_CONTRAST_DELTA_E = 10.0
#: The same from which on a faint object is trusted.
FAINT_TRUSTED_DELTA_E = 15.0

_BORDER = 4
_AROUND = 5  # pixels around an object where no faint one is looked for: its rim, its JPEG halo
_EDGE_REACH = 4  # pixels inside and outside of an edge between which the step of color is taken
_SHARP_STEP = 0.62  # of the contrast: 0.88 for the blur of 5 % drawn scenes, 0.4 for a soft shadow
_DISTANCE_PENALTY = 1.5  # levels of sRGB that a pixel of distance from a core is worth
_JOINING_DELTA_E = 32.0  # two shades of one object are closer, or have one name
_JOINING_CONTACT = 0.7  # shared edge, over sqrt(area), of two shades of one object


@dataclass(frozen=True)
class Region:
    """One connected part of one color.

    Attributes:
        mask: uint8, (h, w), 0 or 255: the part of the working image that `box` covers.
        box: (x0, y0, x1, y1) in pixels of the image given, x1 and y1 exclusive.
        color: name in `detector_colors.COLOR_NAMES` of its median color.
        area_share: its area over the image's, 0..1.
        contrast: distance of its median color from the background, in CIE76's Delta E.
        touches: the sides of the image it touches: `left`, `top`, `right`, `bottom`.
    """

    mask: Mask
    box: Box
    color: str
    area_share: float
    contrast: float
    touches: tuple[str, ...]

    @property
    def is_faint(self) -> bool:
        """Whether it stands out from the background little."""
        return self.contrast < FAINT_TRUSTED_DELTA_E


def background_color(image: NDArray[np.uint8]) -> str:
    """Name of the dominant color of the border of an image (uint8, (H, W, 3), sRGB)."""
    return color_name(_background(_smooth(_working_copy(image))))


def find_regions(image: NDArray[np.uint8]) -> list[Region]:
    """Regions of one color each that stand out from the background, the largest first.

    Args:
        image: uint8, (H, W, 3), sRGB, 0..255; any size.

    Returns:
        Regions of at least `SPECK_AREA_SHARE` of the image.
    """
    work = _working_copy(image)
    smooth = _smooth(work)
    background = _background(smooth)
    lab = to_lab(smooth)
    apart = distances(lab, to_lab(to_pixel(background)))
    far = apart > FOREGROUND_DELTA_E
    parts = _joined(_parts(work, smooth, lab, far, background, CONTRAST_DELTA_E))
    faint = (apart > FAINT_FOREGROUND_DELTA_E) & ~_taken(parts, far.shape)
    pale = _joined(_parts(work, smooth, lab, faint, background, FAINT_CONTRAST_DELTA_E))
    parts += [part for part in pale if _is_sharp(part, lab, background)]
    regions = [_region(mask, core, image.shape, background) for core, mask in parts]
    large = [region for region in regions if region.area_share >= SPECK_AREA_SHARE]
    return sorted(large, key=lambda region: -region.area_share)


def _parts(
    work: NDArray[np.uint8],
    smooth: NDArray[np.uint8],
    lab: FloatArray,
    foreground: NDArray[np.bool_],
    background: FloatArray,
    contrast: float,
) -> list[tuple[Core, Mask]]:
    """Cores in a foreground that keep a contrast, each with the mask it grows to."""
    cores = find_cores(smooth, lab, foreground.astype(np.uint8), background, contrast)
    return list(zip(cores, _grow(work, foreground, background, cores), strict=True))


def _taken(parts: list[tuple[Core, Mask]], shape: tuple[int, ...]) -> NDArray[np.bool_]:
    """Where no faint object is looked for: objects, what they enclose, and their surroundings."""
    filled = np.zeros(shape, np.uint8)
    for _, mask in parts:
        contours, _ = cv2.findContours(mask, cv2.RETR_EXTERNAL, cv2.CHAIN_APPROX_NONE)
        cv2.drawContours(filled, contours, -1, 1, cv2.FILLED)
    around = np.ones((2 * _AROUND + 1,) * 2, np.uint8)
    return np.asarray(cv2.dilate(filled, around), np.uint8) > 0


def _is_sharp(part: tuple[Core, Mask], lab: FloatArray, background: FloatArray) -> bool:
    """Whether a part ends in an edge, as drawn objects do; shadows and drifts of color fade out."""
    core, mask = part
    disk = np.asarray(cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (3, 3)), np.uint8)
    shrunk, grown = (
        np.asarray(change(mask, disk, iterations=_EDGE_REACH - 1), np.uint8)
        for change in (cv2.erode, cv2.dilate)
    )
    within = (shrunk > 0) & (cv2.erode(shrunk, disk, iterations=2) == 0)
    beyond = (grown == 0) & (cv2.dilate(grown, disk, iterations=2) > 0)
    if not within.any() or not beyond.any():
        return False
    step = distances(np.median(lab[within], axis=0), np.median(lab[beyond], axis=0))
    return bool(step > _SHARP_STEP * contrast_of(core.rgb, background))


def _working_copy(image: NDArray[np.uint8]) -> NDArray[np.uint8]:
    height, width = image.shape[:2]
    scale = WORKING_SIDE / max(height, width)
    size = (max(1, round(width * scale)), max(1, round(height * scale)))
    way = cv2.INTER_AREA if scale < 1 else cv2.INTER_CUBIC
    return np.asarray(cv2.resize(image, size, interpolation=way), np.uint8)


def _smooth(work: NDArray[np.uint8]) -> NDArray[np.uint8]:
    return np.asarray(cv2.medianBlur(work, 5), np.uint8)


def _background(smooth: NDArray[np.uint8]) -> FloatArray:
    """Median sRGB color of the border pixels that share the border's most frequent color name."""
    edge = np.ones(smooth.shape[:2], bool)
    edge[_BORDER:-_BORDER, _BORDER:-_BORDER] = False
    pixels = smooth[edge]
    names = name_indices(pixels)
    frequent = np.bincount(names, minlength=len(COLOR_NAMES)).argmax()
    return np.asarray(np.median(pixels[names == frequent], axis=0), np.float32)


def _grow(
    work: NDArray[np.uint8],
    foreground: NDArray[np.bool_],
    background: FloatArray,
    cores: list[Core],
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
        share, residual = mixture(pixels, core.rgb, background)
        outside = cv2.distanceTransform(1 - core.mask, cv2.DIST_L2, 3)
        costs.append(residual + _DISTANCE_PENALTY * outside[rows, columns])
        shares.append(share)
    owner = np.argmin(costs, axis=0)
    masks = []
    for index, core in enumerate(cores):
        mask = core.mask.copy()
        mine = (owner == index) & (shares[index] > 0.5)
        mask[rows[mine], columns[mine]] = 1
        masks.append(_connected_to(core.mask, mask))
    return masks


def _connected_to(core: Mask, mask: Mask) -> Mask:
    _, labels = cv2.connectedComponents(mask, connectivity=4)
    return (labels == labels[core > 0][0]).astype(np.uint8)


def _joined(parts: list[tuple[Core, Mask]]) -> list[tuple[Core, Mask]]:
    """Masks of nearly one color that meet along a broad edge made one: two shades of one object."""
    left = sorted(parts, key=lambda part: -int(part[1].sum()))
    whole: list[tuple[Core, Mask]] = []
    while left:
        core, mask = left.pop(0)
        for index, part in enumerate(left):
            if _one_object(part, (core, mask)):
                # Looked at again, as what it did not meet before may meet it now.
                left = [(core, mask | part[1]), *left[:index], *left[index + 1 :]]
                break
        else:
            whole.append((core, mask))
    return whole


def _one_object(part: tuple[Core, Mask], larger: tuple[Core, Mask]) -> bool:
    """Whether a part is a shade of a larger one; not when both are shapes and together are none."""
    (core, mask), (other, rest) = part, larger
    if not _alike(core, other):
        return False
    nearby = np.asarray(cv2.dilate(mask, np.ones((3, 3), np.uint8)), np.uint8)
    if (nearby & rest).sum() <= _JOINING_CONTACT * math.sqrt(mask.sum()):
        return False
    return _sureness(mask | rest) >= min(_sureness(mask), _sureness(rest))


def _sureness(mask: Mask) -> float:
    """How surely a mask is one shape, 0..1."""
    _, _, width, height = cv2.boundingRect(mask)
    return confidence(match_shape(mask * 255), width / height)


def _alike(a: Core, b: Core) -> bool:
    apart = distances(to_lab(to_pixel(a.rgb)), to_lab(to_pixel(b.rgb)))
    return bool(apart < _JOINING_DELTA_E) or color_name(a.rgb) == color_name(b.rgb)


def _region(mask: Mask, core: Core, shape: tuple[int, ...], background: FloatArray) -> Region:
    x, y, width, height = cv2.boundingRect(mask)
    across, down = shape[1] / mask.shape[1], shape[0] / mask.shape[0]
    box = (x * across, y * down, (x + width) * across, (y + height) * down)
    crop = mask[y : y + height, x : x + width] * np.uint8(255)
    contrast = contrast_of(core.rgb, background)
    return Region(crop, box, color_name(core.rgb), float(mask.mean()), contrast, _touched(mask))


def _touched(mask: Mask) -> tuple[str, ...]:
    edges = {"left": mask[:, 0], "top": mask[0], "right": mask[:, -1], "bottom": mask[-1]}
    return tuple(side for side, edge in edges.items() if edge.any())
