"""The queue agrees with theory where theory knows the answer, and with nothing else."""

from __future__ import annotations

import math

import numpy as np
import pytest

from imgassets.decision.errors import TooLittleDataError
from imgassets.decision.queueing import latency, simulate

LONG = 200_000


def erlang_c(load: float, workers: int) -> float:
    """Probability of waiting in M/M/c; `load` in Erlangs."""
    last = load**workers / math.factorial(workers) * workers / (workers - load)
    return last / (sum(load**k / math.factorial(k) for k in range(workers)) + last)


@pytest.mark.parametrize("busy", [0.3, 0.8])
def test_constant_service_waits_as_pollaczek_and_khinchine_say(busy: float) -> None:
    """M/D/1: mean wait is rho S / (2 (1 - rho))."""
    _, waited = simulate(np.array([2.0]), busy / 2.0, 1, 1, seed=1, requests=LONG)
    assert waited.mean() == pytest.approx(busy * 2.0 / (2 * (1 - busy)), rel=0.05)


def test_random_service_and_several_workers_wait_as_erlang_says() -> None:
    """M/M/3: mean wait is C / (c mu - lambda), and its tail falls exponentially."""
    service = np.random.default_rng(2).exponential(1.0, 50_000)
    service /= service.mean()
    rate, workers = 2.4, 3
    _, waited = simulate(service, rate, workers, 1, seed=3, requests=LONG)
    waits = erlang_c(rate, workers)
    assert waited.mean() == pytest.approx(waits / (workers - rate), rel=0.05)
    assert (waited > 2.0).mean() == pytest.approx(waits * math.exp(-(workers - rate) * 2), rel=0.1)


def test_the_theory_of_another_load_does_not_fit() -> None:
    """The other direction: theory at another rate, shape or number of workers is far off."""
    _, waited = simulate(np.array([2.0]), 0.4, 1, 1, seed=1, requests=LONG)
    for other in (0.7 * 2.0 / (2 * 0.3), 0.8 * 2.0 / (1 - 0.8), 0.0):  # rho .7; M/M/1; no queue
        assert abs(waited.mean() - other) > 0.15 * waited.mean()
    _, two = simulate(np.array([2.0]), 0.4, 2, 1, seed=1, requests=LONG)
    assert two.mean() < 0.1 * waited.mean()


def test_a_batch_carries_what_waits() -> None:
    """Four at once bear a load that buries a worker who takes one; an idle one starts at once."""
    one = latency([2.0], 3600 * 0.9, 1, 1, seed=5)
    assert one.utilization == pytest.approx(1.8)
    assert one.median is one.p95 is one.worst is None
    four = latency([2.0], 3600 * 0.9, 1, 4, seed=5)
    assert four.worst is not None
    assert four.p95 is not None
    assert 2.0 < four.p95 < four.worst
    calm, waited = simulate(np.array([2.0]), 0.001, 1, 4, seed=5)
    assert np.median(calm) == 2.0
    assert waited.mean() < 0.05


def test_the_same_seed_gives_the_same_latency() -> None:
    assert latency([1.0, 3.0], 600, 1, 1, seed=7) == latency([1.0, 3.0], 600, 1, 1, seed=7)
    assert latency([1.0, 3.0], 600, 1, 1, seed=7) != latency([1.0, 3.0], 600, 1, 1, seed=8)


def test_nothing_measured_is_no_latency() -> None:
    with pytest.raises(TooLittleDataError, match="generate images first"):
        latency([], 10, 1, 1, seed=0)


def test_a_light_queue_is_steady_and_a_heavy_one_says_that_it_is_not() -> None:
    """Half loaded, repeats agree. At 95 % the answer depends on the hour."""
    light = latency([2.0, 2.4], 900, 1, 1, seed=1)
    assert light.unsteady == ""
    assert light.spread < 0.1
    heavy = latency([2.0], 3600 * 0.475, 1, 1, seed=1)
    assert heavy.utilization == pytest.approx(0.95)
    assert "load of 95%" in heavy.unsteady
    assert heavy.requests > light.requests  # it tried harder before it gave up


def test_rare_slow_batches_make_repeats_disagree_and_that_is_told() -> None:
    """One batch in 2,000 takes half an hour: whoever meets it waits for hours."""
    durations = np.append(np.full(1999, 1.0), 1800.0)
    found = latency(durations, 900, 1, 1, seed=3)
    assert found.utilization < 0.9
    assert "repeats with other arrivals differ" in found.unsteady
