"""When requests arrive: seeded draws of the shapes a contract's pilot may name."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from imgassets.decision.statistics import Floats
from imgassets.documents.pilot import Gamma, OnOff, Pilot, Poisson

_CHUNK = 4096
#: Draws some more arrival times, in order, after those drawn before; and until when it drew.
_More = Callable[[], tuple[Floats, float]]


class NoArrivalsError(ValueError):
    """No request arrives in the time allowed; says what to change."""


def arrivals(pilot: Pilot, rate: float) -> Floats:
    """Arrival times of a shape, in order.

    Args:
        pilot: its shape, seed, and `seconds` or `requests`.
        rate: mean arrivals a second, above 0.

    Returns:
        Seconds from the start, float (n,).

    Raises:
        NoArrivalsError: none falls into `pilot.seconds`.
    """
    more = _drawer(pilot.arrivals, rate, np.random.default_rng(pilot.seed))
    until = np.inf if pilot.seconds is None else pilot.seconds
    wanted = np.inf if pilot.requests is None else pilot.requests
    parts, count, last = list[Floats](), 0, 0.0
    while count < wanted and last < until:
        times, last = more()
        parts.append(times)
        count += len(times)
    times = np.concatenate(parts)
    times = times[times < until][: pilot.requests]
    if not times.size:
        raise NoArrivalsError(
            f"no request arrives in {until:g} s at {rate * 3600:g} an hour; make `pilot.seconds` "
            "longer, or give `pilot.requests` instead"
        )
    return times


def _drawer(shape: Poisson | Gamma | OnOff, rate: float, rng: np.random.Generator) -> _More:
    if isinstance(shape, OnOff):
        return _bursts(shape, rate, rng)
    burstiness = shape.burstiness if isinstance(shape, Gamma) else 1.0
    return _renewals(burstiness, rate, rng)


def _renewals(burstiness: float, rate: float, rng: np.random.Generator) -> _More:
    """Gaps of a gamma distribution, mean 1 / rate and variance burstiness / rate**2."""
    last = 0.0

    def more() -> tuple[Floats, float]:
        nonlocal last
        times = last + np.cumsum(rng.gamma(1 / burstiness, burstiness / rate, _CHUNK))
        last = float(times[-1])
        return times, last

    return more


def _bursts(shape: OnOff, rate: float, rng: np.random.Generator) -> _More:
    """An interrupted Poisson process, begun in its steady state.

    Its mean count in t seconds is `rate * t`. The variance of counts over their mean tends to
    `1 + 2 * peak * r_on / (r_on + r_off)**2`, where peak is the rate within bursts, r_on and r_off
    are 1 over the mean lengths of bursts and silences (Fischer and Meier-Hellstern, The MMPP
    cookbook, Performance Evaluation 18, 1993).
    """
    whole = shape.on_seconds + shape.off_seconds
    peak = rate * whole / shape.on_seconds
    now, on = 0.0, bool(rng.random() < shape.on_seconds / whole)

    def more() -> tuple[Floats, float]:
        nonlocal now, on
        length = rng.exponential(shape.on_seconds if on else shape.off_seconds)
        count = int(rng.poisson(peak * length)) if on else 0
        times = now + np.sort(rng.random(count)) * length
        now, on = now + length, not on
        return times, now

    return more
