"""How long a request takes while others wait: a queue simulated over measured service times."""

from __future__ import annotations

import heapq
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from imgassets.decision.errors import TooLittleDataError
from imgassets.decision.statistics import Floats

#: Simulated requests; the first tenth, while the queue fills, is not counted.
REQUESTS = 20_000
_FILLING = 0.1


@dataclass(frozen=True)
class Latency:
    """From a request's arrival to its image, waiting included.

    Attributes:
        utilization: requests that arrive, as a share of those that full batches can serve; from
            1 on the queue grows for ever.
        median, p95, worst: seconds; None where the queue grows for ever.
        requests: how many were counted; `worst` is the worst of these.
    """

    utilization: float
    median: float | None
    p95: float | None
    worst: float | None
    requests: int


def latency(
    service: Sequence[float] | Floats, per_hour: float, workers: int, batch: int, *, seed: int
) -> Latency:
    """Latency under Poisson arrivals.

    Args:
        service: measured durations of one batch, seconds, float (n,); n at least 1.
        per_hour: mean arrivals an hour.
        workers: servers, each takes up to `batch` waiting requests at once, first come first
            served, and starts at once with fewer.
        seed: of arrivals and of which measurement each batch gets.

    Raises:
        TooLittleDataError: nothing was measured.
    """
    durations = np.asarray(service, dtype=np.float64)
    if durations.size == 0:
        raise TooLittleDataError("got no service times, expected at least 1; generate images first")
    utilization = per_hour / 3600.0 * float(durations.mean()) / (workers * batch)
    if utilization >= 1:
        return Latency(utilization, None, None, None, 0)
    sojourn, _ = simulate(durations, per_hour / 3600.0, workers, batch, seed=seed)
    median, p95 = np.quantile(sojourn, [0.5, 0.95])
    return Latency(utilization, float(median), float(p95), float(sojourn.max()), sojourn.size)


def simulate(
    durations: Floats, rate: float, workers: int, batch: int, *, seed: int, requests: int = REQUESTS
) -> tuple[Floats, Floats]:
    """Time in the system and time waited of each counted request.

    Kiefer and Wolfowitz's recursion: the worker that is free first takes the request that waits
    longest, and with it those that have arrived by then, up to `batch`.

    Args:
        durations: of one batch, seconds, float (n,); drawn with replacement.
        rate: arrivals a second.

    Returns:
        (sojourn, waited) in seconds, float (0.9 * requests,) each.

    Source: Kiefer and Wolfowitz, Transactions of the AMS 78 (1955). Agreement: mean wait with
    Pollaczek and Khinchine's formula (M/D/1) and Erlang C (M/M/c), to 5 %.
    """
    rng = np.random.default_rng(seed)
    arrivals = np.cumsum(rng.exponential(1.0 / rate, requests))
    drawn = rng.choice(durations, requests)
    sojourn, waited = np.empty(requests), np.empty(requests)
    free_at = [0.0] * workers
    first = turn = 0
    while first < requests:
        start = max(heapq.heappop(free_at), arrivals[first])
        last = min(first + batch, int(np.searchsorted(arrivals, start, side="right")))
        waited[first:last] = start - arrivals[first:last]
        sojourn[first:last] = waited[first:last] + drawn[turn]
        heapq.heappush(free_at, start + drawn[turn])
        first, turn = last, turn + 1
    counted = int(requests * _FILLING)
    return sojourn[counted:], waited[counted:]
