"""Arrivals have the mean and the variance that their shape promises, and come again by seed."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from imgassets.documents.pilot import Pilot
from imgassets.pilot.arrivals import NoArrivalsError, arrivals

RATE = 5.0


def of(shape: dict[str, Any] | None, **more: Any) -> np.ndarray:
    return arrivals(Pilot.model_validate({"shape": shape, **more}), RATE)


@pytest.mark.parametrize(
    ("shape", "variance"),
    [
        (None, 1.0),
        ({"kind": "poisson"}, 1.0),
        ({"kind": "gamma", "burstiness": 4}, 4.0),
        ({"kind": "gamma", "burstiness": 0.25}, 0.25),
    ],
)
def test_gaps_have_the_mean_and_variance_of_their_shape(shape: Any, variance: float) -> None:
    gaps = np.diff(of(shape, requests=200_000, seed=3)) * RATE
    assert gaps.mean() == pytest.approx(1.0, abs=0.02)
    assert gaps.var() == pytest.approx(variance, rel=0.05)


def test_bursts_keep_the_rate_and_have_the_known_variance_of_counts() -> None:
    """Interrupted Poisson: 1 + 2 * peak * r_on / (r_on + r_off)**2, here 1 + 2 * 20 * .5 / .4."""
    shape = {"kind": "on_off", "on_seconds": 2, "off_seconds": 6}
    window = 200.0
    times = of(shape, requests=1_000_000, seed=1)
    seconds = times[-1] // window * window
    assert len(times) / times[-1] == pytest.approx(RATE, rel=0.02)
    times = times[times < seconds]
    counts = np.bincount((times // window).astype(int), minlength=int(seconds / window))
    r_on, r_off, peak = 1 / 2, 1 / 6, RATE * 4
    long = 1 + 2 * peak * r_on / (r_on + r_off) ** 2
    # In a window of t the dispersion is smaller by (1 - exp(-(r_on + r_off) t)) / ((..) t).
    total = r_on + r_off
    short = (long - 1) * (1 - (1 - np.exp(-total * window)) / (total * window)) + 1
    assert counts.var() / counts.mean() == pytest.approx(short, rel=0.1)


def test_within_bursts_it_is_busier_than_the_mean_and_silent_between() -> None:
    times = of({"kind": "on_off", "on_seconds": 5, "off_seconds": 45}, seconds=50_000, seed=2)
    gaps = np.diff(times)
    assert np.median(gaps) < 1 / RATE / 5
    assert gaps.max() > 60


@pytest.mark.parametrize("shape", [None, {"kind": "on_off", "on_seconds": 2, "off_seconds": 2}])
def test_the_same_seed_gives_the_same_times_and_another_others(shape: Any) -> None:
    first, again, other = (of(shape, seconds=100, seed=seed) for seed in (7, 7, 8))
    assert np.array_equal(first, again)
    assert not np.array_equal(first, other)
    assert (np.diff(first) >= 0).all()
    assert first[-1] < 100


def test_as_many_come_as_were_asked_for() -> None:
    for shape in (None, {"kind": "on_off", "on_seconds": 1, "off_seconds": 3}):
        assert len(of(shape, requests=1234)) == 1234


def test_a_time_in_which_nothing_comes_is_told() -> None:
    with pytest.raises(NoArrivalsError, match=r"pilot\.seconds"):
        arrivals(Pilot(seconds=1, seed=1), 1e-6)
