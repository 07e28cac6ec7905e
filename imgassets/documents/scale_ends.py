"""Where a metric's scale ends, by nature or by a `worst` limit; and criteria that miss such an end.

A mean can only be shown to hold where the bad end of its scale is known: else one image in a
thousand, not yet seen, could be bad without limit.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

from imgassets.documents.criteria import Criterion
from imgassets.documents.problems import Problem, dotted
from imgassets.documents.units import UNITS
from imgassets.flows import FIRST
from imgassets.metrics.family import Metric

if TYPE_CHECKING:
    from imgassets.documents.contract import Endpoint
    from imgassets.documents.project import Loaded, Project

#: Lowest and highest possible value; None where there is no end, or none that is known.
Ends = tuple[float | None, float | None]


def natural_ends(criterion: Criterion) -> Ends:
    """Lowest and highest possible score of a criterion's metric, whatever a contract says."""
    return ends_of(criterion.definition)


def ends_of(metric: Metric) -> Ends:
    """Lowest and highest possible score of a metric."""
    if metric.range is not None:
        return metric.range
    return UNITS[metric.unit].ends if metric.unit in UNITS else (None, None)


def worst_limit(metric: str, flow: str, criteria: Sequence[Criterion]) -> float | None:
    """The gating floor or ceiling of the worst single image, None where there is none."""
    for other in criteria:
        if (other.metric, other.flow, other.statistic) == (metric, flow, "worst"):
            limit = other.floor if other.floor is not None else other.ceiling
            if other.severity == "gating" and limit is not None:
                return limit
    return None


def scale_of(criterion: Criterion, criteria: Sequence[Criterion]) -> Ends:
    """Lowest and highest possible score of a criterion's metric under a contract's criteria."""
    low, high = natural_ends(criterion)
    worst = worst_limit(criterion.metric, criterion.flow, criteria)
    if worst is None:
        return low, high
    if criterion.definition.direction == "higher":
        return worst if low is None else max(low, worst), high
    return low, worst if high is None else min(high, worst)


def ends_of_difference(ours: Ends, theirs: Ends) -> Ends:
    """Ends of candidate - incumbent, from those of each."""
    low = None if ours[0] is None or theirs[1] is None else ours[0] - theirs[1]
    high = None if ours[1] is None or theirs[0] is None else ours[1] - theirs[0]
    return low, high


def hints(project: Project) -> list[Problem]:
    """A hint for each criterion that would stay INCONCLUSIVE for want of an end, in order."""
    usable = {endpoint.endpoint for endpoint in project.usable_endpoints()}
    return sorted(
        hint
        for name, loaded in project.endpoints.items()
        if name in usable
        for hint in _in_contract(loaded)
    )


def _in_contract(loaded: Loaded[Endpoint]) -> Iterator[Problem]:
    contract = loaded.document
    named: list[tuple[tuple[str | int, ...], Criterion]] = [
        (("criteria", i), c) for i, c in enumerate(contract.criteria)
    ]
    budget = {"cost.usd": "usd_per_image", "cost.seconds": "seconds_per_image"}
    named += [(("budget", budget[c.metric]), c) for c in contract.budget.criteria()
              if c.statistic == "mean"]  # fmt: skip
    for where, criterion in named:
        if _misses_an_end(criterion, contract.all_criteria):
            yield Problem(
                str(loaded.file),
                loaded.line(*where),
                dotted(where),
                f"nothing bounds how bad a rare image's {criterion.metric} could be, so the mean "
                "can be shown to be broken but never to hold",
                _fix(criterion),
            )


def _misses_an_end(criterion: Criterion, criteria: Sequence[Criterion]) -> bool:
    metric = criterion.definition
    direction = metric.direction
    if criterion.statistic == "worst" or criterion.severity != "gating" or direction == "same":
        return False
    if metric.certain:
        return False
    if natural_ends(criterion)[0 if direction == "higher" else 1] is not None:
        return False
    bounding = (metric.name, metric.follows or metric.name)
    return all(worst_limit(name, criterion.flow, criteria) is None for name in bounding)


def _fix(criterion: Criterion) -> str:
    if criterion.definition.worst_field and criterion.flow == FIRST:
        return f"add {criterion.definition.worst_field}"
    limit = "floor" if criterion.definition.direction == "higher" else "ceiling"
    what = f"metric: {criterion.metric}, flow: {criterion.flow}, statistic: worst, {limit}: ..."
    return f"add {{{what}}}"
