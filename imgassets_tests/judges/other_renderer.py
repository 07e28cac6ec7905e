"""Scenes drawn by other means than the product's: what agreement with the detector is measured on.

Nothing here comes from `imgassets.tiny.scenes` or `imgassets.judges.shapes`: outlines of other
proportions, stretched and turned, on canvases of any size, filled by Pillow at six times the size.
"""

from __future__ import annotations

import io
import math
import random
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw

from imgassets.documents.prompts import Expectation

Pixels = NDArray[np.uint8]
RGB = tuple[int, int, int]
Points = list[tuple[float, float]]

#: sRGB of the names, written down here a second time.
PALETTE: dict[str, RGB] = {
    "red": (220, 20, 30), "orange": (252, 135, 15), "yellow": (250, 225, 25),
    "green": (28, 155, 55), "cyan": (15, 205, 225), "blue": (25, 80, 230),
    "purple": (145, 30, 150), "pink": (255, 135, 195), "brown": (120, 70, 28),
    "black": (4, 4, 4), "white": (252, 252, 252), "gray": (128, 128, 128),
    "beige": (216, 190, 150),
}  # fmt: skip
JITTER = 6
FAULTS = ("color", "count", "shape", "position")
RELATIONS = {"left of": "right of", "right of": "left of", "above": "below", "below": "above"}
_FINER = 6
_ARC = [2 * math.pi * step / 180 for step in range(180)]


def _circle(rng: random.Random) -> Points:
    return [(math.cos(t), math.sin(t)) for t in _ARC]


def _square(rng: random.Random) -> Points:
    return [(-1, -1), (1, -1), (1, 1), (-1, 1)]


def _triangle(rng: random.Random) -> Points:
    apex = rng.uniform(-0.12, 0.12)
    return [(apex, -1), (1, 1), (-1, 1)]


def _star(rng: random.Random) -> Points:
    inner = rng.uniform(0.38, 0.5)
    return [
        (radius * math.sin(math.pi * k / 5), -radius * math.cos(math.pi * k / 5))
        for k in range(10)
        for radius in [inner if k % 2 else 1.0]
    ]


def _diamond(rng: random.Random) -> Points:
    return [(0, -1), (1, 0), (0, 1), (-1, 0)]


def _heart(rng: random.Random) -> Points:
    """Either two half circles on a point, or the curve (x2 + y2 - 1)3 = x2 y3."""
    if rng.random() < 0.5:
        lobes = [(0.5 - 0.5 * math.cos(t), -0.5 * math.sin(t)) for t in _ARC[:90]]
        point = [(1 - 0.25 * t * t - 0.75 * t, 1.35 * t) for t in np.linspace(0, 1, 40).tolist()]
        right = lobes + point
        return right + [(-x, y) for x, y in reversed(right)]
    found = []
    for t in _ARC:
        low, high = 0.0, 2.0  # along a ray the curve is left once
        for _ in range(30):
            r = (low + high) / 2
            x, y = r * math.sin(t), r * math.cos(t)
            low, high = (r, high) if (x * x + y * y - 1) ** 3 < x * x * y**3 else (low, r)
        found.append((low * math.sin(t), -low * math.cos(t)))
    return found


OUTLINES: dict[str, Callable[[random.Random], Points]] = {
    "circle": _circle, "square": _square, "triangle": _triangle,
    "star": _star, "diamond": _diamond, "heart": _heart,
}  # fmt: skip


@dataclass(frozen=True)
class Item:
    """One shape: its center in shares of the canvas, its mean side in shares of the shorter side,
    width over height before it is turned, degrees, and its fill."""

    shape: str
    color: str
    rgb: RGB
    center: tuple[float, float]
    side: float
    aspect: float = 1.0
    degrees: float = 0.0
    variant: int = 0


