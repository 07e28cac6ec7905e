"""Costs against their limits: batches, not prompts, are what was measured.

Images of one batch share its seconds, and the money that follows them, so a batch is one
measurement however many prompts and seeds are in it. Two models share no batch, so a margin is
the difference of two means with nothing in common. What has no error by its nature (the highest
memory, a price list) is compared as it is.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from imgassets.decision import scales
from imgassets.decision.evidence import Counts, Evidence, Limit, absolute, margins
from imgassets.decision.paired_scores import Measured
from imgassets.decision.statistics import Difference, Estimate, Floats
from imgassets.documents.criteria import Criterion
from imgassets.documents.scale_ends import worst_limit

_NOTHING = "no image was measured"
_UNTOLD = "no manifest tells it of these images"
_ONE_BATCH = "all images were made in one batch, whose seconds tell nothing of another's"


@dataclass(frozen=True)
class Cost:
    """One model's cost.

    Attributes:
        mean: over batches, in the metric's unit; None where nothing was measured.
        batches: one value a batch, float (n,); empty where the cost has no error.
        highest: end of the scale, None where none is known.
        nothing: why nothing was measured, in words.
    """

    mean: float | None
    batches: Floats
    highest: float | None
    nothing: str = _NOTHING

    @classmethod
    def of(cls, criterion: Criterion, measured: Measured, criteria: Sequence[Criterion]) -> Cost:
        """What was measured of a criterion's cost on its flow."""
        metric, flow = criterion.metric, criterion.flow
        values = measured.each(metric, flow)
        if not values.size:
            images = measured.listed(metric, flow)
            untold = any(not score.failed for score in images)
            return cls(None, values, None, _UNTOLD if untold else _NOTHING)
        batches = np.unique(values)
        definition = criterion.definition
        if definition.certain:
            return cls(float(values.max()), batches[:0], None)
        highest = worst_limit(metric, flow, criteria)
        if not definition.follows:
            return cls(float(batches.mean()), batches, highest)
        whole = measured.each(definition.follows, flow)
        if batches.size == 1 and np.unique(whole).size != 1:  # a price list, whatever it took
            return cls(float(batches[0]), batches[:0], None)
        if highest is None and whole.size == values.size:
            end = worst_limit(definition.follows, flow, criteria)
            highest = scales.in_proportion(end, whole, values)
        return cls(float(batches.mean()), batches, highest)

    @property
    def fixed(self) -> bool:
        """Whether the cost has no error."""
        return self.mean is not None and not self.batches.size

    @property
    def problem(self) -> str:
        """Why there are no error bars though there ought to be some, in words."""
        if self.mean is None:
            return self.nothing
        return _ONE_BATCH if self.batches.size == 1 else ""

    @property
    def estimate(self) -> Estimate | None:
        """Mean with bounds: below by Student's t over batches, above by the end of the scale."""
        if self.mean is None or self.problem:
            return None
        if self.fixed:
            return Estimate.of([self.mean, self.mean], (self.mean, self.mean))
        return Estimate.of(self.batches, (None, self.highest), least=2)

    @property
    def least(self) -> Estimate | None:
        """The same with the end that a yardstick needs: no cost is below 0."""
        if self.fixed or self.estimate is None:
            return self.estimate
        return Estimate.of(self.batches, (0.0, None), least=2)


def gather_cost(
    criterion: Criterion,
    candidate: Measured,
    incumbent: Measured | None,
    criteria: Sequence[Criterion],
    counts: Counts,
) -> Evidence:
    """All evidence on one cost; see `evidence.gather`."""
    ours = Cost.of(criterion, candidate, criteria)
    ends = (0.0, ours.highest)
    endless = not ours.fixed and scales.is_endless(criterion, ends, holds_above=False)
    estimate = None if ours.fixed else ours.estimate
    limits = tuple(
        Limit(*limit, estimate, None if ours.problem else ours.mean, ours.problem, endless)
        for limit in absolute(criterion)
    )
    found = Evidence(
        criterion, counts=counts, own=ours.estimate, measured=ours.mean, incumbent=None,
        limits=limits,
    )  # fmt: skip
    return found if incumbent is None else _against(found, ours, incumbent, endless)


def _against(found: Evidence, ours: Cost, incumbent: Measured, endless: bool) -> Evidence:
    theirs = Cost.of(found.criterion, incumbent, ())
    problem = ours.problem or theirs.problem
    one, other = ours.estimate, theirs.least
    difference = Difference(one, other) if one is not None and other is not None else None
    gap = None if problem or ours.mean is None or theirs.mean is None else ours.mean - theirs.mean
    certain = ours.fixed and theirs.fixed
    limits = tuple(
        Limit(*limit, None if certain else difference, gap, problem, endless)
        for limit in margins(found.criterion)
    )
    return Evidence(
        found.criterion,
        counts=found.counts,
        own=found.own,
        measured=found.measured,
        incumbent=theirs.mean,
        limits=found.limits + limits,
        difference=difference,
    )
