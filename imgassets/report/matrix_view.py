"""The cost and quality matrix for the template: a table of models side by side, and its plots."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from imgassets.decision.matrix import Quality, Standing, pareto_front
from imgassets.decision.quantiles import values_needed
from imgassets.decision.wording import NOTHING, amount, between
from imgassets.report.criteria_view import title_of
from imgassets.report.plots import Scatter, scatter
from imgassets.spec.contract import Endpoint, Traffic
from imgassets.spec.metrics import Flow
from imgassets.spec.model import Price

#: More plots say less.
MOST_PLOTS = 4
_DELIVERED: dict[Flow, tuple[str, str]] = {
    "generate": ("An image", "generated"),
    "edit": ("An edited image", "generated, then edited"),
    "upscale": ("An upscaled image", "generated, then upscaled"),
}


@dataclass(frozen=True)
class MatrixRow:
    """One line: what it is, a remark, and a (value, remark) for each model."""

    title: str
    note: str
    cells: tuple[tuple[str, str], ...]


@dataclass(frozen=True)
class MatrixGroup:
    """Lines that belong together."""

    title: str
    note: str
    rows: tuple[MatrixRow, ...]


@dataclass(frozen=True)
class FrontPlot:
    """One quality against the cost of an image; `scale` times a tick is what is written there."""

    title: str
    quality: str
    cost: str
    scale: int
    scatter: Scatter
    front: str


@dataclass(frozen=True)
class MatrixView:
    """All of the section; `remarks` are sentences below it."""

    models: tuple[str, ...]
    plots: tuple[FrontPlot, ...]
    groups: tuple[MatrixGroup, ...]
    remarks: tuple[str, ...]


def matrix_view(
    endpoint: Endpoint, standings: Sequence[Standing], prices: Mapping[str, Price]
) -> MatrixView | None:
    """The section's view; None where nothing was measured."""
    if not any(s.steps for s in standings):
        return None
    groups = [
        MatrixGroup("Quality", "mean over prompts", tuple(_quality_rows(standings))),
        *(_flow_group(standings, flow) for flow in endpoint.flows),
        *_latency_groups(standings, endpoint),
    ]
    return MatrixView(
        tuple(s.model for s in standings),
        tuple(_plots(standings)),
        tuple(g for g in groups if g.rows),
        tuple(_remarks(standings, endpoint, prices)),
    )


def _row(
    title: str, standings: Sequence[Standing], cell: Callable[[Standing], tuple[str, str]]
) -> MatrixRow:
    return MatrixRow(title, "", tuple(cell(s) for s in standings))


def _criteria(standings: Sequence[Standing]) -> dict[str, Quality]:
    return {name: q for s in reversed(standings) for name, q in s.qualities.items()}


def _quality_rows(standings: Sequence[Standing]) -> list[MatrixRow]:
    def cell(quality: Quality | None) -> tuple[str, str]:
        if quality is None or quality.estimate is None:
            return NOTHING, ""
        if quality.lower is None or quality.upper is None:
            return amount(quality.estimate, quality.unit), ""
        interval = between(quality.lower, quality.upper, quality.unit)
        return amount(quality.estimate, quality.unit), interval

    return [
        MatrixRow(
            title_of(quality.metric),
            "" if quality.flow == "generate" else quality.flow,
            tuple(cell(s.qualities.get(name)) for s in standings),
        )
        for name, quality in _criteria(standings).items()
    ]


def _flow_group(standings: Sequence[Standing], flow: Flow) -> MatrixGroup:
    title, note = _DELIVERED[flow]
    costs = {s.model: s.delivered(flow) for s in standings}

    def cell(field: str, unit: str) -> Callable[[Standing], tuple[str, str]]:
        def of(standing: Standing) -> tuple[str, str]:
            cost = costs[standing.model]
            return (NOTHING if cost is None else amount(getattr(cost, field), unit)), ""

        return of

    lines = (
        ("Price", "usd", "USD"),
        ("Time", "seconds", "s"),
        ("Peak memory", "peak_memory", "MiB"),
    )
    rows = tuple(_row(name, standings, cell(field, unit)) for name, field, unit in lines)
    return MatrixGroup(title, note, rows if any(costs.values()) else ())


def _latency_groups(standings: Sequence[Standing], endpoint: Endpoint) -> list[MatrixGroup]:
    groups = [MatrixGroup("Speed alone", "seconds an image", tuple(_speed_rows(standings)))]
    traffic = endpoint.traffic
    if traffic is None:
        return groups
    each = "worker" if traffic.workers == 1 else "workers"
    waiting = (
        f"{traffic.busiest_hour:,.0f} requests an hour at random, {traffic.workers} {each}, "
        f"up to {traffic.batch} at once"
    )
    volume = ", ".join(
        f"{n:,} {_DELIVERED[f][1].split()[-1]}" for f, n in traffic.per_month.items()
    )
    return [
        *groups,
        MatrixGroup("Busiest hour, waiting included", waiting, tuple(_waiting_rows(standings))),
        MatrixGroup("A month", volume, tuple(_month_rows(standings, traffic))),
    ]


