"""Quantiles of latencies with bounds, where neighbours are alike.

Requests that wait in one queue are late together, so a thousand latencies say less than a thousand
independent ones. Bounds of order statistics are taken at the number of independent values that
vary as much (the effective sample size of "later than the quantile").
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from scipy import special

from imgassets.decision.statistics import Floats


@dataclass(frozen=True)
class Bounded:
    """A number with one-sided bounds; None where it, or a bound, is beyond what was seen.

    Attributes:
        value, lower, upper: in the values' unit; a value of None is that of failed requests.
        effective: independent values that say as much.
        needed: how many would be needed for an upper bound; 0 where there is one.
    """

    value: float | None
    lower: float | None
    upper: float | None
    effective: float
    needed: int = 0


def dependence(later: Sequence[bool] | Floats) -> float:
    """How many values in a row say as much as one that is independent; at least 1.

    The integrated autocorrelation time of an indicator, `1 + 2 * sum of autocorrelations`, summed
    while pairs of neighbouring lags are positive.

    Args:
        later: 0 or 1 each, in order of time, (n,).

    Source: Geyer, Practical Markov chain Monte Carlo, Statistical Science 7 (1992), section 3.3.
    Agreement: AR(1) indicators by simulation; coverage of the bounds in docs/measurements/pilot.md.
    """
    series = np.asarray(later, dtype=np.float64)
    series = series - series.mean()
    if series.size < 4 or not series.any():
        return 1.0
    spectrum = np.abs(np.fft.rfft(series, 2 * series.size)) ** 2
    covariances = np.fft.irfft(spectrum)[: series.size]
    correlations = covariances / covariances[0]
    pairs = correlations[:-1:2] + correlations[1::2][: len(correlations[:-1:2])]
    positive = int(np.argmax(pairs <= 0)) if (pairs <= 0).any() else len(pairs)
    return max(1.0, float(2 * pairs[:positive].sum() - 1))


def bounded_quantile(values: Sequence[float] | Floats, share: float, alpha: float) -> Bounded:
    """A quantile with one-sided bounds, each at risk `alpha`.

    Args:
        values: in order of time, float (n,), n at least 1; infinite for what was never answered.
        share: which quantile, 0..1.
        alpha: risk that the truth lies beyond a bound.
    """
    series = np.asarray(values, dtype=np.float64)
    ordered = np.sort(series)
    at = float(ordered[math.ceil(share * series.size) - 1])
    effective = max(1.0, series.size / dependence((series > at).astype(np.float64)))
    count = int(effective)
    reached = special.bdtr(np.arange(count), count, share)
    high, low = reached >= 1 - alpha, reached <= alpha
    upper = _at_rank(ordered, (int(np.argmax(high)) + 1) / count) if high.any() else None
    lower = _at_rank(ordered, int(low.sum()) / count) if low.any() else None
    least = math.ceil(math.log(alpha) / math.log(share))
    needed = 0 if high.any() else math.ceil(least * series.size / effective)
    return Bounded(_finite(at), _finite(lower), _finite(upper), effective, needed)


def bounded_rate(failed: Sequence[bool], alpha: float) -> Bounded:
    """A share of requests with Clopper and Pearson's bounds, at the effective sample size."""
    series = np.asarray(failed, dtype=np.float64)
    count = series.size / dependence(series)
    rate = float(series.mean())
    hits = rate * count
    upper = 1.0 if hits >= count else float(special.betaincinv(hits + 1, count - hits, 1 - alpha))
    lower = 0.0 if hits <= 0 else float(special.betaincinv(hits, count - hits + 1, alpha))
    return Bounded(rate, lower, upper, count)


def _at_rank(ordered: Floats, share: float) -> float:
    return float(ordered[min(len(ordered), math.ceil(share * len(ordered) - 1e-9)) - 1])


def _finite(value: float | None) -> float | None:
    return None if value is None or math.isinf(value) else value
