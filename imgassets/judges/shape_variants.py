"""Shapes turned too far, and shapes cut by the border of the image, told by their outlines.

`shapes` compares a mask with shapes as they are drawn. Here belongs what else a mask may be.
"""

from __future__ import annotations

import functools
import itertools
import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from imgassets.judges.detector_classes import SHAPES
from imgassets.judges.shapes import (
    ASPECTS,
    GRID,
    FloatArray,
    ShapeMatch,
    best_overlaps,
    draw,
    fit_area,
    fit_box,
    upright_templates,
)

#: Degrees at which a shape is no longer upright and not yet itself again. A square at 33 is a
#: diamond at 12, and a diamond is no row of its own.
TURNS: dict[str, tuple[int, ...]] = {
    "square": (19, 23, 27, -19, -23, -27),
    "triangle": tuple(range(20, 341, 10)),
    "star": (20, 28, 36, -20, -28),
    "heart": tuple(range(20, 341, 10)),
}
#: Shares of a shape's width or height that may lie beyond the border.
CUTS = (0.0, 0.08, 0.16, 0.24, 0.32, 0.4, 0.5)

_CUT_PRICE = 0.05  # of overlap, for a whole shape beyond the border
_TURNED_SOFTNESS = (0.0, 0.06)
_MOST_CUT_ASPECT = 1.6  # of the whole shape: what is missing could be of any length otherwise
_OPPOSITE = (("left", "right"), ("top", "bottom"))


@dataclass(frozen=True)
class CutMatch:
    """What a mask at the border may be.

    Attributes:
        shape: a name in `SHAPES`.
        overlap: intersection over union with its outline on this side of the border, less
            a price for the cut, as the less is cut the likelier it is; below 1.
        cut: share of its width or height, the larger one, that lies beyond the border, 0..1.
    """

    shape: str
    overlap: float
    cut: float


def match_turned(mask: NDArray[np.uint8], shapes: Iterable[str] = TURNS) -> ShapeMatch:
    """The turned shape a mask looks most like.

    Args:
        mask: uint8, (H, W), 0 outside and 255 inside, not empty.
        shapes: which to look at, of `TURNS`.

    Returns:
        The best shape and its overlap; the margin is not looked at, and is 1.
    """
    fits = fit_box(mask), fit_area(mask)
    best, overlap = "", -1.0
    for shape in shapes:
        for fitted, templates in zip(fits, _turned_templates(shape), strict=True):
            found = float(best_overlaps(fitted, templates)[0])
            if found > overlap:
                best, overlap = shape, found
    return ShapeMatch(best, overlap, 1.0)


def match_cut(mask: NDArray[np.uint8], touches: Sequence[str]) -> list[CutMatch]:
    """What a mask may be a part of, the best first; one entry for each shape.

    Args:
        mask: uint8, (H, W), 0 or 255: the bounding box of the part inside the image.
        touches: sides of the image it touches: `left`, `top`, `right`, `bottom`.

    Returns:
        Matches of all shapes; none for a mask that touches two opposite sides, as a band does.
    """
    if any(set(pair) <= set(touches) for pair in _OPPOSITE):
        return []
    across, down = (CUTS if set(pair) & set(touches) else (0.0,) for pair in _OPPOSITE)
    best: dict[str, CutMatch] = {}
    for x, y in itertools.product(across, down):
        whole, known = _whole(mask, touches, x, y)
        if abs(math.log(whole.shape[1] / whole.shape[0])) > math.log(_MOST_CUT_ASPECT):
            continue
        for shape, overlap in zip(SHAPES, _visible_overlaps(whole, known), strict=True):
            likely = float(overlap) - _CUT_PRICE * max(x, y)
            if shape not in best or likely > best[shape].overlap:
                best[shape] = CutMatch(shape, likely, max(x, y))
    return sorted(best.values(), key=lambda match: -match.overlap)


def _whole(
    mask: NDArray[np.uint8], touches: Sequence[str], x: float, y: float
) -> tuple[NDArray[np.uint8], NDArray[np.uint8]]:
    """A mask with what lies beyond the border added, empty, and where it is known (255)."""
    right, bottom = (
        round(side * cut / (1 - cut)) for side, cut in zip(mask.shape[::-1], (x, y), strict=True)
    )
    left, top = right * ("left" in touches), bottom * ("top" in touches)
    widths = (top, bottom - top, left, right - left)
    return tuple(  # type: ignore[return-value]
        np.asarray(cv2.copyMakeBorder(one, *widths, cv2.BORDER_CONSTANT, value=0), np.uint8)
        for one in (mask, np.full_like(mask, 255))
    )


def _visible_overlaps(whole: NDArray[np.uint8], known: NDArray[np.uint8]) -> FloatArray:
    way = cv2.INTER_AREA if whole.shape[0] > GRID else cv2.INTER_LINEAR
    fitted, weight = (
        (cv2.resize(one, (GRID, GRID), interpolation=way) / 255.0).astype(np.float32).reshape(-1)
        for one in (whole, known)
    )
    seen = weight > 0.5
    return best_overlaps(fitted[seen], upright_templates()[0][..., seen])


@functools.cache
def _turned_templates(shape: str) -> tuple[FloatArray, FloatArray]:
    """A shape at all its turns fitted both ways: two arrays (1, R, G * G)."""
    variants = itertools.product(TURNS[shape], ASPECTS, _TURNED_SOFTNESS)
    drawn = [draw(shape, *variant) for variant in variants]
    boxed = [[fit_box(mask).reshape(-1) for mask in drawn]]
    centred = [[fit_area(mask).reshape(-1) for mask in drawn]]
    return np.array(boxed, np.float32), np.array(centred, np.float32)
