"""Estimates with one-sided bounds and p-values that always agree with each other.

An `Estimate` is a mean over prompts with Student's t or Wilson's score; a `RateEstimate` is a
share of requests with exact binomial bounds. Both answer the same four questions: lower and upper
bound at level alpha, and the p-value for "the truth is at least / at most this limit". For each
of them `p_at_least(limit) <= alpha` exactly when `lower(alpha) >= limit`, so a table never
contradicts a plot. `scipy.special` rather than `scipy.stats`: the same numbers, seconds less to
import.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal, Protocol

import numpy as np
import numpy.typing as npt
from scipy import special

from imgassets.decision.errors import TooLittleDataError

Support = tuple[float, float]
Method = Literal["t", "wilson"]
Floats = npt.NDArray[np.float64]
#: Share of prompts that may behave otherwise than those that all agreed, on a scale without ends.
OTHERWISE = 0.1
#: Below this share of the values' size a standard deviation is rounding noise, not spread.
_ROUNDING = 1e-12


class Bounded(Protocol):
    """What a criterion is judged by."""

    @property
    def value(self) -> float: ...
    def lower(self, alpha: float) -> float: ...
    def upper(self, alpha: float) -> float: ...
    def p_at_least(self, limit: float) -> float: ...
    def p_at_most(self, limit: float) -> float: ...


@dataclass(frozen=True)
class Estimate:
    """A mean over prompts (clusters) with one-sided bounds.

    `t` is Student's t on the prompt values. `wilson` is for means of a bounded score, which t
    gets wrong near the ends (simulated: a 95 % bound that covers 86 %): Wilson's score interval
    with the effective sample size x(1 - x) / SE^2, so that clustering counts, and the t quantile.

    Where all prompts agree (sd 0), t would claim certainty. If the metric has a known `support`
    (lowest, highest possible value), the bound is exact instead: with confidence 1 - alpha at
    most a share `q = 1 - alpha**(1/n)` of prompts can behave differently, and those could lie at
    the end of the support. For n of n successes this is Clopper and Pearson's bound. Without a
    support nobody knows how far those could lie: the constant stands once fewer than a tenth of
    all prompts can behave differently (29 agree, at 5 %), and before that it bounds nothing. A
    `fixed` one (a price) stands as measured.

    Attributes:
        value: the mean, in the metric's unit.
        sd: standard deviation over prompts, n - 1 in the denominator.
        n: number of prompts, at least 2.
        support: (lowest, highest) value the quantity can take, or None where it has no end.
        method: how bounds are made where prompts differ; `wilson` needs a support.
        fixed: whether a constant is known to be one.

    Source: Miller, arXiv 2411.00640, section 2.2 (clustered errors), with the t quantile;
    Wilson, JASA 22 (1927), with an effective sample size after Korn and Graubard (1998).
    """

    value: float
    sd: float
    n: int
    support: Support | None = None
    method: Method = "t"
    fixed: bool = False

    @classmethod
    def of(
        cls,
        values: Sequence[float] | Floats,
        support: Support | None,
        method: Method = "t",
        *,
        fixed: bool = False,
        independent: int | None = None,
    ) -> Estimate:
        """The estimate over one value a prompt (float, shape (n,)).

        Args:
            values, support, method, fixed: see `Estimate`.
            independent: how many of the values are, where not all of them; at least 2 count.

        Raises:
            TooLittleDataError: for fewer than 2 values.
        """
        array = np.asarray(values, dtype=np.float64)
        if array.size < 2:
            raise TooLittleDataError(
                f"got {array.size} prompt(s), expected at least 2; measure more prompts"
            )
        mean, sd = float(array.mean()), float(array.std(ddof=1))
        sd = 0.0 if sd <= _ROUNDING * max(1.0, abs(mean)) else sd
        n = array.size if independent is None else max(2, min(independent, array.size))
        return cls(mean, sd, n, support, method, fixed)

    @property
    def se(self) -> float:
        """Standard error of the mean; 0 only where all prompts agree."""
        return self.sd / float(np.sqrt(self.n))

    def lower(self, alpha: float) -> float:
        """One-sided lower bound with confidence 1 - alpha, within the support."""
        return self._bound(alpha, sign=-1)

    def upper(self, alpha: float) -> float:
        """One-sided upper bound with confidence 1 - alpha, within the support."""
        return self._bound(alpha, sign=1)

    def p_at_least(self, limit: float) -> float:
        """p-value of "truth < limit": small means shown to be at least the limit."""
        return self._p(limit, sign=1)

    def p_at_most(self, limit: float) -> float:
        """p-value of "truth > limit": small means shown to be at most the limit."""
        return self._p(limit, sign=-1)

    @property
    def _agreeing(self) -> float:
        """Chance that all prompts agree although a tenth of all there are behave differently."""
        return float((1.0 - OTHERWISE) ** self.n)

    def _end(self, sign: int) -> float | None:
        return None if self.support is None else self.support[(sign + 1) // 2]

    def _bound(self, alpha: float, sign: int) -> float:
        end = self._end(sign)
        if self.sd > 0 and self.method == "wilson" and self.support is not None:
            bound = self._wilson_bound(alpha, sign, *self.support)
        elif self.sd > 0:
            bound = self.value + sign * float(special.stdtrit(self.n - 1, 1 - alpha)) * self.se
        elif end is None:
            stands = self.fixed or self._agreeing <= alpha
            return self.value if stands else sign * float("inf")
        else:
            bound = self.value + (1.0 - alpha ** (1.0 / self.n)) * (end - self.value)
        if end is None:
            return bound
        return min(bound, end) if sign > 0 else max(bound, end)

    def _wilson_bound(self, alpha: float, sign: int, low: float, high: float) -> float:
        x, se = (self.value - low) / (high - low), self.se / (high - low)
        ends = wilson_interval(
            x, x * (1 - x) / se**2, quantile=float(special.stdtrit(self.n - 1, 1 - alpha))
        )
        return low + (high - low) * ends[(sign + 1) // 2]

    def sd_at(self, limit: float) -> float:
        """The standard deviation over prompts if the truth were at the limit."""
        if self.method == "wilson" and self.support is not None and self.sd > 0:
            return self.sd * self._spread_at(limit, *self.support)
        return self.sd

    def _spread_at(self, limit: float, low: float, high: float) -> float:
        """SE if the truth were at the limit, as a multiple of SE; tiny beyond the scale's ends."""
        variance = (limit - low) * (high - limit) / ((self.value - low) * (high - self.value))
        return float(np.sqrt(max(variance, _ROUNDING)))

    def _p(self, limit: float, sign: int) -> float:
        """p-value for `sign * (truth - limit) >= 0`."""
        end = self._end(-sign)
        if end is not None and sign * (end - limit) >= 0:
            return 0.0  # no possible value is beyond the limit
        distance = sign * (self.value - limit)
        if self.sd > 0 and self.method == "wilson" and self.support is not None:
            distance /= self._spread_at(limit, *self.support)
        if self.sd > 0:
            return float(special.stdtr(self.n - 1, -distance / self.se))
        if end is None:
            surely = 0.0 if self.fixed else self._agreeing
            return surely if distance >= -_ROUNDING * max(1.0, abs(limit)) else 1.0
        return 1.0 if distance <= 0 else float(((limit - end) / (self.value - end)) ** self.n)