def _speed_rows(standings: Sequence[Standing]) -> list[MatrixRow]:
    def cell(field: str) -> Callable[[Standing], tuple[str, str]]:
        return lambda s: (amount(getattr(s.speed, field) if s.speed else None, "s"), "")

    def tail(standing: Standing) -> tuple[str, str]:
        speed = standing.speed
        if speed is None:
            return NOTHING, ""
        bound = speed.p95_upper
        truth = "too few batches for a bound" if bound is None else f"truly at most {bound:.3g} s"
        return amount(speed.p95, "s"), truth

    return [
        _row("Median", standings, cell("median")),
        _row("95 % within", standings, tail),
        _row("Worst", standings, cell("worst")),
    ]


def _waiting_rows(standings: Sequence[Standing]) -> list[MatrixRow]:
    def cell(field: str) -> Callable[[Standing], tuple[str, str]]:
        def of(standing: Standing) -> tuple[str, str]:
            waiting = standing.waiting
            if waiting is None:
                return NOTHING, ""
            value = getattr(waiting, field)
            return ("overloaded", "") if value is None else (amount(value, "s"), "")

        return of

    def busy(standing: Standing) -> tuple[str, str]:
        return amount(standing.waiting.utilization if standing.waiting else None, "share"), ""

    return [
        _row("Capacity used", standings, busy),
        _row("Median", standings, cell("median")),
        _row("95 % within", standings, cell("p95")),
        _row("Worst", standings, cell("worst")),
    ]


def _month_rows(standings: Sequence[Standing], traffic: Traffic) -> list[MatrixRow]:
    def share(flow: Flow) -> Callable[[Standing], tuple[str, str]]:
        return lambda s: (amount(s.month.get(flow), "USD"), "")

    def total(standing: Standing) -> tuple[str, str]:
        whole = set(traffic.per_month) <= set(standing.month)
        return (amount(sum(standing.month.values()), "USD") if whole else NOTHING), ""

    flows = [_row(flow.capitalize(), standings, share(flow)) for flow in traffic.per_month]
    return [*(flows if len(flows) > 1 else []), _row("Total", standings, total)]


def _plots(standings: Sequence[Standing]) -> list[FrontPlot]:
    """A plot for each quality in 0..1 on which models differ."""
    plots = []
    for name, quality in _criteria(standings).items():
        if quality.unit not in ("share", "similarity"):
            continue
        found = [_point(s, name, quality.flow) for s in standings]
        points = [p for p in found if p is not None]
        if len({p[2] for p in points}) < 2:
            continue
        plots.append(_plot(quality, points))
    return plots[:MOST_PLOTS]


_Point = tuple[str, float, float, float, float]


def _point(standing: Standing, name: str, flow: Flow) -> _Point | None:
    quality, cost = standing.qualities.get(name), standing.delivered(flow)
    if quality is None or cost is None or quality.estimate is None:
        return None
    if quality.lower is None or quality.upper is None:
        return None
    return standing.model, 1000 * cost.usd, quality.estimate, quality.lower, quality.upper


def _plot(quality: Quality, points: Sequence[_Point]) -> FrontPlot:
    title, what = title_of(quality.metric), _DELIVERED[quality.flow][0].lower()
    what = what.removeprefix("an ") + "s"
    front = pareto_front([(p[1], p[2]) for p in points])
    return FrontPlot(
        f"{title} against the price of 1,000 {what}",
        title,
        f"USD for 1,000 {what}",
        100 if quality.unit == "share" else 1,
        scatter(points, front),
        ", ".join(points[i][0] for i in front),
    )


def _remarks(
    standings: Sequence[Standing], endpoint: Endpoint, prices: Mapping[str, Price]
) -> list[str]:
    alpha, traffic = endpoint.decision.alpha, endpoint.traffic
    said: dict[str, list[str]] = {}
    for model, price in prices.items():
        said.setdefault(price_text(price), []).append(model)
    remarks = [f"Price of {', '.join(models)}: {text}." for text, models in said.items()]
    batches = [s.speed.batches for s in standings if s.speed]
    needed = values_needed(0.95, alpha)
    if min(batches, default=needed) < needed:
        remarks.append(
            f"Times were measured on as few as {min(batches)} batches of images made together; "
            f"a bound on the 95th percentile needs {needed}."
        )
    if traffic is None:
        remarks.append("The contract has no `traffic`, so waiting times and a month are left out.")
        return remarks
    other = sorted({s.measured_batch for s in standings} - {0, traffic.batch})
    if other:
        remarks.append(
            f"Times were measured in batches of {', '.join(map(str, other))}; in batches of "
            f"{traffic.batch} they may differ."
        )
    return remarks


def price_text(price: Price) -> str:
    """A price with its basis, source and date."""
    basis = (
        f"${price.usd_per_hour:g} an hour of the machine, shared by the images made in it"
        if price.usd_per_image is None
        else f"${price.usd_per_image:g} an image"
    )
    return f"{basis} ({price.source}, {price.as_of.isoformat()})"
