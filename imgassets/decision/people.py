"""A mean that a judge measured on all prompts, corrected by what people said on some of them.

Prediction-powered inference with power tuning (PPI++): people on n prompts drawn at random, the
judge on these and on N others,

    estimate = mean over the n of (people - w * judge) + w * mean over the N of judge

which is right on average whatever the judge says. The weight w, 0 to 1, is the one with the least
variance: 0 where the judge tells nothing of people, so that their labels stand alone.

The two means have nothing in common, so their bounds are put together as those of any difference
(`statistics.Difference`), each by `decision.bounded` where its scale has an end. The value that
stands for the prompt nobody saw is one wholly lost in people's eyes, of which the judge says what
it says on average. A judge that is wrong just there could make that too good. It would have to be
trusted for that, so with fewer than `TRUSTED` labelled prompts its weight is lowered.

Source: Angelopoulos, Duchi and Zrnic, "PPI++: Efficient Prediction-Powered Inference", arXiv
2311.01453, sections 2 and 6; without the last step the estimate, its weight and its standard error
are those of `ppi-python`. Measured in docs/measurements/people.md.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from functools import cached_property

import numpy as np

from imgassets.decision.statistics import ENDLESS, ENOUGH, Difference, Estimate, Floats
from imgassets.documents.scale_ends import Ends

#: With fewer labelled prompts labels are not used, unless people judged all there are.
LEAST = 20
#: From so many labelled prompts on the judge gets its whole weight.
TRUSTED = 60


def power_weight(people: Floats, judge: Floats, others: Floats) -> float:
    """Weight of the judge with the least variance, clipped to 0..1.

    Arguments: `people` and `judge` float (n,), of the same labelled prompts; `others` float (N,).
    Source: PPI++, equation 9. The judge's variance is taken of each group by itself, since labels
    may be on some seeds of a prompt alone.
    """
    if people.size < 2 or others.size < 2:
        return 0.0
    together = np.cov(people, judge, ddof=1)
    spread = float(together[1, 1]) + people.size / others.size * float(others.var(ddof=1))
    return 0.0 if spread <= 1e-12 else float(np.clip(together[0, 1] / spread, 0.0, 1.0))


def trust(labelled: int) -> float:
    """What part of its weight a judge gets, 0 to 1, with so many labelled prompts."""
    return min(1.0, (labelled / TRUSTED) ** 2)


@dataclass(frozen=True)
class Corrected:
    """A mean over prompts, of what people would say of all of them, with one-sided bounds.

    Attributes:
        people, judge: float (n,), one a labelled prompt: what people said, and what the judge said
            of the same images.
        others: float (N,), what the judge said of prompts that nobody labelled.
        ends: lowest and highest possible value.

    Raises:
        TooLittleDataError: when asked for a number, with fewer than 2 labelled prompts.
    """

    people: Floats
    judge: Floats
    others: Floats
    ends: Ends
    _kept: dict[tuple[str, float], float] = field(
        default_factory=dict, init=False, repr=False, compare=False
    )  # the same numbers are asked for by the table, the sentence and the plan

    @property
    def n(self) -> int:
        """Labelled prompts."""
        return self.people.size

    @property
    def value(self) -> float:
        """The estimate, in the metric's unit."""
        return self._bounded.value

    @property
    def se(self) -> float:
        """Its standard error."""
        if isinstance(self._bounded, Difference):
            return math.hypot(self._bounded.one.se, self._bounded.other.se)
        return self._bounded.se

    @cached_property
    def weight(self) -> float:
        """Of the judge, 0 to 1."""
        return trust(self.n) * power_weight(*self._within)

    def lower(self, alpha: float) -> float:
        """One-sided lower bound with confidence 1 - alpha; -inf where nothing bounds it."""
        return self._keep("lower", alpha) if self._is_known(0) else -math.inf

    def upper(self, alpha: float) -> float:
        """One-sided upper bound with confidence 1 - alpha; inf where nothing bounds it."""
        return self._keep("upper", alpha) if self._is_known(1) else math.inf

    def p_at_least(self, limit: float) -> float:
        """p-value of "truth < limit": small means shown to be at least the limit."""
        return self._keep("p_at_least", limit) if self._is_known(0) else 1.0

    def p_at_most(self, limit: float) -> float:
        """p-value of "truth > limit": small means shown to be at most the limit."""
        return self._keep("p_at_most", limit) if self._is_known(1) else 1.0

    def of_size(self, labelled: int) -> Corrected | Estimate:
        """The same prompts, as if so many of them were labelled; all of them at most."""
        whole, left = self.n + self.others.size, self.n + self.others.size - labelled
        if left < 2:
            return Estimate.of(self.people, self.ends).of_size(whole)
        return Corrected(
            _repeated(self.people, labelled),
            _repeated(self.judge, labelled),
            _repeated(np.sort(self.others), left),
            self.ends,
        )

    def _keep(self, question: str, number: float) -> float:
        """The answer of the bounds, asked for once."""
        if (question, number) not in self._kept:
            self._kept[question, number] = float(getattr(self._bounded, question)(number))
        return self._kept[question, number]

    def _is_known(self, side: int) -> bool:
        """Whether a scale's end, or enough labels for Student's t, bounds that side."""
        return self.ends[side] is not None or self.n >= ENOUGH

    @cached_property
    def _bounded(self) -> Estimate | Difference:
        people, judge, others = self._within
        if self.weight == 0:
            return Estimate.of(people, self.ends)
        # The judge's average is taken away here and added there, so that the prompt nobody saw is
        # one of which the judge says just that.
        low, high = self.ends
        average = float(np.concatenate([judge, others]).mean())
        left = people - self.weight * (judge - average)
        taken = self.weight * (average - others)
        ends = (
            None if high is None else self.weight * (average - high),
            None if low is None else self.weight * (average - low),
        )
        return Difference(Estimate.of(left, _holding(self.ends, left)), Estimate.of(taken, ends))

    @cached_property
    def _within(self) -> tuple[Floats, Floats, Floats]:
        """People, judge and others; what is beyond an end counts as the end."""
        if self.ends == ENDLESS:
            return self.people, self.judge, self.others
        return tuple(np.clip(x, *self.ends) for x in (self.people, self.judge, self.others))  # type: ignore[return-value]


def _holding(ends: Ends, values: Floats) -> Ends:
    """Ends, moved where values lie beyond them."""
    low, high = ends
    return (
        None if low is None else min(low, float(values.min())),
        None if high is None else max(high, float(values.max())),
    )


def _repeated(values: Floats, n: int) -> Floats:
    """A sample of n that shows the values as often as they were seen, as near as can be."""
    return values[np.linspace(0, values.size, n, endpoint=False).astype(int)]
