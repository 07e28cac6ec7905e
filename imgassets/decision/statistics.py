"""Estimates with one-sided bounds and p-values that always agree with each other.

An `Estimate` is a mean over prompts (or over batches, for costs); a `Difference` is that of two
means with nothing in common. Both answer the same four questions: lower and upper bound at level
alpha, and the p-value for "the truth is at least / at most this limit". For each of them
`p_at_least(limit) <= alpha` exactly when `lower(alpha) >= limit`, so a table never contradicts a
plot. `scipy.special` rather than `scipy.stats`: the same numbers, seconds less to import.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Protocol

import numpy as np
import numpy.typing as npt
from scipy import optimize, special

from imgassets.decision import bounded
from imgassets.decision.errors import TooLittleDataError
from imgassets.documents.scale_ends import Ends

Floats = npt.NDArray[np.float64]
ENDLESS: Ends = (None, None)
#: With so many prompts, at 5 %, at most a tenth of all prompts can behave unlike those measured.
#: Fewer say nothing on a scale without ends.
ENOUGH = 29
#: Below this share of the values' size a standard deviation is rounding noise, not spread.
_ROUNDING = 1e-12


class Bounded(Protocol):
    """What a criterion is judged by."""

    @property
    def value(self) -> float:
        """The mean, or the difference of two."""

    @property
    def n(self) -> int:
        """How many independent values it rests on."""

    def lower(self, alpha: float) -> float:
        """One-sided lower bound at level alpha."""

    def upper(self, alpha: float) -> float:
        """One-sided upper bound at level alpha."""

    def p_at_least(self, limit: float) -> float:
        """p-value of "below the limit"; small means shown to be at least it."""

    def p_at_most(self, limit: float) -> float:
        """p-value of "above the limit"; small means shown to be at most it."""


@dataclass(frozen=True)
class Estimate:
    """A mean over independent values (prompts, or batches) with one-sided bounds.

    On a side whose end is known the bound is Gaffke's (`decision.bounded`), right at every sample
    size. On a side without an end it is Student's t, which nothing can make safe against what was
    not seen; with fewer than `least` values it bounds nothing there.

    Attributes:
        value: the mean, in the metric's unit.
        sd: standard deviation, n - 1 in the denominator; 0 for a single value.
        n: number of values.
        ends: lowest and highest possible value.
        least: fewest values that Student's t is trusted with.
        values, counts: the different values, float (m,), and how often each occurs.

    Source: Miller, arXiv 2411.00640, section 2.2 (clusters as units); `decision.bounded`.
    """

    value: float
    sd: float
    n: int
    ends: Ends
    least: int
    values: Floats = field(repr=False, compare=False)
    counts: Floats = field(repr=False, compare=False)
    _bounds: dict[tuple[int, float], float] = field(
        default_factory=dict, init=False, repr=False, compare=False
    )  # asked for by the table and by the sentence

    @classmethod
    def of(
        cls, values: Sequence[float] | Floats, ends: Ends, *, least: int = ENOUGH, fewest: int = 2
    ) -> Estimate:
        """The estimate over values of shape (n,); those beyond an end count as the end.

        Raises:
            TooLittleDataError: for fewer than `fewest` values.
        """
        array = np.asarray(values, dtype=np.float64)
        if array.size < fewest:
            raise TooLittleDataError(
                f"got {array.size} value(s), expected at least {fewest}; measure more prompts"
            )
        array = np.clip(array, *ends) if ends != ENDLESS else array
        mean, sd = float(array.mean()), float(array.std(ddof=1)) if array.size > 1 else 0.0
        sd = 0.0 if sd <= _ROUNDING * max(1.0, abs(mean)) else sd
        return cls(mean, sd, array.size, ends, least, *bounded.grouped(array))

    @property
    def se(self) -> float:
        """Standard error of the mean; 0 only where all values agree."""
        return self.sd / math.sqrt(self.n)

    def lower(self, alpha: float) -> float:
        """One-sided lower bound with confidence 1 - alpha; -inf where nothing bounds it."""
        low = self.ends[0]
        if low is None:
            return self._t_bound(alpha, -1)
        if (-1, alpha) not in self._bounds:
            found = bounded.lower_bound(self.values, self.counts, low, alpha)
            self._bounds[-1, alpha] = found
        return self._bounds[-1, alpha]

    def upper(self, alpha: float) -> float:
        """One-sided upper bound with confidence 1 - alpha; inf where nothing bounds it."""
        high = self.ends[1]
        if high is None:
            return self._t_bound(alpha, 1)
        if (1, alpha) not in self._bounds:
            found = -bounded.lower_bound(-self.values, self.counts, -high, alpha)
            self._bounds[1, alpha] = found
        return self._bounds[1, alpha]

    def p_at_least(self, limit: float) -> float:
        """p-value of "truth < limit": small means shown to be at least the limit."""
        low = self.ends[0]
        if low is None:
            return self._t(self.value - limit)
        return bounded.p_above(self.values, self.counts, low, limit)

    def p_at_most(self, limit: float) -> float:
        """p-value of "truth > limit": small means shown to be at most the limit."""
        high = self.ends[1]
        if high is None:
            return self._t(limit - self.value)
        return bounded.p_above(-self.values, self.counts, -high, -limit)

    def of_size(self, n: int) -> Estimate:
        """The same values as often as a sample of n would show them."""
        return Estimate(
            self.value, self.sd, n, self.ends, self.least, self.values, self.counts * (n / self.n)
        )

    def _t_bound(self, alpha: float, sign: int) -> float:
        if self.n < self.least:
            return sign * math.inf
        return self.value + sign * float(special.stdtrit(self.n - 1, 1 - alpha)) * self.se

    def _t(self, distance: float) -> float:
        if self.n < self.least:
            return 1.0
        if self.sd == 0:
            return 0.0 if distance >= -_ROUNDING * max(1.0, abs(self.value)) else 1.0
        return float(special.stdtr(self.n - 1, -distance / self.se))


@dataclass(frozen=True)
class Difference:
    """One mean minus another, of values that have nothing in common (costs, batch by batch).

    Where the ends of both scales are known on a side, the two bounds are put together by MOVER;
    without them it is Welch's t, which takes what was seen for all there is. At levels so lax that
    a bound is on the other side of its mean, MOVER's squares keep their signs, so that a bound
    grows with its level all the way and each limit has one p-value.

    Attributes:
        one, other: the two means; the difference is `one - other`.

    Source: Welch, Biometrika 34 (1947); Zou and Donner, Statistics in Medicine 27 (2008), after
    Newcombe (1998).
    """

    one: Estimate
    other: Estimate

    @property
    def value(self) -> float:
        """The difference of the two means."""
        return self.one.value - self.other.value

    @property
    def n(self) -> int:
        """Values of the side that has fewer."""
        return min(self.one.n, self.other.n)

    def lower(self, alpha: float) -> float:
        """One-sided lower bound with confidence 1 - alpha."""
        if self.one.ends[0] is None or self.other.ends[1] is None:
            return self.value - self._welch_reach(alpha)
        down, up = self.one.value - self.one.lower(alpha), self.other.upper(alpha)
        return self.value - _together(down, up - self.other.value)

    def upper(self, alpha: float) -> float:
        """One-sided upper bound with confidence 1 - alpha."""
        if self.one.ends[1] is None or self.other.ends[0] is None:
            return self.value + self._welch_reach(alpha)
        up, down = self.one.upper(alpha) - self.one.value, self.other.lower(alpha)
        return self.value + _together(up, self.other.value - down)

    def p_at_least(self, limit: float) -> float:
        """p-value of "truth < limit": the level at which the lower bound reaches the limit."""
        return _level_where(lambda alpha: self.lower(alpha) - limit)

    def p_at_most(self, limit: float) -> float:
        """p-value of "truth > limit": the level at which the upper bound reaches the limit."""
        return _level_where(lambda alpha: limit - self.upper(alpha))

    def _welch_reach(self, alpha: float) -> float:
        parts = self.one.se**2, self.other.se**2
        if sum(parts) == 0:
            return 0.0
        freedom = sum(parts) ** 2 / sum(
            part**2 / (e.n - 1) for part, e in zip(parts, (self.one, self.other), strict=True)
        )
        return float(special.stdtrit(freedom, 1 - alpha)) * math.sqrt(sum(parts))


def _together(one: float, other: float) -> float:
    """Root of the sum of two squares, each with the sign of its number."""
    squares = math.copysign(one * one, one) + math.copysign(other * other, other)
    return math.copysign(math.sqrt(abs(squares)), squares)


def _level_where(room: Callable[[float], float]) -> float:
    """The alpha at which `room(alpha)` is 0; room grows with alpha."""
    least, most = 1e-9, 1 - 1e-9
    if room(least) >= 0:
        return 0.0
    if room(most) < 0:
        return 1.0
    return float(optimize.brentq(room, least, most, xtol=1e-10))


def wilson_interval(rate: float, n: float, *, quantile: float) -> tuple[float, float]:
    """Wilson's score interval for a share.

    Arguments: `rate` 0..1 of `n` (effective) trials; `quantile` of one side, 1.645 for 5 %.
    Returns: (lower, upper), within 0..1.
    Source: Wilson, JASA 22 (1927). Agrees with `scipy.stats.binomtest(...).proportion_ci` to
    1e-12.
    """
    if n <= 0:
        raise TooLittleDataError("got no trials, expected at least 1; generate images first")
    scale = 1 + quantile**2 / n
    center = (rate + quantile**2 / (2 * n)) / scale
    half = quantile / scale * float(np.sqrt(rate * (1 - rate) / n + quantile**2 / (4 * n * n)))
    return max(0.0, center - half), min(1.0, center + half)


def cluster_bootstrap(
    values: Sequence[float] | Floats, alpha: float, *, seed: int, resamples: int = 2000
) -> tuple[float, float]:
    """Percentile bootstrap of a mean, prompts resampled whole; a cross-check of the bounds.

    Arguments: `values` float, (n,), one a prompt; `alpha` on each side; `seed` of the resampling.
    Returns: (lower, upper) in the values' unit.
    Raises: TooLittleDataError for fewer than 2 values.
    Agreement: with `scipy.stats.bootstrap(method="percentile")` to 3 % of the interval's width.
    """
    array = np.asarray(values, dtype=np.float64)
    if array.size < 2:
        raise TooLittleDataError(f"got {array.size} prompt(s), expected at least 2")
    rng = np.random.default_rng(seed)
    rows = max(1, 1_000_000 // array.size)  # at most 8 MB of indices at a time
    means = np.concatenate(
        [
            array[rng.integers(0, array.size, (min(rows, resamples - done), array.size))].mean(1)
            for done in range(0, resamples, rows)
        ]
    )
    lower, upper = np.quantile(means, [alpha, 1 - alpha])
    return float(lower), float(upper)


def holm(p_values: Sequence[float]) -> list[float]:
    """Adjusted p-values, in the order given; family-wise error is held at any dependence.

    Source: Holm, Scandinavian Journal of Statistics 6 (1979).
    """
    p = np.asarray(p_values, dtype=np.float64)
    order = np.argsort(p, kind="stable")
    stepped = np.maximum.accumulate(p[order] * np.arange(p.size, 0, -1))
    adjusted = np.empty_like(p)
    adjusted[order] = np.minimum(stepped, 1.0)
    return [float(value) for value in adjusted]
