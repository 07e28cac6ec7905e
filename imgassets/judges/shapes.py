"""Flat shapes: their canonical outlines, and which of them a mask looks like.

A mask is compared with every shape at small rotations by intersection over union, once fitted to
its bounding box (blind to stretching) and once to its centroid and area (blind to thin smears
that stretch the box). Here belongs form only; color and place are not known here.
"""

from __future__ import annotations

import functools
import itertools
import math
from collections.abc import Callable
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from imgassets.judges.detector_classes import SHAPES

FloatArray = NDArray[np.float32]
Point = tuple[float, float]

#: Rotations, in degrees, a shape may have and still be itself. A square turned by 45 is a diamond.
ROTATIONS = (-12.0, -8.0, -4.0, 0.0, 4.0, 8.0, 12.0)
#: Widths over heights a shape may have before it is turned.
ASPECTS = (0.7, 1.0, 1.4)
#: Standard deviations of blur, in sides, whose rounded corners and lost tips are still the shape.
SOFTNESS = (0.0, 0.04, 0.08)
STAR_INNER_RADIUS = 0.42
#: Overlap with its outline at which a match is as likely wrong as right. The longer an outline is
#: for its area, the more overlap the same bend costs.
DOUBTFUL_OVERLAP = {
    "circle": 0.80, "square": 0.80, "triangle": 0.745, "star": 0.68, "diamond": 0.77, "heart": 0.77
}  # fmt: skip
#: Width over height, or height over width, at which a stretched shape is as likely another thing.
MOST_ASPECT = 2.6
#: Side of the grid masks are compared on.
GRID = 40

_DRAWN = 240  # side of the canvas templates are drawn on before they are fitted to the grid
_SIDE = 144  # side of the shape on it
_REACH = 1.25  # half the side of the area-fitted window, in units of sqrt(area)


@dataclass(frozen=True)
class ShapeMatch:
    """What a mask looks like.

    Attributes:
        shape: the best name in `SHAPES`.
        overlap: its intersection over union, 0..1; higher is better.
        margin: how much better than the next shape, 0..1.
    """

    shape: str
    overlap: float
    margin: float


def _circle() -> list[Point]:
    return [(math.cos(t), math.sin(t)) for t in np.linspace(0, 2 * math.pi, 96, endpoint=False)]


def _star() -> list[Point]:
    radii = [STAR_INNER_RADIUS if corner % 2 else 1.0 for corner in range(10)]
    return [
        (r * math.sin(math.pi * k / 5), -r * math.cos(math.pi * k / 5)) for k, r in enumerate(radii)
    ]


def _heart() -> list[Point]:
    turn = np.linspace(0, 2 * math.pi, 96, endpoint=False)
    y = 13 * np.cos(turn) - 5 * np.cos(2 * turn) - 2 * np.cos(3 * turn) - np.cos(4 * turn)
    return list(zip((16 * np.sin(turn) ** 3).tolist(), (-y).tolist(), strict=True))


_OUTLINES: dict[str, Callable[[], list[Point]]] = {
    "circle": _circle,
    "square": lambda: [(0, 0), (1, 0), (1, 1), (0, 1)],
    "triangle": lambda: [(0.5, 0), (1, 1), (0, 1)],
    "star": _star,
    "diamond": lambda: [(0.5, 0), (1, 0.5), (0.5, 1), (0, 0.5)],
    "heart": _heart,
}


def canonical_outline(shape: str) -> NDArray[np.float64]:
    """Corners of a shape filling the unit square exactly: float64, (corners, 2), x and y in 0..1.

    y points down; triangle and star point up, the heart down.

    Raises:
        ValueError: for a shape not in `SHAPES`.
    """
    if shape not in _OUTLINES:
        raise ValueError(f"unknown shape: got {shape!r}, expected one of {', '.join(SHAPES)}")
    points = np.array(_OUTLINES[shape](), np.float64)
    low, high = points.min(axis=0), points.max(axis=0)
    return np.asarray((points - low) / (high - low), np.float64)


def match_shape(mask: NDArray[np.uint8]) -> ShapeMatch:
    """The shape a mask looks most like.

    Args:
        mask: uint8, (H, W), 0 outside and 255 inside; values between are partial coverage.

    Returns:
        The best shape, its overlap and its margin over the second.

    Raises:
        ValueError: for a mask with nothing in it.
    """
    if not mask.any():
        raise ValueError("mask is empty: expected at least one pixel above 0")
    by_box = best_overlaps(fit_box(mask), upright_templates()[0])
    by_area = best_overlaps(fit_area(mask), upright_templates()[1])
    overlaps = np.maximum(by_box, by_area)
    order = np.argsort(overlaps)[::-1]
    best, second = float(overlaps[order[0]]), float(overlaps[order[1]])
    return ShapeMatch(SHAPES[order[0]], best, best - second)


