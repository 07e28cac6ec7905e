"""Cost beside quality: what each model delivers, takes, costs and keeps people waiting for."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import reduce

import numpy as np

from imgassets.decision.comparison import Comparison
from imgassets.decision.paired_scores import Measured, prompt_means
from imgassets.decision.quantiles import quantile_upper
from imgassets.decision.queueing import Latency, latency
from imgassets.decision.statistics import Floats
from imgassets.documents.contract import Endpoint, Traffic
from imgassets.flows import FIRST, FlowName
from imgassets.metrics.families import of_making

_TAIL = 0.95


@dataclass(frozen=True)
class Quality:
    """One criterion that is not a cost: the model's mean with one-sided bounds.

    Attributes:
        metric, flow, unit: of the criterion.
        estimate, lower, upper: in the unit; None where too little was measured.
    """

    metric: str
    flow: FlowName
    unit: str
    estimate: float | None
    lower: float | None
    upper: float | None


@dataclass(frozen=True)
class FlowCost:
    """What one image of a flow takes by itself.

    Attributes:
        seconds, usd: means over prompts; None where nobody told them.
        peak_memory: the highest of all images, MiB.
    """

    seconds: float | None
    usd: float | None
    peak_memory: float

    def __add__(self, other: FlowCost) -> FlowCost:
        """One after the other."""
        peak = max(self.peak_memory, other.peak_memory)
        return FlowCost(_sum(self.seconds, other.seconds), _sum(self.usd, other.usd), peak)


def _sum(one: float | None, other: float | None) -> float | None:
    return None if one is None or other is None else one + other


@dataclass(frozen=True)
class Speed:
    """Seconds an image, by batch: images of one batch share its time, so it counts once.

    Attributes:
        batches: how many were measured.
        median, p95, worst: seconds an image.
        p95_upper: distribution-free upper bound of p95; None with too few batches.
    """

    batches: int
    median: float
    p95: float
    p95_upper: float | None
    worst: float


@dataclass(frozen=True)
class Standing:
    """One model's column of the matrix.

    Attributes:
        model: its name.
        qualities: by criterion.
        steps: cost of each flow by itself; flows without a measured image are left out.
        speed: of generating; None without a measurement.
        waiting: latency under the endpoint's traffic; None without traffic or measurement.
        month: USD of a month by flow; empty without traffic.
        measured_batch: images in a batch when times were taken; 0 where the table does not say.
        chains: of each flow, the flows its images went through, itself last.
    """

    model: str
    qualities: Mapping[str, Quality] = field(default_factory=dict)
    steps: Mapping[FlowName, FlowCost] = field(default_factory=dict)
    speed: Speed | None = None
    waiting: Latency | None = None
    month: Mapping[FlowName, float] = field(default_factory=dict)
    measured_batch: int = 0
    chains: Mapping[FlowName, tuple[FlowName, ...]] = field(default_factory=dict)

    def delivered(self, flow: FlowName) -> FlowCost | None:
        """Cost of an image as a caller gets it, with all the flows it went through."""
        costs = [self.steps.get(step) for step in self.chains.get(flow, ())]
        found = [cost for cost in costs if cost is not None]
        return reduce(FlowCost.__add__, found) if costs and len(found) == len(costs) else None


def cost_quality_matrix(
    endpoint: Endpoint,
    measured: Mapping[str, Measured],
    comparisons: Mapping[str, Comparison],
    *,
    seed: int = 0,
) -> tuple[Standing, ...]:
    """The matrix, one column a model in the order given; `seed` is the queue's."""
    return tuple(
        _standing(endpoint, model, mine, comparisons.get(model), seed)
        for model, mine in measured.items()
    )


def pareto_front(points: Sequence[tuple[float, float]]) -> list[int]:
    """Indices of `(cost, quality)` points that no other beats, cheapest first.

    A point is beaten by one that is no dearer and no worse, and better in one of them.
    """

    def beaten(cost: float, quality: float) -> bool:
        return any(c <= cost and q >= quality and (c < cost or q > quality) for c, q in points)

    front = [i for i, point in enumerate(points) if not beaten(*point)]
    return sorted(front, key=lambda i: points[i])


def _standing(
    endpoint: Endpoint, model: str, mine: Measured, comparison: Comparison | None, seed: int
) -> Standing:
    steps = {f: cost for f in endpoint.flows if (cost := _flow_cost(mine, f)) is not None}
    batches = _batch_seconds(mine)
    traffic = endpoint.traffic
    return Standing(
        model,
        _qualities(comparison),
        steps,
        _speed(batches, endpoint.decision.alpha),
        _waiting(batches, traffic, seed),
        _month(steps, traffic),
        _measured_batch(mine),
        {flow: endpoint.lineage(flow) for flow in endpoint.flows},
    )


def _qualities(comparison: Comparison | None) -> dict[str, Quality]:
    rows = [] if comparison is None else comparison.records()
    return {
        row["criterion"]: Quality(
            row["metric"], row["flow"], row["unit"], row["estimate"], row["lower"], row["upper"]
        )
        for row in rows
        if row["source"] == "criterion"
        and row["statistic"] == "mean"
        and not of_making(row["metric"])
    }


def _flow_cost(mine: Measured, flow: FlowName) -> FlowCost | None:
    seconds, usd = (_prompt_means(mine, metric, flow) for metric in ("cost.seconds", "cost.usd"))
    memory = mine.scores("cost.peak_memory", flow)["value"].dropna()
    if not memory.size:
        return None
    return FlowCost(_mean(seconds), _mean(usd), float(memory.max()))


def _mean(values: Floats) -> float | None:
    return float(values.mean()) if values.size else None


def _month(steps: Mapping[FlowName, FlowCost], traffic: Traffic | None) -> dict[FlowName, float]:
    each = {flow: cost.usd for flow, cost in steps.items()}
    volume = traffic.per_month.items() if traffic else ()
    return {flow: n * usd for flow, n in volume if (usd := each.get(flow)) is not None}


def _prompt_means(mine: Measured, metric: str, flow: FlowName) -> Floats:
    return prompt_means(mine.per_seed(metric, flow))


def _batch_seconds(mine: Measured) -> Floats:
    """Seconds an image of each batch; equal to the last digit means of one batch."""
    return np.unique(mine.scores("cost.seconds", FIRST)["value"].dropna().to_numpy())


def _speed(batches: Floats, alpha: float) -> Speed | None:
    if not batches.size:
        return None
    median, p95 = np.quantile(batches, [0.5, _TAIL])
    bound = quantile_upper(batches, _TAIL, alpha)
    return Speed(batches.size, float(median), float(p95), bound, float(batches.max()))


def _waiting(batches: Floats, traffic: Traffic | None, seed: int) -> Latency | None:
    """A batch is taken to last as long as its images' shares of a measured one add up to."""
    if traffic is None or not batches.size:
        return None
    service = batches * traffic.batch
    return latency(service, traffic.busiest_hour, traffic.workers, traffic.batch, seed=seed)


def _measured_batch(mine: Measured) -> int:
    if "batch_size" not in mine.images.columns:
        return 0
    sizes = mine.images.loc[mine.images["flow"] == FIRST, "batch_size"].dropna()
    return int(sizes.max()) if len(sizes) else 0
