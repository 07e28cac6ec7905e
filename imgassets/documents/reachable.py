"""Limits that no result could show to hold: too few prompts, said before anything is made.

The best that can be seen is taken: every image right, every pair equal, no request failed. Then
the bound of `decision.bounded` has a closed form: of n prompts at `best`, with one unseen at the
bad `end`, a mean below `limit` has the p-value ((limit - end) / (best - end)) ** n. For shares
that is Clopper and Pearson's. What no test with fewer prompts can pass, `validate` cannot either.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, NamedTuple

from imgassets.documents.contract import Endpoint
from imgassets.documents.criteria import Criterion
from imgassets.documents.looks import level
from imgassets.documents.problems import Problem, problem_at
from imgassets.documents.scale_ends import ends_of_difference, natural_ends, scale_of
from imgassets.documents.yardstick import limited_modes
from imgassets.metrics.families import of_making
from imgassets.metrics.review import ACCEPTED, PREFERENCE

if TYPE_CHECKING:
    from imgassets.documents.project import Loaded, Project

Loc = tuple[str | int, ...]
_RIGHT = "every image is right"
_BEST = {ACCEPTED: "people accept every pair", PREFERENCE: "people always prefer the candidate"}


class BestCase(NamedTuple):
    """A limit where everything is as good as it can be.

    Attributes:
        field: of the document: `floor`, `ceiling`, `margin`, `max_rate` or `total`.
        best: of every prompt.
        limit: that is to be shown.
        end: worst value there could be, on the limit's other side.
    """

    field: str
    best: float
    limit: float
    end: float

    def prompts_needed(self, alpha: float) -> int | None:
        """Fewest prompts that show the limit to hold at level alpha; None where none do."""
        missed = (self.limit - self.end) / (self.best - self.end)
        if missed <= 0:
            return 1
        if missed >= 1:
            return None
        return math.ceil(math.log(alpha) / math.log(missed) - 1e-9)

    def reached(self, prompts: int, alpha: float) -> str:
        """The nearest limit that so many prompts could show: `a floor of 0.36 or less`."""
        room = (self.best - self.end) * (1 - alpha ** (1 / prompts))
        value = abs(room) if self.field == "margin" else self.best - room
        fewer = self.field == "floor"
        shown = (math.floor(1000 * value) if fewer else math.ceil(1000 * value)) / 1000
        return f"a {self.field} of {shown:g} or {'less' if fewer else 'more'}"


def hints(project: Project) -> list[Problem]:
    """A hint for each gating limit that cannot be shown to hold with the prompts there are."""
    return sorted(
        hint
        for endpoint in project.usable_endpoints()
        for hint in _in_contract(project, project.endpoints[endpoint.endpoint])
    )


def _in_contract(project: Project, loaded: Loaded[Endpoint]) -> Iterator[Problem]:
    contract = loaded.document
    alpha = level(contract.decision, 1, len(contract.candidates))
    for i, criterion in enumerate(contract.criteria):
        if not _is_tested(criterion):
            continue
        asked = _prompts_asked(project, contract, criterion.flow, criterion.metric)
        for case in _cases(criterion, contract.all_criteria):
            if case.field == "margin" and not contract.candidates:
                continue
            same = "every image is as good as the incumbent's"
            best = same if case.field == "margin" else _BEST.get(criterion.metric, _RIGHT)
            loc: Loc = ("criteria", i, case.field)
            yield from _hint(loaded, loc, case, asked, alpha, criterion.metric, best)
    yield from _of_failures(project, loaded, alpha)


def _is_tested(criterion: Criterion) -> bool:
    """Whether error bars decide on it: costs are measured in batches, and `worst` has none."""
    return (
        criterion.severity == "gating"
        and criterion.statistic == "mean"
        and criterion.definition.direction != "same"
        and not criterion.definition.certain
        and not of_making(criterion.metric)
    )


def _cases(criterion: Criterion, criteria: Sequence[Criterion]) -> Iterator[BestCase]:
    """The limits of a criterion whose scale has an end on the bad side."""
    higher = criterion.definition.direction == "higher"
    scale = scale_of(criterion, criteria)
    worst, best = scale if higher else scale[::-1]
    for field in ("floor", "ceiling"):
        limit = getattr(criterion, field)
        if limit is not None and worst is not None and best is not None and worst != best:
            yield BestCase(field, best, limit, worst)
    apart = ends_of_difference(scale, natural_ends(criterion))[0 if higher else 1]
    if criterion.margin is not None and apart:
        margin = -criterion.margin if higher else criterion.margin
        yield BestCase("margin", 0.0, margin, apart)


def _of_failures(project: Project, loaded: Loaded[Endpoint], alpha: float) -> Iterator[Problem]:
    contract = loaded.document
    listed = [limit.mode for limit in contract.failure_modes]
    for mode, _, rate in limited_modes(contract):
        if rate == 0:
            continue  # a hard rule: no error bar
        loc: Loc = ("failures", "total")
        if mode in listed:
            loc = ("failure_modes", listed.index(mode), "max_rate")
        asked = min(_prompts_asked(project, contract, flow) for flow in contract.flows)
        case = BestCase(str(loc[-1]), 0.0, rate, 1.0)
        yield from _hint(loaded, loc, case, asked, alpha, f"the rate of {mode}", "no request fails")


def _hint(
    loaded: Loaded[Endpoint],
    loc: Loc,
    case: BestCase,
    asked: int,
    alpha: float,
    what: str,
    best: str,
) -> Iterator[Problem]:
    needed = case.prompts_needed(alpha)
    if not asked or (needed is not None and needed <= asked):
        return
    takes = f"that takes {needed}" if needed else "no number of prompts can"
    message = (
        f"{asked} prompt{'s' * (asked != 1)} cannot show that {what} holds, even where {best}; "
        f"{takes}"
    )
    more = f"add {needed - asked} prompts, or " if needed else ""
    yield problem_at(loaded, loc, message, f"{more}write {case.reached(asked, alpha)}")


def _prompts_asked(
    project: Project, contract: Endpoint, flow: str, metric: str | None = None
) -> int:
    """Prompts that give an image of a flow, and whose expectation a metric can be measured by."""
    return sum(
        metric is None or asks.expect.asks(metric)
        for (asked, _), asks in project.asked(contract).items()
        if asked == flow
    )
