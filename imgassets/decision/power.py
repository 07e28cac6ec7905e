"""How much more data would settle an undecided limit."""

from __future__ import annotations

import math

import numpy as np
from scipy import special

#: Chance of reaching a verdict the answer is planned for.
POWER = 0.8
#: Above this the answer is "no practical number", given as None.
MOST_PROMPTS = 10_000
MOST_SEEDS = 64


def required_variance(distance: float, alpha: float, power: float = POWER) -> float:
    """Variance of the mean at which a truth `distance` from the limit is shown with `power`."""
    z = -float(special.ndtri(alpha) + special.ndtri(1 - power))
    return (distance / z) ** 2


def prompts_needed(
    sd: float, distance: float, alpha: float, power: float = POWER, *, sd_at_limit: float = 0.0
) -> int | None:
    """Prompts in all: `P = (z_(1-alpha) sd_at_limit + z_power sd)^2 / distance^2`, rounded up.

    Arguments: `sd` over prompts and `distance` from truth to limit, in one unit (distance > 0);
        `sd_at_limit` is the sd if the truth were at the limit, by which a bounded score is judged
        (Wilson); `sd` itself where that is larger.
    Returns: at least 2; None where more than `MOST_PROMPTS` would be needed.
    Source: Miller, arXiv 2411.00640, section 5; for two deviations Fleiss, Levin and Paik,
        Statistical Methods for Rates and Proportions (2003), section 2.5.
    """
    if distance <= 0:
        return None
    at_limit = max(sd, sd_at_limit)
    spread = -float(special.ndtri(alpha) * at_limit + special.ndtri(1 - power) * sd)
    needed = (spread / distance) ** 2
    return max(2, math.ceil(needed)) if needed <= MOST_PROMPTS else None


def agreeing_prompts_needed(ratio: float, alpha: float) -> int | None:
    """Prompts in all that must agree: smallest n with `ratio**n <= alpha`.

    Arguments: `ratio` = (limit - end of support) / (value - end of support), 0..1; for failures
    that must stay below a rate r and never occurred it is 1 - r.
    """
    if ratio <= 0:
        return 1
    if ratio >= 1:
        return None
    needed = math.ceil(math.log(alpha) / math.log(ratio) - 1e-9)
    return needed if needed <= MOST_PROMPTS else None


def requests_needed(rate: float, limit: float, alpha: float, power: float = POWER) -> int | None:
    """Requests in all that show a failure rate to be below, or above, its limit.

    Arguments: `rate` as it is, `limit` as it may be, both 0..1 and different.
    Returns: to 2 %, the number from which on the exact binomial test has its power; None above a
        hundred times `MOST_PROMPTS`.
    """
    n = np.unique(np.geomspace(1, 100 * MOST_PROMPTS, 700).astype(int)).astype(float)
    if rate < limit:
        # The most failures that still show it: P(X <= most) <= alpha where the limit is true.
        most = _quantile(alpha, n, limit)
        most = np.where(special.bdtr(most, n, limit) > alpha, most - 1, most)
        reached = np.where(most < 0, 0.0, special.bdtr(np.maximum(most, 0), n, rate))
    else:
        # The fewest that show it, less one: P(X > most) <= alpha where the limit is true.
        reached = special.bdtrc(_quantile(1 - alpha, n, limit), n, rate)
    short = np.flatnonzero(~(reached >= power))
    first = int(short[-1]) + 1 if short.size else 0
    return None if first >= n.size else int(n[first])


def _quantile(p: float, n: np.ndarray, rate: float) -> np.ndarray:
    """The smallest k with P(X <= k) >= p, of each binomial distribution (n trials, a rate)."""
    k = np.maximum(np.ceil(np.nan_to_num(special.bdtrik(p, n, rate)) - 1e-9), 0.0)
    return np.where((k > 0) & (special.bdtr(np.maximum(k - 1, 0), n, rate) >= p), k - 1, k)


def seeds_needed(
    between: float, within: float, prompts: int, distance: float, alpha: float, power: float = POWER
) -> int | None:
    """Seeds a prompt, with the prompts as they are: `(between + within / K) / P` must suffice.

    Arguments: `between` variance of the prompts' true differences, `within` variance over seeds
    of one prompt, both in squared units; `prompts` P.
    Returns: None where the spread between prompts alone is too wide, or above `MOST_SEEDS`.
    """
    if distance <= 0:
        return None
    room = prompts * required_variance(distance, alpha, power) - between
    if room <= 0:
        return None
    needed = max(1, math.ceil(within / room))
    return needed if needed <= MOST_SEEDS else None
