"""Plots of quality against the cost of an image, with the front of models that no other beats."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from imgassets.decision.matrix import Quality, Standing, pareto_front
from imgassets.decision.names import title_of
from imgassets.flows import FLOWS, FlowName
from imgassets.metrics.families import METRICS
from imgassets.report.plots import Scatter, scatter

#: More plots say less.
MOST_PLOTS = 4


@dataclass(frozen=True)
class FrontPlot:
    """One quality against the cost of an image.

    Attributes:
        title, quality, cost: in words.
        better: which way on the quality's axis is better, upwards or downwards.
        scale: times a tick of that axis is what is written there.
        scatter: where everything is drawn.
        front: models that no other beats, in words.
    """

    title: str
    quality: str
    cost: str
    better: str
    scale: int
    scatter: Scatter
    front: str


def front_plots(standings: Sequence[Standing]) -> list[FrontPlot]:
    """A plot for each quality in 0..1 on which models differ; against seconds if all are free."""
    priced = any((cost.usd or 0) > 0 for s in standings for cost in s.steps.values())
    plots = []
    for name, quality in criteria_of(standings).items():
        if quality.unit not in ("share", "similarity"):
            continue
        found = [_point(s, name, quality.flow, priced) for s in standings]
        points = [p for p in found if p is not None]
        if len({p[2] for p in points}) < 2:
            continue
        plots.append(_plot(quality, points, priced))
    return plots[:MOST_PLOTS]


_Point = tuple[str, float, float, float, float]


def _point(standing: Standing, name: str, flow: FlowName, priced: bool) -> _Point | None:
    quality, cost = standing.qualities.get(name), standing.delivered(flow)
    if quality is None or cost is None or quality.estimate is None:
        return None
    if quality.lower is None or quality.upper is None:
        return None
    each = cost.usd if priced else cost.seconds
    if each is None:
        return None
    paid = 1000 * each if priced else each
    return standing.model, paid, quality.estimate, quality.lower, quality.upper


def _plot(quality: Quality, points: Sequence[_Point], priced: bool) -> FrontPlot:
    title, one = title_of(quality.metric), FLOWS[quality.flow].delivered.lower()
    cost = f"USD for 1,000 {one.removeprefix('an ')}s" if priced else f"seconds for {one}"
    lower = METRICS[quality.metric].direction == "lower"
    front = pareto_front([(p[1], -p[2] if lower else p[2]) for p in points])
    return FrontPlot(
        f"{title} against {cost}",
        title,
        cost,
        "downwards" if lower else "upwards",
        100 if quality.unit == "share" else 1,
        scatter(points, front),
        ", ".join(points[i][0] for i in front),
    )


def criteria_of(standings: Sequence[Standing]) -> dict[str, Quality]:
    """Every criterion that is not a cost, by name, as one of the models has it."""
    return {name: q for s in reversed(standings) for name, q in s.qualities.items()}
