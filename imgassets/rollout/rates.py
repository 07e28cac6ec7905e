"""Whether one arm of a rollout fails more often than another: exact p-values, no table of data.

Both models serve the same minutes, and a hash of the user decides which of them: under "no worse"
a failure could as well have fallen into the other arm. Given how many failed in all, the share of
them that is the candidate's is hypergeometric, whatever the rate is and however it wanders through
the day. So the level holds at rates of .1 % and with a candidate of 50 requests, where a normal
approximation does not: one failure among 50 is no news, and its z-score is 3.9.

A margin that is not 0 makes the odds depend on the incumbent's rate, which is not known. Its lower
bound at a tenth of the level stands for it, which never helps to convict (Berger and Boos, JASA 89,
1994). Where the incumbent has too few failures to say anything, its upper bound plus the margin is
held against the candidate's count by the binomial distribution.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from scipy import special

#: Part of the level that bounding the incumbent's rate may cost.
_PART = 0.1


@dataclass(frozen=True)
class Arm:
    """What came of one model's requests in a stretch of time.

    Attributes:
        requests: all of them; those that no outcome came of are among them.
        failures: of them; unreported ones are among them.
        unreported: requests that were begun, or that the flag sent here, and nothing came of.
        slow: requests that took longer than the contract's seconds.
        timed: requests whose seconds are known.
        clumping: requests that one independent failure stands for, 1 and more: a user who fails
            five times in a row is one piece of news, not five. See `clumping`.
    """

    requests: int
    failures: int
    unreported: int = 0
    slow: int = 0
    timed: int = 0
    clumping: float = 1.0

    @property
    def rate(self) -> float:
        """Share that failed, 0..1; 0 without requests."""
        return self.failures / self.requests if self.requests else 0.0

    def minus(self, before: Arm) -> Arm:
        """What came since `before`; a late outcome of what was unreported counts once."""
        return Arm(
            max(0, self.requests - before.requests),
            max(0, self.failures - before.failures),
            max(0, self.unreported - before.unreported),
            max(0, self.slow - before.slow),
            max(0, self.timed - before.timed),
            self.clumping,
        )


def clumping(failures: float, squares: float) -> float:
    """How many failures one independent failure stands for.

    Args:
        failures: sum over users of their failures.
        squares: sum over users of the square of their failures.

    Returns:
        At least 1: the factor by which the variance of a count grows when whole users, and not
        single requests, fall into an arm (Rao and Scott, Biometrics 48, 1992).
    """
    return max(1.0, squares / failures) if failures else 1.0


def p_worse(candidate: Arm, incumbent: Arm, margin: float, level: float) -> float:
    """p-value of "the candidate fails at most `margin` more often"; small shows that it fails more.

    Args:
        candidate, incumbent: of the same stretch of time and the same share of traffic.
        margin: 0..1.
        level: that it is held against; a tenth of it goes to the incumbent's unknown rate.
    """
    factor = max(candidate.clumping, incumbent.clumping)
    n, x = _thinned(candidate.requests, candidate.failures, factor, math.floor)
    others, known = _thinned(incumbent.requests, incumbent.failures, factor, math.ceil)
    if not n or not others:
        return 1.0
    if margin == 0:
        return _share_of_failures(x, n, known, others, 1.0)
    part = _PART * level
    least, most = lower_rate(known, others, part), upper_rate(known, others, part)
    by_share = 1.0
    if least > 0 and least + margin < 1:
        odds = (least + margin) / (1 - least - margin) * (1 - least) / least
        by_share = _share_of_failures(x, n, known, others, odds)
    return min(1.0, 2 * min(by_share, at_least(x, n, min(1.0, most + margin))) + part)


def p_above(arm: Arm, ceiling: float) -> float:
    """p-value of "fails at most as often as `ceiling`"; small shows that it fails more often."""
    n, x = _thinned(arm.requests, arm.failures, arm.clumping, math.floor)
    return at_least(x, n, ceiling)


def p_slower(arm: Arm, quantile: float) -> float:
    """p-value of "that quantile of the seconds is within the ceiling that `slow` was counted by".

    Where it is, at most 1 - quantile of the requests are slower: a binomial count, the bound of a
    quantile by order statistics.
    """
    return at_least(arm.slow, arm.timed, 1 - quantile)


def at_least(x: int, n: int, rate: float) -> float:
    """Probability of x or more of n at that rate."""
    if x <= 0:
        return 1.0
    return 0.0 if x > n else float(special.betainc(x, n - x + 1, rate))


def lower_rate(x: int, n: int, level: float) -> float:
    """One-sided lower bound of a share, 0..1 (Clopper and Pearson, Biometrika 26, 1934)."""
    return float(special.betaincinv(x, n - x + 1, level)) if x else 0.0


def upper_rate(x: int, n: int, level: float) -> float:
    """One-sided upper bound of a share, 0..1."""
    return float(special.betaincinv(x + 1, n - x, 1 - level)) if x < n else 1.0


def _thinned(
    requests: int, failures: int, factor: float, rounded: Callable[[float], int]
) -> tuple[int, int]:
    """The counts of a sample of independent requests that would say as much."""
    if factor <= 1:
        return requests, failures
    n = math.floor(requests / factor)
    return n, min(n, rounded(failures / factor))


def _share_of_failures(x: int, n: int, known: int, others: int, odds: float) -> float:
    """Probability that x or more of all failures fall to the candidate (Fisher's distribution).

    Agrees with `scipy.stats.hypergeom` and `nchypergeom_fisher` to 1e-9.
    """
    all_failed = x + known
    low, high = max(0, all_failed - others), min(n, all_failed)
    share = np.arange(low, high + 1, dtype=np.float64)
    log = share * math.log(odds) - (
        special.gammaln(share + 1)
        + special.gammaln(n - share + 1)
        + special.gammaln(all_failed - share + 1)
        + special.gammaln(others - all_failed + share + 1)
    )
    weight = np.exp(log - log.max())
    return float(min(1.0, weight[x - low :].sum() / weight.sum()))
