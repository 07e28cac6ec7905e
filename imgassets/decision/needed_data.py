"""How many prompts or seeds would settle an undecided limit."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from scipy import special

from imgassets.decision import power
from imgassets.decision.evidence import Evidence, Limit
from imgassets.decision.paired_scores import variance_parts
from imgassets.decision.people import Corrected
from imgassets.decision.statistics import Estimate

#: An unlucky sample: with the chance `power.POWER` the mean comes out no worse than this many
#: standard errors on the wrong side.
_UNLUCKY = float(special.ndtri(power.POWER))


def further_prompts(limit: Limit, alpha: float) -> int | None:
    """Prompts to add so that this limit is settled with 80 % chance, if the estimate is true.

    The measured values are taken for all there is: the sample grows until the same test that
    judges the limit is passed by a sample a little unlucky. None where no practical number would
    do: the estimate sits on the limit, nothing bounds it, or there is no estimate to plan from.
    """
    estimate = limit.estimate
    if not isinstance(estimate, Estimate) or (limit.endless and limit.holds):
        return None
    above = limit.holds_above == limit.holds  # what is to be shown: above the limit, or below
    needed = prompts_needed(estimate, limit.value, alpha, above=above)
    return None if needed is None else max(1, needed - estimate.n)


def labels_needed(limit: Limit, alpha: float) -> tuple[int | None, int | None]:
    """(further prompts to label, or else further prompts) that would settle a corrected limit.

    Planned as `further_prompts`. The second counts prompts beside those there are, all of them
    labelled; it is told where labels on all there are would not do. None: no practical number.
    """
    found = limit.estimate
    if not isinstance(found, Corrected) or (limit.endless and limit.holds):
        return None, None
    whole, above = found.n + found.others.size, limit.holds_above == limit.holds

    def settles(labelled: int) -> bool:
        grown = found.of_size(labelled)
        shift = _UNLUCKY * grown.se
        # The labels there are tell how near a bound comes; the estimate stays where it is.
        if above:
            return found.value - limit.value >= grown.value - grown.lower(alpha) + shift
        return limit.value - found.value >= grown.upper(alpha) - grown.value + shift

    labelled = smallest(settles, found.n, whole)
    if labelled is not None:
        return max(1, labelled - found.n), None
    alone = Estimate.of(found.people, found.ends)
    moved = limit.value + alone.value - found.value
    needed = prompts_needed(alone, moved, alpha, above=above)
    return None, None if needed is None else max(1, needed - whole)


def prompts_needed(estimate: Estimate, limit: float, alpha: float, *, above: bool) -> int | None:
    """Prompts in all that would show the truth to be above, or below, a limit."""

    def settles(n: int) -> bool:
        grown = estimate.of_size(n)
        shift = _UNLUCKY * grown.se
        if above:
            return grown.p_at_least(limit + shift) <= alpha
        return grown.p_at_most(limit - shift) <= alpha

    return smallest(settles, 2, power.MOST_PROMPTS)


def smallest(settles: Callable[[int], bool], low: int, high: int) -> int | None:
    """The smallest number from low to high that settles it, None where the highest does not."""
    if not settles(high):
        return None
    while low < high:
        middle = (low + high) // 2
        low, high = (low, middle) if settles(middle) else (middle + 1, high)
    return low


def seeds_for(limit: Limit, evidence: Evidence, alpha: float) -> int | None:
    """Seeds a prompt, in all, that would settle a limit with the prompts as they are.

    None where that would take more prompts, or no more seeds than there are: then it was settled,
    had the chance of 80 % come true.
    """
    per_seed = evidence.per_seed if limit.kind == "margin" else evidence.own_per_seed
    estimate = limit.estimate
    if not isinstance(estimate, Estimate) or not per_seed or (limit.endless and limit.holds):
        return None
    between, within = variance_parts(per_seed)
    if not np.isfinite(within):
        return None
    # More seeds make prompts agree better; what they leave unseen weighs as before.
    distance = abs(estimate.value - limit.value) - _weight_of_the_end(limit, estimate)
    needed = power.seeds_needed(between, within, estimate.n, distance, alpha)
    there = len({seed for _, seed in per_seed})
    return needed if needed is not None and needed > there else None


def _weight_of_the_end(limit: Limit, estimate: Estimate) -> float:
    """How far the value that stands for the unseen draws the mean to the end of the scale."""
    end = estimate.ends[0 if limit.holds_above == limit.holds else 1]
    return 0.0 if end is None else abs(estimate.value - end) / (estimate.n + 1)
