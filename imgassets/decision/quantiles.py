"""Quantiles with bounds that assume nothing about the shape of a distribution."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
from scipy import special

from imgassets.decision.statistics import Floats


def quantile_upper(values: Sequence[float] | Floats, share: float, alpha: float) -> float | None:
    """One-sided upper bound of a quantile, from order statistics alone.

    The k-th smallest value is at least the quantile with probability Bin(k - 1; n, share), so the
    smallest k for which that reaches 1 - alpha is the bound, whatever the distribution.

    Args:
        values: independent measurements, float (n,), any unit.
        share: which quantile, 0..1; .95 for p95.
        alpha: risk that the truth lies above the bound.

    Returns:
        The bound in the values' unit, or None where there are too few values for any
        (`values_needed`; 59 for p95 at 5 %).

    Source: David and Nagaraja, Order Statistics (2003), section 7.1. Agreement: coverage by
    simulation on normal, exponential and two-point distributions.
    """
    ordered = np.sort(np.asarray(values, dtype=np.float64))
    ranks = np.arange(1, ordered.size + 1)
    reached = special.bdtr(ranks - 1.0, ordered.size, share) >= 1 - alpha
    return float(ordered[int(np.argmax(reached))]) if reached.any() else None


def quantile_lower(values: Sequence[float] | Floats, share: float, alpha: float) -> float | None:
    """One-sided lower bound of a quantile; see `quantile_upper`.

    The k-th smallest value is at most the quantile with probability 1 - Bin(k - 1; n, share).
    """
    ordered = np.sort(np.asarray(values, dtype=np.float64))
    ranks = np.arange(1, ordered.size + 1)
    held = special.bdtr(ranks - 1.0, ordered.size, share) <= alpha
    return float(ordered[int(held.sum()) - 1]) if held.any() else None


def values_needed(share: float, alpha: float) -> int:
    """How many values the bound of a quantile needs: the least n with share**n <= alpha."""
    return math.ceil(math.log(alpha) / math.log(share))
