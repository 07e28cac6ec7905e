"""One criterion against its limits: floor or ceiling, and margin.

A limit is judged in three ways at once: shown to hold (`p_passed`), shown to be broken
(`p_broken`), or, for what has no error (a `worst` image, a price list), plainly held or not.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Literal

from imgassets.decision.paired_scores import PerSeed
from imgassets.decision.statistics import Bounded
from imgassets.documents.criteria import Criterion

#: What is known about a criterion.
State = Literal["passed", "broken", "undecided"]
LimitKind = Literal["floor", "ceiling", "margin"]
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
        estimate: mean and bounds; None where there is too little data or nothing to err about.
        measured: the number itself; None where there is none.
        problem: why there is no estimate, in words.
        endless: whether the bad side of the scale has no known end, so that nothing shows the
            limit to hold.
        people: how far people judged it, to follow on the number; empty where nobody was asked.
    """

    kind: LimitKind
    value: float
    holds_above: bool
    estimate: Bounded | None = None
    measured: float | None = None
    problem: str = ""
    endless: bool = False
    people: str = ""

    @property
    def decides_alone(self) -> bool:
        """The number is compared as it is, without error bars."""
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
        return 1.0 if self.endless else self._p(self.estimate, self.holds_above)

    @property
    def p_broken(self) -> float:
        """p-value of "the limit holds"; small means shown to be broken."""
        if self.estimate is None:
            return 0.0 if self.decides_alone and not self.holds else 1.0
        return self._p(self.estimate, not self.holds_above)

    def _p(self, estimate: Bounded, above: bool) -> float:
        return estimate.p_at_least(self._limit) if above else estimate.p_at_most(self._limit)


@dataclass(frozen=True)
class Counts:
    """Prompts with a usable image, usable images, failed images, and those no judge could judge.

    `asked` counts the prompts that had something to judge, whether their images failed or not.
    """

    prompts: int
    images: int
    failed: int
    unjudged: int = 0
    asked: int = 0


@dataclass(frozen=True)
class Evidence:
    """One criterion, what was measured on it, and its limits.

    Attributes:
        criterion: as the contract writes it.
        counts: how much of the candidate was measured.
        own: the candidate's own mean over prompts; None for `worst` or too little data.
        delivered: the same over the images that exist, where failed ones count as 0 in `own`;
            None where the two are one.
        measured: the candidate's number (mean or worst), None where nothing was measured.
        incumbent: the incumbent's number, None where it is not compared.
        per_seed: differences by (prompt_id, seed); empty where nothing is paired.
        own_per_seed: the candidate's scores by (prompt_id, seed).
        difference: mean of the differences over prompts.
        paired: means of (candidate, incumbent) over the prompts that both have; None where
            nothing is paired.
        left_out: prompts of which only one of the two has a score.
        limits: those that apply to this model.
        labelled: images of the candidate that people judged.
        judge: the judge's own mean, where people corrected it.
        judge_difference: the judge's own difference, where people corrected it.
    """

    criterion: Criterion
    counts: Counts
    own: Bounded | None
    measured: float | None
    incumbent: float | None
    limits: tuple[Limit, ...]
    difference: Bounded | None = None
    delivered: float | None = None
    paired: tuple[float, float] | None = None
    left_out: int = 0
    per_seed: PerSeed = field(default_factory=dict)
    own_per_seed: PerSeed = field(default_factory=dict)
    labelled: int = 0
    judge: float | None = None
    judge_difference: float | None = None


def absolute(criterion: Criterion) -> Iterator[tuple[LimitKind, float, bool]]:
    """The criterion's floor or ceiling as (kind, value, whether it holds above)."""
    if criterion.floor is not None:
        yield "floor", criterion.floor, True
    if criterion.ceiling is not None:
        yield "ceiling", criterion.ceiling, False


def margins(criterion: Criterion) -> Iterator[tuple[LimitKind, float, bool]]:
    """The margin as one limit, or two where neither way is better: two one-sided tests."""
    if criterion.margin is None:
        return
    sides = {"higher": (True,), "lower": (False,), "same": (True, False)}
    for above in sides[criterion.definition.direction]:
        yield "margin", -criterion.margin if above else criterion.margin, above
