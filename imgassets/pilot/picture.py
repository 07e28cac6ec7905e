"""A picture of a pilot: latency over time, and its spread beside that of the simulated queue."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import jinja2
import numpy as np

from imgassets.decision.statistics import Floats
from imgassets.pilot.result import Pilot
from imgassets.pilot.simulated import simulated
from imgassets.report.plots import nice_ticks

_TEMPLATE = Path(__file__).with_name("picture.svg.j2")
#: A longer pilot is drawn by every so many requests, the slowest of each group.
_MOST_DOTS = 1500
_WIDTH, _TOP, _HEIGHT = 640.0, 76.0, 190.0
_SPREAD_TOP = 342.0


@dataclass(frozen=True)
class _Axes:
    """Where numbers are drawn, in pixels."""

    left: float
    top: float
    width: float
    height: float
    x_ticks: tuple[float, ...]
    y_ticks: tuple[float, ...]

    def x(self, value: float) -> float:
        low, high = self.x_ticks[0], self.x_ticks[-1]
        return round(self.left + self.width * (value - low) / (high - low), 1)

    def y(self, value: float) -> float:
        low, high = self.y_ticks[0], self.y_ticks[-1]
        return round(self.top + self.height * (1 - (value - low) / (high - low)), 1)


def picture(pilot: Pilot) -> str:
    """SVG of fixed size, without script and without anything from elsewhere."""
    expected = simulated(pilot)
    rows = pilot.requests
    waits = np.array([row.done - row.due for row in rows])
    firsts = np.array([row.first if row.first is not None else math.nan for row in rows])
    highest = max(waits.max(), expected.max() if expected.size else 0.0)
    span = max(row.due for row in rows) or 1.0
    over = _axes(_TOP, nice_ticks(0, span), nice_ticks(0, float(highest)))
    seen = firsts[~np.isnan(firsts)]
    spread = _spread_axes(seen, expected)
    kept = _slowest(waits)
    values: dict[str, Any] = {
        "pilot": pilot.result,
        "over": over,
        "dots": [(over.x(rows[i].due), over.y(waits[i]), bool(rows[i].failure)) for i in kept],
        "expected": [(over.x(rows[i].due), over.y(expected[i])) for i in kept]
        if expected.size
        else [],
        "spread": spread,
        "seen_line": _quantiles(spread, seen),
        "expected_line": _quantiles(spread, expected),
        "failed": sum(bool(row.failure) for row in rows),
        "number": _number,
    }
    environment = jinja2.Environment(autoescape=True, undefined=jinja2.StrictUndefined)
    return environment.from_string(_TEMPLATE.read_text(encoding="utf-8")).render(values)


def _axes(top: float, x: Sequence[float], y: Sequence[float]) -> _Axes:
    return _Axes(64.0, top, _WIDTH - 88, _HEIGHT, tuple(x), tuple(y))


def _spread_axes(seen: Floats, expected: Floats) -> _Axes:
    both = np.concatenate([seen, expected])
    highest = float(both.max()) if both.size else 1.0
    return _axes(_SPREAD_TOP, nice_ticks(0, highest), (0.0, 0.25, 0.5, 0.75, 1.0))


def _slowest(waits: Floats) -> list[int]:
    """Positions of what is drawn: all, or the slowest of each group of neighbours."""
    groups = np.array_split(np.arange(len(waits)), min(len(waits), _MOST_DOTS))
    return [int(group[np.argmax(waits[group])]) for group in groups]


def _quantiles(axes: _Axes, values: Floats) -> str:
    """Points of a line: the share of requests that are over by each time."""
    if not values.size:
        return ""
    shares = np.linspace(0, 1, 201)
    return " ".join(
        f"{axes.x(float(value))},{axes.y(float(share))}"
        for share, value in zip(shares, np.quantile(values, shares), strict=True)
    )


def _number(value: float) -> str:
    return f"{value:g}"
