"""The cost and quality matrix for the template: a table of models side by side, and its plots."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from imgassets.decision.formatting import NOTHING, amount, between
from imgassets.decision.matrix import Quality, Standing
from imgassets.decision.names import title_of
from imgassets.decision.quantiles import values_needed
from imgassets.documents.contract import Endpoint, Traffic
from imgassets.documents.price import Price
from imgassets.flows import FLOWS, FlowName, label
from imgassets.report.front_plots import FrontPlot, criteria_of, front_plots


@dataclass(frozen=True)
class MatrixRow:
    """One line: what it is, a remark, and a (value, remark) for each model."""

    title: str
    note: str
    cells: tuple[tuple[str, str], ...]


@dataclass(frozen=True)
class MatrixGroup:
    """Lines that belong together; `main` ones are not folded away."""

    title: str
    note: str
    rows: tuple[MatrixRow, ...]
    main: bool = False


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
        *(_flow_group(standings, endpoint, flow) for flow in endpoint.flows),
        *_latency_groups(standings, endpoint),
    ]
    return MatrixView(
        tuple(s.model for s in standings),
        tuple(front_plots(standings)),
        tuple(g for g in groups if g.rows),
        tuple(_remarks(standings, endpoint, prices)),
    )


def _row(
    title: str, standings: Sequence[Standing], cell: Callable[[Standing], tuple[str, str]]
) -> MatrixRow:
    return MatrixRow(title, "", tuple(cell(s) for s in standings))


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
            label(quality.flow),
            tuple(cell(s.qualities.get(name)) for s in standings),
        )
        for name, quality in criteria_of(standings).items()
    ]


def _flow_group(standings: Sequence[Standing], endpoint: Endpoint, flow: FlowName) -> MatrixGroup:
    title = FLOWS[flow].delivered
    note = ", then ".join(FLOWS[step].done for step in endpoint.lineage(flow))
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
    return MatrixGroup(title, note, rows if any(costs.values()) else (), main=True)


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
    volume = ", ".join(f"{n:,} {FLOWS[f].done}" for f, n in traffic.per_month.items())
    return [
        *groups,
        MatrixGroup("Busiest hour, waiting included", waiting, tuple(_waiting_rows(standings))),
        MatrixGroup("A month", volume, tuple(_month_rows(standings, traffic)), main=True),
    ]


def _speed_rows(standings: Sequence[Standing]) -> list[MatrixRow]:
    def cell(field: str) -> Callable[[Standing], tuple[str, str]]:
        return lambda s: (amount(getattr(s.speed, field, None), "s"), "")

    def tail(standing: Standing) -> tuple[str, str]:
        speed = standing.speed
        if speed is None:
            return NOTHING, ""
        bound = speed.p95_upper
        truth = (
            "too few batches for a bound" if bound is None else f"at most {bound:.3g} s, one-sided"
        )
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
        waiting = standing.waiting
        return amount(waiting.utilization if waiting else None, "share"), ""

    return [
        _row("Capacity used", standings, busy),
        _row("Median", standings, cell("median")),
        _row("95 % within", standings, cell("p95")),
        _row("Worst", standings, cell("worst")),
    ]


def _month_rows(standings: Sequence[Standing], traffic: Traffic) -> list[MatrixRow]:
    def share(flow: FlowName) -> Callable[[Standing], tuple[str, str]]:
        return lambda s: (amount(s.month.get(flow), "USD"), "")

    def total(standing: Standing) -> tuple[str, str]:
        whole = set(traffic.per_month) <= set(standing.month)
        return (amount(sum(standing.month.values()), "USD") if whole else NOTHING), ""

    flows = [_row(flow.capitalize(), standings, share(flow)) for flow in traffic.per_month]
    return [*(flows if len(flows) > 1 else []), _row("Total", standings, total)]


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
    remarks += [
        f"Waiting times of {s.model} are not to be relied on: {s.waiting.unsteady}."
        for s in standings
        if s.waiting and s.waiting.unsteady
    ]
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