def confidence(match: ShapeMatch, aspect: float) -> float:
    """How surely a region is the shape it matches best.

    A product of three logistic curves: one falls where the overlap with the outline gets low
    (`DOUBTFUL_OVERLAP`), one where a second shape fits nearly as well, one where the box is
    stretched beyond 2.6 : 1. Correct matches on drawn scenes, clean, degraded and bent, keep 0.9,
    GenEval's bar for counting; random blobs and letters mostly stay below it, and what resembles
    no shape is below 0.3, its bar for anything.

    Args:
        match: the best shape, its overlap (IoU, 0..1) and margin over the second.
        aspect: width over height of the box, above 0.

    Returns:
        0..1; higher is surer.
    """
    curves = (
        38.0 * (match.overlap - DOUBTFUL_OVERLAP[match.shape]),
        220.0 * (match.margin - 0.006),
        18.0 * (math.log(MOST_ASPECT) - abs(math.log(aspect))),
    )
    return math.prod(1.0 / (1.0 + math.exp(-value)) for value in curves)


def best_overlaps(fitted: FloatArray, templates: FloatArray) -> FloatArray:
    """Best IoU over the variants of each shape: (S,). Templates are (S, R, G * G)."""
    common = np.minimum(templates, fitted.reshape(-1)).sum(axis=-1)
    total = templates.sum(axis=-1) + fitted.sum() - common
    return np.asarray((common / total).max(axis=1), np.float32)


def fit_box(mask: NDArray[np.uint8]) -> FloatArray:
    """A mask (uint8, (H, W), 0..255) whose bounding box fills the grid: (GRID, GRID), 0..1."""
    x, y, width, height = cv2.boundingRect((mask > 127).astype(np.uint8))
    crop = mask[y : y + height, x : x + width] if width else mask
    shrinks = crop.shape[0] > GRID
    way = cv2.INTER_AREA if shrinks else cv2.INTER_LINEAR
    return np.asarray(cv2.resize(crop, (GRID, GRID), interpolation=way) / 255.0, np.float32)


def fit_area(mask: NDArray[np.uint8]) -> FloatArray:
    """A mask (uint8, (H, W), 0..255) moved and scaled to one centroid and area: as `fit_box`."""
    moments = cv2.moments(mask)
    area = moments["m00"] / 255.0
    x, y = moments["m10"] / moments["m00"], moments["m01"] / moments["m00"]
    step = 2 * _REACH * math.sqrt(area) / GRID  # source pixels in a grid cell
    offset = (GRID - 1) / 2
    to_source = np.array([[step, 0, x - step * offset], [0, step, y - step * offset]])
    source = cv2.GaussianBlur(mask, (0, 0), step / 2) if step > 1.5 else mask
    flags = cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP
    fitted = cv2.warpAffine(source, to_source, (GRID, GRID), flags=flags)
    return np.asarray(fitted / 255.0, np.float32)


@functools.cache
def upright_templates() -> tuple[FloatArray, FloatArray]:
    """Every shape, stretched, turned, softened, fitted both ways: two arrays (S, R, G * G)."""
    variants = tuple(itertools.product(ROTATIONS, ASPECTS, SOFTNESS))
    drawn = [[draw(shape, *variant) for variant in variants] for shape in SHAPES]
    boxed = [[fit_box(mask).reshape(-1) for mask in row] for row in drawn]
    centred = [[fit_area(mask).reshape(-1) for mask in row] for row in drawn]
    return np.array(boxed, np.float32), np.array(centred, np.float32)


def draw(shape: str, degrees: float, aspect: float, softness: float) -> NDArray[np.uint8]:
    """A shape, stretched, then turned, then softened: uint8, 0 or 255."""
    angle = math.radians(degrees)
    turn = np.array([[math.cos(angle), math.sin(angle)], [-math.sin(angle), math.cos(angle)]])
    stretch = (math.sqrt(aspect), 1 / math.sqrt(aspect))
    corners = (canonical_outline(shape) - 0.5) * stretch @ turn * _SIDE + _DRAWN / 2
    canvas = np.zeros((_DRAWN, _DRAWN), np.uint8)
    fixed = np.round((corners - 0.5) * 16).astype(np.int32)
    cv2.fillPoly(canvas, [fixed], 255, lineType=cv2.LINE_AA, shift=4)
    if softness:
        blurred = cv2.GaussianBlur(canvas, (0, 0), softness * _SIDE)
        return np.where(blurred > 127, 255, 0).astype(np.uint8)
    return canvas
