"""One criterion against its limits: floor or ceiling, and margin.

A limit is judged in three ways at once: shown to hold (`p_passed`), shown to be broken
(`p_broken`), or, for `worst` statistics, plainly held or not.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import Literal

import numpy as np

from imgassets.decision import power
from imgassets.decision.errors import TooLittleDataError
from imgassets.decision.pairing import (
    Measured,
    PerSeed,
    paired_differences,
    prompt_means,
    variance_parts,
)
from imgassets.decision.statistics import OTHERWISE, Bounded, Estimate, Method, Support
from imgassets.spec.criteria import Criterion
from imgassets.spec.hosted import Pairing
from imgassets.spec.metrics import METRICS

#: What is known about a criterion.
State = Literal["passed", "broken", "undecided"]
LimitKind = Literal["floor", "ceiling", "margin"]
#: Lowest and highest possible value by unit; units not listed have no ends.
SUPPORTS = {"share": (0.0, 1.0), "similarity": (0.0, 1.0)}
#: Two floats this close are one number; a difference of exactly the margin is allowed.
TOLERANCE = 1e-9


@dataclass(frozen=True)
class Limit:
    """One limit and the evidence about it.

    Attributes:
        kind: floor, ceiling or margin.
        value: the number the estimate is held against, in the metric's unit; for a margin it is
            the difference candidate - incumbent that is still allowed.
        holds_above: whether the good side is above `value`.
        estimate: mean and bounds; None where there is too little data or for `worst`.
        measured: the number itself; None where there is none.
        problem: why there is no estimate, in words.
    """

    kind: LimitKind
    value: float
    holds_above: bool
    estimate: Bounded | None = None
    measured: float | None = None
    problem: str = ""

    @property
    def decides_alone(self) -> bool:
        """A `worst` limit: the number is compared as it is, without error bars."""
        return self.estimate is None and self.measured is not None

    @property
    def holds(self) -> bool:
        """Whether the measured number is on the good side, or exactly on the limit."""
        if self.measured is None:
            return False
        room = self.measured - self._limit if self.holds_above else self._limit - self.measured
        return room >= 0

    @property
    def _limit(self) -> float:
        slack = TOLERANCE * max(1.0, abs(self.value))
        return self.value - slack if self.holds_above else self.value + slack

    @property
    def p_passed(self) -> float:
        """p-value of "the limit is broken"; small means shown to hold."""
        if self.estimate is None:
            return 0.0 if self.holds else 1.0
        if self.holds_above:
            return self.estimate.p_at_least(self._limit)
        return self.estimate.p_at_most(self._limit)

    @property
    def p_broken(self) -> float:
        """p-value of "the limit holds"; small means shown to be broken."""
        if self.estimate is None:
            return 0.0 if self.decides_alone and not self.holds else 1.0
        if self.holds_above:
            return self.estimate.p_at_most(self._limit)
        return self.estimate.p_at_least(self._limit)


@dataclass(frozen=True)
class Counts:
    """Prompts with a usable image, usable images, failed images."""

    prompts: int
    images: int
    failed: int


@dataclass(frozen=True)
class Evidence:
    """One criterion, what was measured on it, and its limits.

    Attributes:
        criterion: as the contract writes it.
        counts: how much of the candidate was measured.
        own: the candidate's own mean over prompts; None for `worst` or too little data.
        measured: the candidate's number (mean or worst), None where nothing was measured.
        incumbent: the incumbent's number, None where it is not compared.
        per_seed: differences by (prompt_id, seed); empty where nothing is paired.
        own_per_seed: the candidate's scores by (prompt_id, seed).
        difference: mean of the differences over prompts.
        limits: those that apply to this model.
    """

    criterion: Criterion
    counts: Counts
    own: Estimate | None
    measured: float | None
    incumbent: float | None
    limits: tuple[Limit, ...]
    difference: Estimate | None = None
    per_seed: PerSeed = field(default_factory=dict)
    own_per_seed: PerSeed = field(default_factory=dict)


def gather(
    criterion: Criterion,
    candidate: Measured,
    incumbent: Measured | None,
    pairing: Pairing = "noise",
) -> Evidence:
    """All evidence on one criterion; without an incumbent only floors and ceilings apply.

    Too little data never raises here: the limit then carries the problem in words.
    """
    scores = candidate.listed(criterion.metric, criterion.flow)
    usable = [s for s in scores if not math.isnan(s.value)]
    counts = Counts(len({s.prompt_id for s in usable}), len(usable), len(scores) - len(usable))
    if criterion.statistic == "worst":
        return _worst(criterion, candidate, incumbent, counts)
    return _mean(criterion, candidate, incumbent, counts, pairing)


def support_of(criterion: Criterion, *values: np.ndarray) -> Support | None:
    """Lowest and highest possible value of the criterion's metric, None where it has no ends.

    Some shares may exceed 1 (a character error rate, when much was added): where a value does,
    the scale is taken to have no ends.
    """
    support = SUPPORTS.get(METRICS[criterion.metric].unit)
    if support is None or any(((v < support[0]) | (v > support[1])).any() for v in values):
        return None
    return support


def _mean(
    criterion: Criterion,
    candidate: Measured,
    incumbent: Measured | None,
    counts: Counts,
    pairing: Pairing,
) -> Evidence:
    what = criterion.metric, criterion.flow
    per_seed = candidate.per_seed(*what)
    theirs = None if incumbent is None else incumbent.per_seed(*what)
    support = support_of(
        criterion, *(np.fromiter(s.values(), float) for s in (per_seed, theirs) if s)
    )
    means = prompt_means(per_seed)
    own, problem = _estimate(
        means,
        support,
        "t" if support is None else "wilson",
        times=_times(criterion, per_seed),
        priced=_priced(criterion, candidate),
    )
    limits = _absolute(criterion, own, float(means.mean()) if means.size else None, problem)
    if theirs is None:
        return Evidence(criterion, own=own, measured=_mean_of(means), incumbent=None,
                        limits=limits, counts=counts, own_per_seed=per_seed)  # fmt: skip
    pairs = paired_differences(per_seed, theirs, pairing)
    spread = None if support is None else (support[0] - support[1], support[1] - support[0])
    difference, problem = _estimate(
        prompt_means(pairs),
        spread,
        "t",
        times=_times(criterion, pairs),
        priced=_priced(criterion, candidate, incumbent),
    )
    if criterion.margin is not None:
        if problem:
            problem = f"only {len({prompt for prompt, _ in pairs})} prompt(s) have a usable "
            problem += "image from both models, at least 2 are needed"
        limits += _margin(criterion, difference, _mean_of(prompt_means(pairs)), problem)
    return Evidence(
        criterion,
        own=own,
        measured=_mean_of(means),
        incumbent=_mean_of(prompt_means(theirs)),
        limits=limits,
        difference=difference,
        per_seed=pairs,
        own_per_seed=per_seed,
        counts=counts,
    )


def _worst(
    criterion: Criterion, candidate: Measured, incumbent: Measured | None, counts: Counts
) -> Evidence:
    worst = _worst_of(criterion, candidate)
    problem = "" if worst is not None else "no usable image was measured"
    limits = _absolute(criterion, None, worst, problem)
    theirs = None if incumbent is None else _worst_of(criterion, incumbent)
    if criterion.margin is not None and incumbent is not None:
        gap = None if worst is None or theirs is None else worst - theirs
        problem = "" if gap is not None else "no usable image from both models"
        limits += _margin(criterion, None, gap, problem)
    return Evidence(
        criterion, own=None, measured=worst, incumbent=theirs, limits=limits, counts=counts
    )


def _worst_of(criterion: Criterion, measured: Measured) -> float | None:
    scores = measured.listed(criterion.metric, criterion.flow)
    worst = min if METRICS[criterion.metric].direction == "higher" else max
    return worst((s.value for s in scores if not math.isnan(s.value)), default=None)


def _mean_of(values: np.ndarray) -> float | None:
    return float(values.mean()) if values.size else None


def _times(criterion: Criterion, per_seed: PerSeed) -> int | None:
    """How many different costs were measured; None for what is no cost.

    Images of one batch share its seconds, and what is priced by them: that is one measurement,
    however many prompts are in it.
    """
    if METRICS[criterion.metric].family != "cost":
        return None
    return len(set(per_seed.values()))


def _priced(criterion: Criterion, *sides: Measured | None) -> bool:
    """Whether money is asked by the image: it would follow the seconds, where these differ."""
    return criterion.metric == "cost.usd" and all(
        len(set(m.per_seed("cost.seconds", criterion.flow).values())) > 1 for m in sides if m
    )


def _estimate(
    values: np.ndarray,
    support: Support | None,
    method: Method,
    *,
    times: int | None,
    priced: bool,
) -> tuple[Estimate | None, str]:
    fixed = priced and times == 1
    try:
        return Estimate.of(values, support, method, fixed=fixed, independent=times), ""
    except TooLittleDataError:
        return None, f"only {values.size} prompt(s) have a usable image, at least 2 are needed"


def _absolute(
    criterion: Criterion, estimate: Estimate | None, measured: float | None, problem: str
) -> tuple[Limit, ...]:
    measured = None if problem else measured
    if criterion.floor is not None:
        return (Limit("floor", criterion.floor, True, estimate, measured, problem),)
    if criterion.ceiling is not None:
        return (Limit("ceiling", criterion.ceiling, False, estimate, measured, problem),)
    return ()


def _margin(
    criterion: Criterion, estimate: Estimate | None, measured: float | None, problem: str
) -> tuple[Limit, ...]:
    """One limit, or two where neither way is better: equivalence by two one-sided tests."""
    margin = criterion.margin or 0.0
    direction = METRICS[criterion.metric].direction
    sides = {"higher": (True,), "lower": (False,), "same": (True, False)}[direction]
    measured = None if problem else measured
    return tuple(
        Limit("margin", -margin if above else margin, above, estimate, measured, problem)
        for above in sides
    )


def further_prompts(limit: Limit, alpha: float) -> int | None:
    """Prompts to add so that this limit is settled with 80 % chance, if the estimate is true.

    None where no practical number would do: the estimate sits on the limit, or there is no
    estimate to plan from.
    """
    estimate = limit.estimate
    if not isinstance(estimate, Estimate):
        return None
    distance = abs(estimate.value - limit.value)
    if estimate.sd > 0:
        at_limit = estimate.sd_at(limit.value)
        needed = power.prompts_needed(estimate.sd, distance, alpha, sd_at_limit=at_limit)
    elif estimate.support is None:
        needed = power.agreeing_prompts_needed(1 - OTHERWISE, alpha)
    elif distance == 0:
        return None
    else:
        towards_good = (estimate.value > limit.value) == limit.holds_above
        low = limit.holds_above if towards_good else not limit.holds_above
        end = estimate.support[0 if low else 1]
        ratio = (limit.value - end) / (estimate.value - end)
        needed = power.agreeing_prompts_needed(ratio, alpha)
    return None if needed is None else max(1, needed - estimate.n)


def seeds_for(limit: Limit, evidence: Evidence, alpha: float) -> int | None:
    """Seeds a prompt, in all, that would settle a limit with the prompts as they are.

    None where that would take more prompts, or no more seeds than there are: then it was settled,
    had the chance of 80 % come true.
    """
    per_seed = evidence.per_seed if limit.kind == "margin" else evidence.own_per_seed
    if not isinstance(limit.estimate, Estimate) or not per_seed:
        return None
    between, within = variance_parts(per_seed)
    if not np.isfinite(within):
        return None
    distance = abs(limit.estimate.value - limit.value)
    needed = power.seeds_needed(between, within, limit.estimate.n, distance, alpha)
    there = len({seed for _, seed in per_seed})
    return needed if needed is not None and needed > there else None