@dataclass(frozen=True)
class Drawing:
    """Items on a background, the canvas in pixels, and JPEG's quality (None: not compressed)."""

    items: tuple[Item, ...]
    background: RGB
    size: tuple[int, int]
    quality: int | None = None

    def pixels(self) -> Pixels:
        """The drawing: uint8, (height, width, 3), sRGB."""
        width, height = self.size
        canvas = Image.new("RGB", (width * _FINER, height * _FINER), self.background)
        pen = ImageDraw.Draw(canvas)
        for item in self.items:
            pen.polygon([(x * _FINER, y * _FINER) for x, y in placed(item, self.size)], item.rgb)
        image = canvas.resize(self.size, Image.Resampling.BOX)
        if self.quality is not None:
            buffer = io.BytesIO()
            image.save(buffer, "JPEG", quality=self.quality)
            image = Image.open(buffer).convert("RGB")
        return np.asarray(image, np.uint8)


@dataclass(frozen=True)
class Case:
    """A drawing, what was asked for, and the fault planted (None: none)."""

    drawing: Drawing
    expectation: Expectation
    fault: str | None


def placed(item: Item, size: tuple[int, int]) -> Points:
    """Corners of an item in pixels of the canvas."""
    points = np.array(OUTLINES[item.shape](random.Random(item.variant)))
    low, high = points.min(axis=0), points.max(axis=0)
    unit = (points - (low + high) / 2) / (high - low)
    stretch = np.array([math.sqrt(item.aspect), 1 / math.sqrt(item.aspect)])
    angle = math.radians(item.degrees)
    turn = np.array([[math.cos(angle), math.sin(angle)], [-math.sin(angle), math.cos(angle)]])
    corners = (unit * stretch) @ turn * item.side * min(size) + np.array(item.center) * size
    return [(float(x), float(y)) for x, y in corners]


