"""Bounds of a mean whose values cannot leave a known scale, right at every sample size.

The bound is Gaffke's: beside the n measured values stands one more at the bad end of the scale,
and all n + 1 get random weights (exponential, scaled to sum 1). The lower bound at level alpha is
the alpha-quantile of the weighted mean. For shares of zeros and ones it is exactly Clopper and
Pearson's bound. Making any value worse makes the bound worse, which Student's t does not promise.

The value at the end stands for what was not seen. Where much of it *was* seen, it may count less:
`weight_of_unseen` says how much less, so that the level rises by no more than half a point.
Levels and power were measured (docs/decision.md).

Sources: Gaffke, "Three test statistics for a nonparametric one-sided hypothesis on the mean of a
nonnegative variable", Mathematical Methods of Statistics 14 (2005); Learned-Miller and Thomas,
arXiv 1905.06208, who conjecture that it holds for every distribution and find no exception.
"""

from __future__ import annotations

import math

import numpy as np
import numpy.typing as npt
from scipy import optimize, special

Floats = npt.NDArray[np.float64]
#: Points of the contour integral; the error is below 1e-8 (tested against the beta distribution).
_NODES = 128
_STEP = 8.0 / _NODES
_GRID = (np.arange(_NODES) + 0.5) * _STEP
_ALONG, _SCALE = np.sinh(_GRID), np.cosh(_GRID) * _STEP
#: Values this close, in units of the scale, are one value.
_DIGITS = 12


def weight_of_unseen(losses: float) -> float:
    """Weight of the value that stands for what was not seen, 1/2 to 1.

    Arguments: `losses` is how much was seen to be lost below the limit, in units of the whole way
    from the limit to the end; 1 loss is one prompt that lost everything.

    With L losses at the limit, one step of a binomial tail at 5 % is about .1 / sqrt(L) wide, so
    lowering the weight by (sqrt(L) - 1) / 20 adds at most half a point to the level.
    """
    return min(1.0, max(0.5, 1.0 - (math.sqrt(losses) - 1.0) / 20.0))


def p_above(values: Floats, counts: Floats, end: float, limit: float) -> float:
    """p-value of "the mean is below `limit`": small means shown to be at least the limit.

    Arguments:
        values, counts: float (m,), different values and how often each occurs; none below `end`.
        end: lowest value that is possible.
        limit: what the mean is held against, in the values' unit.

    Returns: 0..1; grows with `limit`, falls when a value grows.
    """
    if limit <= end:
        return 0.0
    beyond = (values - limit) / (limit - end)
    losses = float(counts @ np.maximum(-beyond, 0.0))
    z, shapes = np.append(beyond, -1.0), np.append(counts, weight_of_unseen(losses))
    return 1.0 - weighted_sum_above_zero(z, shapes)


def lower_bound(values: Floats, counts: Floats, end: float, alpha: float) -> float:
    """The largest limit with `p_above(...) <= alpha`: one-sided lower bound of the mean."""
    top = float(values.max())
    if p_above(values, counts, end, top) <= alpha:
        return top
    tight = 1e-10 * (top - end)
    if top <= end or p_above(values, counts, end, end + tight) >= alpha:
        return end

    def short(limit: float) -> float:
        """Nearly a straight line, on which the root is found in a few steps."""
        p = min(max(p_above(values, counts, end, limit), 1e-15), 1.0 - 1e-15)
        return float(special.ndtri(p)) - wanted

    wanted = float(special.ndtri(alpha))
    low, high = _around(values, counts, end, wanted)
    if not (end < low < high < top and short(low) < 0 < short(high)):
        low, high = end + tight, top
    return float(optimize.brentq(short, low, high, xtol=1e-8 * (top - end)))


def _around(values: Floats, counts: Floats, end: float, wanted: float) -> tuple[float, float]:
    """Where a normal approximation expects the bound."""
    n = float(counts.sum())
    mean = (float(counts @ values) + end) / (n + 1.0)
    spread = float(counts @ (values - mean) ** 2) + (end - mean) ** 2
    sd = math.sqrt(spread) / (n + 1.0)
    return mean + (wanted - 0.6) * sd, mean + (wanted + 0.6) * sd


def grouped(values: Floats) -> tuple[Floats, Floats]:
    """Different values and how often each occurs; rounding noise does not make two of one."""
    found, counts = np.unique(np.round(values, _DIGITS), return_counts=True)
    return found, counts.astype(np.float64)


def weighted_sum_above_zero(z: Floats, shapes: Floats) -> float:
    """P(sum of z_i G_i >= 0) for independent gamma variables G_i of these shapes and scale 1.

    The inversion integral of the moment generating function, along a line through (or beside) the
    saddle point, where the integrand falls quickest.

    Arguments: `z` float (m,); `shapes` float (m,), all above 0.
    Returns: 0..1, to 1e-8.
    """
    z = np.where(np.abs(z) > 1e-12 * np.abs(z).max(), z, 0.0)
    if (z >= 0).all():
        return 1.0
    if (z <= 0).all():
        return 0.0
    z, shapes = z[z != 0], shapes[z != 0]
    low, high = 1.0 / z.min(), 1.0 / z.max()
    edge = 1.0 - 1e-12
    saddle = optimize.brentq(
        lambda s: float((shapes * z / (1.0 - s * z)).sum()), low * edge, high * edge, rtol=1e-10
    )
    width = math.sqrt(float((shapes * (z / (1.0 - saddle * z)) ** 2).sum()))
    # Far along the line nothing is left: how far depends on how many variables share the weight.
    parts = (z / (1.0 - saddle * z)) ** 2
    sharing = float(shapes @ parts) ** 2 / float(shapes @ parts**2)
    reach = math.asinh(2.0 * math.sqrt(sharing * math.expm1(56.0 / sharing)))
    nodes = min(_NODES, math.ceil(reach / _STEP))
    # The integrand has a pole at 0, so the line keeps its distance.
    if saddle > 0:
        start = max(saddle, min(1.0 / width, high / 2))
    else:
        start = min(saddle, max(-1.0 / width, low / 2))
    line = start + 1j * _ALONG[:nodes] / width
    logs = -(shapes[:, None] * np.log(1.0 - z[:, None] * line)).sum(axis=0)
    part = float((np.exp(logs) / line * _SCALE[:nodes]).real.sum()) / (math.pi * width)
    return min(1.0, max(0.0, part if start > 0 else 1.0 + part))
