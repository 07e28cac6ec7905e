"""How long a request takes while others wait: a queue simulated over measured service times."""

from __future__ import annotations

import bisect
import heapq
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from imgassets.decision.errors import TooLittleDataError
from imgassets.decision.statistics import Floats

#: Simulated requests of a repeat at first and at most; the first tenth, while the queue fills, is
#: not counted.
REQUESTS, MOST_REQUESTS = 20_000, 80_000
_FILLING = 0.1
#: Repeats with other arrivals; they agree when their 95th percentiles are within this share.
REPEATS, AGREEMENT = 4, 0.1
#: Above this load a queue takes so long to settle that no affordable simulation is steady.
HEAVY = 0.9


@dataclass(frozen=True)
class Latency:
    """From a request's arrival to its image, waiting included.

    Attributes:
        utilization: requests that arrive, as a share of those that full batches can serve; from
            1 on the queue grows for ever.
        median, p95, worst: seconds, over all repeats; None where the queue grows for ever.
        requests: how many were counted; `worst` is the worst of these.
        spread: how far the repeats' 95th percentiles lie apart, as a share of `p95`.
    """

    utilization: float
    median: float | None
    p95: float | None
    worst: float | None
    requests: int
    spread: float = 0.0

    @property
    def unsteady(self) -> str:
        """Why the numbers must not be relied on, in words; empty where they may."""
        if self.p95 is None:
            return ""
        if self.utilization > HEAVY:
            return f"at a load of {self.utilization:.0%} they swing widely from hour to hour"
        if self.spread > AGREEMENT:
            return f"repeats with other arrivals differ by {self.spread:.0%}"
        return ""


def latency(
    service: Sequence[float] | Floats, per_hour: float, workers: int, batch: int, *, seed: int
) -> Latency:
    """Latency under Poisson arrivals, with as many requests as make the repeats agree.

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
    rate = per_hour / 3600.0
    utilization = rate * float(durations.mean()) / (workers * batch)
    if utilization >= 1:
        return Latency(utilization, None, None, None, 0)
    requests = REQUESTS
    while True:
        runs = [
            simulate(durations, rate, workers, batch, seed=[seed, number], requests=requests)[0]
            for number in range(REPEATS)
        ]
        tails = [float(np.quantile(run, 0.95)) for run in runs]
        together = np.concatenate(runs)
        median, p95 = (float(q) for q in np.quantile(together, [0.5, 0.95]))
        spread = (max(tails) - min(tails)) / p95
        if spread <= AGREEMENT / 2 or requests >= MOST_REQUESTS:
            worst = float(together.max())
            return Latency(utilization, median, p95, worst, together.size, spread)
        requests *= 2


def simulate(
    durations: Floats,
    rate: float,
    workers: int,
    batch: int,
    *,
    seed: int | Sequence[int],
    requests: int = REQUESTS,
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
    waited, takes = queued(arrivals, rng.choice(durations, requests), workers, batch)
    counted = slice(int(requests * _FILLING), None)
    return (waited + takes)[counted], waited[counted]


def queued(arrivals: Floats, durations: Floats, workers: int, batch: int) -> tuple[Floats, Floats]:
    """Time waited and time of the batch of each request; see `simulate`.

    Args:
        arrivals: in order, seconds, float (n,).
        durations: of the first batch, the second, ..., seconds, float (n,).
    """
    requests = len(arrivals)
    drawn, times = durations.tolist(), arrivals.tolist()  # single numbers are quicker from a list
    starts, takes = np.empty(requests), np.empty(requests)
    free_at = [0.0] * workers
    first = turn = 0
    while first < requests:
        start, takes_now = max(free_at[0], times[first]), drawn[turn]
        last = bisect.bisect_right(times, start, first, min(first + batch, requests))
        starts[first:last], takes[first:last] = start, takes_now
        heapq.heapreplace(free_at, start + takes_now)
        first, turn = last, turn + 1
    return starts - arrivals, takes