def cases(seed: int, number: int) -> list[Case]:
    """Tasks in turn (one object, two in a relation, two to four to count); half planted wrong."""
    rng = random.Random(seed)
    return [_case(rng, index % 3, index // 3 % 2 == 1) for index in range(number)]


def contrast(a: RGB, b: RGB) -> float:
    """CIE76's Delta E of two sRGB colors, computed here by the formulas of the standard."""
    return math.dist(_lab(a), _lab(b))


def _lab(rgb: RGB) -> tuple[float, float, float]:
    line = [
        v / 12.92 if v <= 0.04045 else ((v + 0.055) / 1.055) ** 2.4 for v in (c / 255 for c in rgb)
    ]
    rows = ((0.4124, 0.3576, 0.1805), (0.2126, 0.7152, 0.0722), (0.0193, 0.1192, 0.9505))
    xyz = [sum(w * v for w, v in zip(row, line, strict=True)) for row in rows]
    x, y, z = (
        t ** (1 / 3) if t > 0.008856 else 7.787 * t + 16 / 116
        for t in (v / white for v, white in zip(xyz, (0.9505, 1.0, 1.089), strict=True))
    )
    return 116 * y - 16, 500 * (x - y), 200 * (y - z)


def jittered(rng: random.Random, name: str) -> RGB:
    """A shade of a name."""
    red, green, blue = (min(255, max(0, v + rng.randint(-JITTER, JITTER))) for v in PALETTE[name])
    return red, green, blue


def _case(rng: random.Random, task: int, faulty: bool) -> Case:
    ground = rng.choice(("white", "gray", "black", "beige", "white", "pink", "yellow", "blue"))
    background = jittered(rng, ground)
    names = [n for n in PALETTE if n != ground and contrast(PALETTE[n], background) > 20]
    size = (rng.randint(96, 512), rng.randint(96, 512))
    if max(size) > 1.5 * min(size):
        size = (size[0], size[0])
    number = (1, 2, rng.randint(2, 4))[task]
    shapes = rng.sample(tuple(OUTLINES), 2) if task == 1 else [rng.choice(tuple(OUTLINES))] * number
    colors = rng.sample(names, 2) if task == 1 else [rng.choice(names)] * number
    relation = rng.choice(tuple(RELATIONS))
    fault = rng.choice(FAULTS if task == 1 else FAULTS[:3]) if faulty else None
    drawn, drawn_relation = list(zip(shapes, colors, strict=True)), relation
    if fault is not None:
        drawn, drawn_relation = _planted(rng, fault, drawn, relation, names, task)
    centers = _centers(rng, len(drawn), drawn_relation if task == 1 else None)
    items = tuple(
        _item(rng, s, c, xy, len(centers)) for (s, c), xy in zip(drawn, centers, strict=True)
    )
    quality = rng.choice((None, rng.randint(75, 95)))
    expected = _expected(task, shapes, colors, relation)
    return Case(Drawing(items, background, size, quality), expected, fault)


def _planted(
    rng: random.Random, fault: str, objects: list[tuple[str, str]], relation: str,
    names: list[str], task: int,
) -> tuple[list[tuple[str, str]], str]:  # fmt: skip
    """Objects, or their relation, with one thing wrong."""
    index = rng.randrange(len(objects))
    shape, color = objects[index]
    if fault == "position":
        return objects, rng.choice([other for other in RELATIONS if other != relation])
    if fault == "color":
        objects[index] = shape, rng.choice([n for n in names if n != color])
    elif fault == "shape":
        there = {s for s, _ in objects}
        objects[index] = rng.choice([s for s in OUTLINES if s not in there]), color
    elif task == 2 and rng.random() < 0.5:
        objects.append(objects[0])
    else:
        del objects[index]
    return objects, relation


def _centers(rng: random.Random, number: int, relation: str | None) -> list[tuple[float, float]]:
    """Cells apart from each other; with a relation, the first lies so as seen from the second."""
    if relation is not None and number == 2:
        low, high, across = (
            rng.uniform(0.24, 0.28),
            rng.uniform(0.72, 0.76),
            rng.uniform(0.42, 0.58),
        )
        first, second = (low, high) if relation in ("left of", "above") else (high, low)
        other = across + rng.uniform(-0.05, 0.05)
        if relation in ("left of", "right of"):
            return [(first, across), (second, other)]
        return [(across, first), (other, second)]
    if number == 1:
        return [(rng.uniform(0.35, 0.65), rng.uniform(0.35, 0.65))]
    grid = 2 if number <= 4 else 3
    cells = rng.sample([(c, r) for c in range(grid) for r in range(grid)], number)
    step, shake = 1 / grid, 0.03 / grid
    return [
        (
            (c + 0.5) * step + rng.uniform(-shake, shake),
            (r + 0.5) * step + rng.uniform(-shake, shake),
        )
        for c, r in cells
    ]


def _item(
    rng: random.Random, shape: str, color: str, center: tuple[float, float], number: int
) -> Item:
    most = {1: 0.5, 2: 0.34, 3: 0.34, 4: 0.34}.get(number, 0.22)
    return Item(
        shape, color, jittered(rng, color), center, rng.uniform(0.17, most),
        math.exp(rng.uniform(math.log(0.7), math.log(1.4))), rng.uniform(-12, 12),
        rng.randrange(1 << 30),
    )  # fmt: skip


def _expected(task: int, shapes: list[str], colors: list[str], relation: str) -> Expectation:
    entries: list[dict[str, Any]]
    entries = [{"class": s, "count": 1, "color": c} for s, c in zip(shapes, colors, strict=True)]
    exclude = list[dict[str, Any]]()
    if task == 1:
        entries = [entries[1], entries[0] | {"position": [relation, 0]}]
    elif task == 2:
        entries = [entries[0] | {"count": len(shapes)}]
        exclude = [{"class": shapes[0], "count": len(shapes) + 1}]
    return Expectation.model_validate({"include": entries, "exclude": exclude})


def single(shape: str, **changed: Any) -> Drawing:
    """One item alone, in the middle of 256 x 256 pixels of white, blue unless told otherwise.

    Keywords are fields of `Item` and of `Drawing`.
    """
    drawing = {k: changed.pop(k) for k in ("background", "size", "quality") if k in changed}
    item = Item(shape, "blue", PALETTE["blue"], (0.5, 0.5), 0.3)
    plain = Drawing((replace(item, **changed),), PALETTE["white"], (256, 256))
    return replace(plain, **drawing)