@dataclass(frozen=True)
class RateEstimate:
    """A share of requests with Clopper and Pearson's exact bounds.

    Failures come in clusters (a prompt that is too long fails with every seed). `effective_n`
    is the number of independent requests that would carry the same information; the bounds use
    it, after Korn and Graubard (1998).

    Attributes:
        count: requests that failed.
        n: requests, at least 1.
        effective_n: between the number of prompts and `n`.

    Source: Clopper and Pearson, Biometrika 26 (1934); Korn and Graubard, Survey Methodology 24
    (1998), without their t-quantile correction.
    """

    count: int
    n: int
    effective_n: float

    @classmethod
    def of(cls, failed: npt.ArrayLike, prompts: npt.ArrayLike) -> RateEstimate:
        """From one flag a request (bool, (n,)) and the prompt of each (any, (n,)).

        Raises:
            TooLittleDataError: for no request at all.
        """
        flags = np.asarray(failed, dtype=np.float64)
        if flags.size == 0:
            raise TooLittleDataError("got no requests, expected at least 1; generate images first")
        _, index = np.unique(np.asarray(prompts), return_inverse=True)
        return cls(int(flags.sum()), flags.size, flags.size / design_effect(flags, index))

    @property
    def value(self) -> float:
        return self.count / self.n

    def _parts(self) -> tuple[float, float]:
        events = self.value * self.effective_n
        return events, self.effective_n - events

    def lower(self, alpha: float) -> float:
        """One-sided lower bound; 0 where nothing failed."""
        events, others = self._parts()
        return 0.0 if self.count == 0 else float(special.betaincinv(events, others + 1, alpha))

    def upper(self, alpha: float) -> float:
        """One-sided upper bound; `1 - alpha**(1/n)`, about 3/n at 5 %, where nothing failed."""
        events, others = self._parts()
        return (
            1.0 if self.count == self.n else float(special.betainccinv(events + 1, others, alpha))
        )

    def p_at_least(self, limit: float) -> float:
        """p-value of "rate < limit"."""
        events, others = self._parts()
        if self.count == 0:
            return 0.0 if limit <= 0 else 1.0
        return float(special.betainc(events, others + 1, limit))

    def p_at_most(self, limit: float) -> float:
        """p-value of "rate > limit"."""
        events, others = self._parts()
        if self.count == self.n:
            return 0.0 if limit >= 1 else 1.0
        return float(special.betaincc(events + 1, others, limit))


def design_effect(flags: Floats, cluster: npt.NDArray[np.intp]) -> float:
    """How many times larger clustering makes the variance of a share; 1 where it does not.

    Arguments: `flags` float 0/1, (n,); `cluster` int, (n,), numbered from 0.
    Returns: at least 1, at most the size of the largest cluster.
    """
    sizes = np.bincount(cluster).astype(np.float64)
    rate, n, clusters = float(flags.mean()), flags.size, sizes.size
    if clusters < 2 or rate in (0.0, 1.0):
        return 1.0
    residuals = np.bincount(cluster, weights=flags) - rate * sizes
    clustered = clusters / (clusters - 1) * float((residuals**2).sum()) / n**2
    return float(np.clip(clustered / (rate * (1 - rate) / n), 1.0, sizes.max()))


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
    """Percentile bootstrap of a mean, prompts resampled whole; a cross-check of the t bounds.

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
