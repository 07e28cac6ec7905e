"""Drawings of objects in two shades of one color name: what a detector must not take for one.

Used by the tests of the detector and by the accuracy benchmark of composition.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterable, Iterator

import cv2
import numpy as np
from numpy.typing import NDArray

from imgassets.judges.color_names import color_name, distances, to_lab
from imgassets.judges.detector_classes import COLOR_PROTOTYPES, RGB, SHAPES
from imgassets.judges.shapes import canonical_outline

Pixels = NDArray[np.uint8]
Box = tuple[float, float, float, float]

#: Colors of CSS beside the detector's own prototypes: navy, royal blue, crimson, forest green...
OTHERS: tuple[RGB, ...] = (
    (0, 0, 128), (65, 105, 225), (220, 20, 60), (139, 0, 0), (34, 139, 34), (144, 238, 144),
    (255, 165, 0), (255, 215, 0), (0, 128, 128), (75, 0, 130), (255, 105, 180), (139, 69, 19),
    (192, 192, 192), (105, 105, 105), (210, 180, 140),
)  # fmt: skip
BACKGROUNDS: tuple[RGB, ...] = ((255, 255, 255), (0, 0, 0), (252, 226, 20), (20, 40, 120))
#: Boxes of two objects on 256 x 256 pixels.
LAYOUTS: dict[str, tuple[Box, Box]] = {
    "apart": ((25, 83, 115, 173), (141, 83, 231, 173)),
    "touching": ((38, 83, 128, 173), (128, 83, 218, 173)),
    "of two sizes": ((20, 60, 150, 190), (168, 100, 240, 172)),
    "one above the other": ((83, 20, 173, 110), (83, 140, 173, 230)),
}
#: Shades nearer than this (Delta E) that touch are one region, as documented.
TOUCHING_DELTA_E = 22.0
_CONTRAST = 46.0  # what the scenes keep between object and background


def pairs() -> Iterator[tuple[str, RGB, RGB]]:
    """All pairs of colors of one name that differ visibly, with the name."""
    colors = [rgb for prototypes in COLOR_PROTOTYPES.values() for rgb in prototypes]
    for a, b in itertools.combinations([*colors, *OTHERS], 2):
        if color_name(a) == color_name(b) and apart(a, b) >= 8:
            yield color_name(a), a, b


def apart(a: RGB, b: RGB) -> float:
    """Distance of two colors, CIE76's Delta E."""
    one, two = to_lab(np.array([a, b], np.uint8))
    return float(distances(one, two))


def drawings(layouts: Iterable[str] = LAYOUTS) -> Iterator[tuple[str, str, Pixels]]:
    """(color name, shape, image): each pair in each layout; shapes and backgrounds vary."""
    for index, (name, a, b) in enumerate(pairs()):
        fitting = [bg for bg in BACKGROUNDS if min(apart(bg, a), apart(bg, b)) > _CONTRAST]
        for number, layout in enumerate(layouts):
            boxes = LAYOUTS[layout]
            if layout == "touching" and apart(a, b) < TOUCHING_DELTA_E:
                continue
            shape = SHAPES[(index + number) % len(SHAPES)]
            background = fitting[(index + number) % len(fitting)]
            yield (
                name,
                shape,
                draw(background, [(shape, a, boxes[0]), (shape, b, boxes[1])]),
            )


def draw(background: RGB, objects: list[tuple[str, RGB, Box]], side: int = 256) -> Pixels:
    """Antialiased shapes of (name, color, box)."""
    image = np.full((4 * side, 4 * side, 3), background, np.uint8)
    for shape, color, (x0, y0, x1, y1) in objects:
        corners = canonical_outline(shape) * (x1 - x0, y1 - y0) + (x0, y0)
        cv2.fillPoly(image, [np.round(4 * corners - 0.5).astype(np.int32)], color)
    return np.asarray(cv2.resize(image, (side, side), interpolation=cv2.INTER_AREA), np.uint8)


#: How far, 0..1, each pixel of a unit square is on the way from one shade to another.
SHADINGS: dict[str, Callable[[NDArray[np.float64], NDArray[np.float64]], NDArray[np.float64]]] = {
    "gradient": lambda x, y: x,
    "half in shadow": lambda x, y: np.where(x > 0.5, 1.0, 0.0),
    "lit like a ball": lambda x, y: np.clip(np.hypot(x - 0.35, y - 0.35) / 0.7, 0.0, 1.0),
    "highlight": lambda x, y: np.where(np.hypot(x - 0.5, y - 0.5) > 0.15, 1.0, 0.0),
}


def shaded(shape: str, a: RGB, b: RGB, how: str, background: RGB) -> Pixels:
    """One object that goes from one shade to another."""
    box = (60.0, 60.0, 196.0, 196.0)
    inside = draw((0, 0, 0), [(shape, (255, 255, 255), box)]) / 255.0
    place = np.clip((np.arange(256) - 60) / 136, 0, 1)
    share = SHADINGS[how](*np.meshgrid(place, place))[..., None]
    fill = np.array(a) * (1 - share) + np.array(b) * share
    mixed = fill * inside + np.array(background) * (1 - inside)
    return np.asarray(np.clip(np.round(mixed), 0, 255), np.uint8)
