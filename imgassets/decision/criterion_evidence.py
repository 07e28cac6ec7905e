"""From what was measured to the evidence on one criterion."""

from __future__ import annotations

import math
from collections.abc import Sequence

from imgassets.decision import costs, scales
from imgassets.decision.errors import TooLittleDataError
from imgassets.decision.evidence import Counts, Evidence, Limit, LimitKind, absolute, margins
from imgassets.decision.paired_scores import Measured, PerSeed, paired_differences, prompt_means
from imgassets.decision.people_evidence import with_people
from imgassets.decision.statistics import Bounded, Estimate, Floats
from imgassets.documents.criteria import Criterion
from imgassets.documents.labels import Labels
from imgassets.documents.model_document import Pairing
from imgassets.documents.scale_ends import Ends, ends_of_difference, natural_ends, scale_of
from imgassets.metrics.families import of_making

_TOO_FEW = "only {} prompt(s) have a usable image, at least 2 are needed"
_TOO_FEW_PAIRS = "only {} prompt(s) have a usable image from both models, at least 2 are needed"


def gather(
    criterion: Criterion,
    candidate: Measured,
    incumbent: Measured | None,
    criteria: Sequence[Criterion] = (),
    pairing: Pairing = "noise",
    labels: Labels | None = None,
) -> Evidence:
    """All evidence on one criterion; without an incumbent only floors and ceilings apply.

    Too little data never raises here: the limit then carries the problem in words.

    Args:
        criteria: all of the contract; a `worst` limit among them is an end of its metric's scale.
        labels: what people said, by (image key, metric); means are corrected by it.
    """
    scores = candidate.listed(criterion.metric, criterion.flow)
    usable = [s for s in scores if not math.isnan(s.value)]
    unjudged = sum(s.unjudged for s in scores)
    counts = Counts(
        len({s.prompt_id for s in usable}),
        len(usable),
        len(scores) - len(usable) - unjudged,
        unjudged,
        len({s.prompt_id for s in scores}),
    )
    if criterion.statistic == "worst":
        return _worst(criterion, candidate, incumbent, counts)
    if of_making(criterion.metric):
        return costs.gather_cost(criterion, candidate, incumbent, criteria, counts)
    found = _mean(criterion, candidate, incumbent, criteria, counts, pairing)
    if not labels:
        return found
    return with_people(found, candidate, incumbent, labels, scale_of(criterion, criteria), pairing)


def _mean(
    criterion: Criterion,
    candidate: Measured,
    incumbent: Measured | None,
    criteria: Sequence[Criterion],
    counts: Counts,
    pairing: Pairing,
) -> Evidence:
    per_seed = scales.scores_of(criterion, candidate)
    means, scale = prompt_means(per_seed), scale_of(criterion, criteria)
    measured = _mean_of(means)
    limits = tuple(
        _limit(criterion, (kind, value, above), means, scale, _TOO_FEW)
        for kind, value, above in absolute(criterion)
    )
    delivered = _mean_of(prompt_means(candidate.per_seed(criterion.metric, criterion.flow)))
    found = Evidence(
        criterion,
        counts=counts,
        own=_estimate(criterion, means, scale),
        measured=measured,
        incumbent=None,
        limits=limits,
        own_per_seed=per_seed,
        delivered=None if delivered == measured else delivered,
    )
    return found if incumbent is None else _against(found, incumbent, scale, pairing)


def _against(found: Evidence, incumbent: Measured, scale: Ends, pairing: Pairing) -> Evidence:
    """The evidence with the paired difference, and the margin judged by it."""
    criterion = found.criterion
    ours, theirs = found.own_per_seed, scales.scores_of(criterion, incumbent)
    pairs = paired_differences(ours, theirs, pairing)
    differences = prompt_means(pairs)
    # What a `worst` limit says of the candidate it does not say of the incumbent.
    spread = ends_of_difference(scale, natural_ends(criterion))
    limits = tuple(
        _limit(criterion, limit, differences, spread, _TOO_FEW_PAIRS)
        for limit in margins(criterion)
    )
    both = {prompt for prompt, _ in pairs}
    return Evidence(
        criterion,
        counts=found.counts,
        own=found.own,
        measured=found.measured,
        incumbent=_mean_of(prompt_means(theirs)),
        limits=found.limits + limits,
        difference=_estimate(criterion, differences, spread),
        delivered=found.delivered,
        paired=_paired_means(ours, theirs, both) if both else None,
        left_out=len({prompt for prompt, _ in (*ours, *theirs)} - both),
        per_seed=pairs,
        own_per_seed=ours,
    )


def _paired_means(ours: PerSeed, theirs: PerSeed, both: set[str]) -> tuple[float, float]:
    one, other = (
        float(prompt_means({key: v for key, v in side.items() if key[0] in both}).mean())
        for side in (ours, theirs)
    )
    return one, other


def _worst(
    criterion: Criterion, candidate: Measured, incumbent: Measured | None, counts: Counts
) -> Evidence:
    worst = _worst_of(criterion, candidate)
    problem = "" if worst is not None else "no usable image was measured"
    limits = tuple(Limit(*limit, measured=worst, problem=problem) for limit in absolute(criterion))
    theirs = None if incumbent is None else _worst_of(criterion, incumbent)
    if incumbent is not None:
        gap = None if worst is None or theirs is None else worst - theirs
        problem = "" if gap is not None else "no usable image from both models"
        limits += tuple(
            Limit(*limit, measured=gap, problem=problem) for limit in margins(criterion)
        )
    return Evidence(
        criterion, own=None, measured=worst, incumbent=theirs, limits=limits, counts=counts
    )


def _worst_of(criterion: Criterion, measured: Measured) -> float | None:
    scores = measured.listed(criterion.metric, criterion.flow)
    worst = min if criterion.definition.direction == "higher" else max
    return worst((s.value for s in scores if not math.isnan(s.value)), default=None)


def _mean_of(values: Floats) -> float | None:
    return float(values.mean()) if values.size else None


def _estimate(criterion: Criterion, values: Floats, ends: Ends) -> Bounded | None:
    """What a table shows: bounds on both sides, each as the limits are judged by it."""
    above = criterion.definition.direction == "higher"
    try:
        return Estimate.of(values, scales.for_limit(criterion, ends, above))
    except TooLittleDataError:
        return None


def _limit(
    criterion: Criterion,
    limit: tuple[LimitKind, float, bool],
    values: Floats,
    ends: Ends,
    too_few: str,
) -> Limit:
    above = limit[2]
    try:
        estimate = Estimate.of(values, scales.for_limit(criterion, ends, above))
    except TooLittleDataError:
        return Limit(*limit, problem=too_few.format(values.size))
    endless = scales.is_endless(criterion, ends, above)
    return Limit(*limit, estimate=estimate, measured=estimate.value, endless=endless)
