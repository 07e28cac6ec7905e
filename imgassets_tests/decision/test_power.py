"""Sample sizes, by hand and by simulation."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import stats

from imgassets.decision.power import (
    agreeing_prompts_needed,
    prompts_needed,
    requests_needed,
    seeds_needed,
)
from imgassets.decision.statistics import Estimate, RateEstimate


def test_prompts_needed_by_hand() -> None:
    """sd .4, distance .05, alpha .05, power .8: (1.6449 + .8416)^2 .16 / .0025 = 395.7."""
    assert prompts_needed(0.4, 0.05, 0.05) == 396
    assert prompts_needed(0.4, 0.0, 0.05) is None
    assert prompts_needed(0.4, 0.0001, 0.05) is None


def test_planned_prompts_reach_the_planned_power() -> None:
    """A run of the planned size settles it in about 80 % of simulated runs."""
    sd, distance = 0.3, 0.08
    n = prompts_needed(sd, distance, 0.05)
    draws = np.random.default_rng(5).normal(0, sd, (4000, n))
    half = stats.t.ppf(0.95, n - 1) * draws.std(1, ddof=1) / np.sqrt(n)
    assert np.mean(draws.mean(1) - half >= -distance) == pytest.approx(0.8, abs=0.03)


@pytest.mark.parametrize(("rate", "n"), [(0.05, 59), (0.01, 299)])
def test_unanimous_prompts_needed(rate: float, n: int) -> None:
    assert agreeing_prompts_needed(1 - rate, 0.05) == n


def test_ends_of_the_scale() -> None:
    assert agreeing_prompts_needed(0.0, 0.05) == 1
    assert agreeing_prompts_needed(1.0, 0.05) is None


def test_more_seeds_help_only_against_noise_within_prompts() -> None:
    """Where prompts themselves differ too much, no number of seeds settles it."""
    assert seeds_needed(between=0.0, within=0.2, prompts=100, distance=0.05, alpha=0.05) == 5
    assert seeds_needed(between=0.2, within=0.2, prompts=50, distance=0.05, alpha=0.05) is None
    assert seeds_needed(between=0.0, within=0.2, prompts=100, distance=0.0, alpha=0.05) is None


@pytest.mark.parametrize(
    ("rate", "limit"), [(0.01, 0.02), (0.003, 0.01), (0.005, 0.02), (0.05, 0.02), (0.3, 0.2)]
)
def test_that_many_requests_settle_a_failure_rate_in_four_of_five_runs(
    rate: float, limit: float
) -> None:
    """Simulated with the bounds that decide; power is planned for 80 %, and is a step function."""
    n = requests_needed(rate, limit, 0.05)
    assert n is not None
    found = [
        RateEstimate(int(count), n, float(n))
        for count in np.random.default_rng(7).binomial(n, rate, 2000)
    ]
    settled = [(e.p_at_most if rate < limit else e.p_at_least)(limit) <= 0.05 for e in found]
    assert 0.78 < np.mean(settled) < 0.90


def test_no_practical_number_of_requests() -> None:
    assert requests_needed(0.019999, 0.02, 0.05) is None


def test_wilson_needs_more_prompts_than_t_where_the_limit_spreads_more() -> None:
    """98 % against a floor of 95 %: at the floor scores would spread half as much again."""
    estimate = Estimate.of([1.0] * 98 + [0.0] * 2, (0.0, 1.0), "wilson")
    plain = prompts_needed(estimate.sd, 0.03, 0.05)
    planned = prompts_needed(estimate.sd, 0.03, 0.05, sd_at_limit=estimate.sd_at(0.95))
    assert planned > 1.5 * plain
    rng = np.random.default_rng(7)
    drawn = (rng.random((1000, planned)) < 0.98).astype(float)
    shown = [Estimate.of(d, (0.0, 1.0), "wilson").p_at_least(0.95) <= 0.05 for d in drawn]
    assert 0.75 < np.mean(shown) < 0.90
