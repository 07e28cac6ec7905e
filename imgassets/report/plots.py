"""Geometry of the plots; the templates draw it as inline SVG.

Positions across are percentages of the plot's width, so that lines stretch and text does not.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

#: Where the limit is drawn in every evidence strip; the good side is always to its right.
LIMIT_AT = 42.0
_LEFT, _RIGHT = 4.0, 96.0
#: Distances below this are drawn as none.
_TINY = 1e-12
#: `(x1, y1, x2, y2)`, and `(left, right, top, bottom)`, in percent of the plot.
_Line = tuple[float, float, float, float]
_Box = tuple[float, float, float, float]
#: Different marks in the cost and quality plot.
SHAPES = 6


@dataclass(frozen=True)
class Strip:
    """One limit, one interval: what a row of the forest plot shows. Positions in percent.

    Attributes:
        estimate, lower, upper: positions; lower and upper equal the estimate without error bars.
        reference: position of the incumbent, None where it is not compared.
    """

    estimate: float
    lower: float
    upper: float
    reference: float | None


def strip(
    limit: float,
    estimate: float,
    lower: float,
    upper: float,
    *,
    higher_is_better: bool,
    reference: float | None = None,
) -> Strip:
    """Places an interval against its limit so that everything fits and right is good."""
    sign = 1.0 if higher_is_better else -1.0
    values = [estimate, lower, upper] + ([] if reference is None else [reference])
    shifts = [sign * (v - limit) for v in values]
    right, left = max(*shifts, 0.0), max(*(-s for s in shifts), 0.0)
    scales = [(_RIGHT - LIMIT_AT) / right] if right > _TINY else []
    scales += [(LIMIT_AT - _LEFT) / left] if left > _TINY else []
    scale = min(scales, default=0.0)
    places = [round(LIMIT_AT + scale * s, 2) for s in shifts]
    low, high = sorted(places[1:3])
    return Strip(places[0], low, high, None if reference is None else places[3])


@dataclass(frozen=True)
class Tick:
    """A mark on an axis: position in percent and its label's number."""

    at: float
    value: float


@dataclass(frozen=True)
class Label:
    """Where a label is written, in pixels from its dot."""

    dx: int
    dy: int
    anchor: str


@dataclass(frozen=True)
class Dot:
    """One model in the cost and quality plot; positions in percent from the left and the top.

    `best` where no other model beats it in cost and quality.
    """

    model: str
    best: bool
    x: float
    y: float
    y_low: float
    y_high: float
    shape: int
    label: Label


@dataclass(frozen=True)
class Scatter:
    """The cost and quality plot: dots, the front as `(x1, y1, x2, y2)` lines, and both axes."""

    dots: tuple[Dot, ...]
    front: tuple[tuple[float, float, float, float], ...]
    x_ticks: tuple[Tick, ...]
    y_ticks: tuple[Tick, ...]


def scatter(
    points: Sequence[tuple[str, float, float, float, float]], front: Sequence[int]
) -> Scatter:
    """Places `(label, cost, quality, lower, upper)` of each model; cost starts at 0.

    Quality is taken to be in 0..1; its axis covers all bounds. `front` are the points to join by a
    staircase, cheapest first.
    """
    x_ticks = nice_ticks(0.0, max((p[1] for p in points), default=1.0) * 1.08)
    lows = min((p[3] for p in points), default=0.0)
    highs = max((p[4] for p in points), default=1.0)
    y_ticks = nice_ticks(max(0.0, lows - 0.03), min(1.0, highs + 0.03))

    def across(v: float) -> float:
        return round(10 + 84 * (v - x_ticks[0]) / (x_ticks[-1] - x_ticks[0]), 2)

    def down(v: float) -> float:
        return round(86 - 78 * (v - y_ticks[0]) / (y_ticks[-1] - y_ticks[0]), 2)

    places = [(across(p[1]), down(p[2])) for p in points]
    lines = _staircase([places[i] for i in front])
    whiskers = [(x, down(p[4]), x, down(p[3])) for (x, _), p in zip(places, points, strict=True)]
    labels = _labels([p[0] for p in points], places, [*lines, *whiskers])
    dots = tuple(
        Dot(model, i in front, *places[i], down(low), down(high), i % SHAPES, labels[i])
        for i, (model, _, _, low, high) in enumerate(points)
    )
    return Scatter(
        dots,
        lines,
        tuple(Tick(across(v), v) for v in x_ticks),
        tuple(Tick(down(v), v) for v in y_ticks),
    )


def _staircase(corners: Sequence[tuple[float, float]]) -> tuple[_Line, ...]:
    """Along each quality to the next dearer model, then to its quality; the last one goes on."""
    lines = []
    ends = [*corners[1:], (_RIGHT, corners[-1][1])] if corners else []
    for (x, y), (next_x, next_y) in zip(corners, ends, strict=True):
        lines += [(x, y, next_x, y), (next_x, y, next_x, next_y)]
    return tuple(line for line in lines if line[:2] != line[2:])


def _labels(
    texts: Sequence[str], places: Sequence[tuple[float, float]], lines: Sequence[_Line]
) -> list[Label]:
    """Where each label goes, `(dx, dy, anchor)` in pixels: the side that hits the least.

    Label sizes are guessed for a plot of 350 x 300 pixels, a phone's; it may be drawn wider.

    Arguments: `lines` of the front and the error bars, which a label should not cover.
    """
    taken = [(x - 2, x + 2, y - 3, y + 3) for x, y in places]
    taken += [_around(line) for line in lines]
    chosen = []
    for text, (x, y) in zip(texts, places, strict=True):
        width = 2.6 * len(text)
        options = (
            ((14, 4, "start"), (x + 3, x + 3 + width, y - 3, y + 3)),
            ((-14, 4, "end"), (x - 3 - width, x - 3, y - 3, y + 3)),
            ((8, -13, "start"), (x + 1, x + 1 + width, y - 8, y - 3)),
            ((8, 22, "start"), (x + 1, x + 1 + width, y + 4, y + 9)),
            ((-8, -13, "end"), (x - 1 - width, x - 1, y - 8, y - 3)),
            ((-8, 22, "end"), (x - 1 - width, x - 1, y + 4, y + 9)),
        )
        best = min(options, key=lambda option: _clashes(option[1], taken))
        taken.append(best[1])
        chosen.append(Label(*best[0]))
    return chosen


def _around(line: _Line) -> _Box:
    (left, right), (top, bottom) = sorted((line[0], line[2])), sorted((line[1], line[3]))
    return left - 0.4, right + 0.4, top - 0.4, bottom + 0.4


def _clashes(box: _Box, taken: Sequence[_Box]) -> int:
    """How many boxes it overlaps; leaving the plot is worse than all of them."""
    left, right, top, bottom = box
    outside = len(taken) + 1 if left < 0 or right > 100 else 0  # percent of the plot's width
    return outside + sum(
        left < r and l < right and top < b and t < bottom
        for l, r, t, b in taken  # noqa: E741
    )


def nice_ticks(low: float, high: float, count: int = 5) -> list[float]:
    """About `count` round numbers that cover low..high (low < high is made so)."""
    span = high - low if high > low else max(abs(high), 1.0)
    raw = span / count
    power = 10.0 ** math.floor(math.log10(raw))
    step = next(m * power for m in (1, 2, 2.5, 5, 10) if m * power >= raw * 0.999)
    first, last = math.floor(low / step + 1e-9), math.ceil((low + span) / step - 1e-9)
    return [round(i * step, 10) for i in range(first, last + 1)]
