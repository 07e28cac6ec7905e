"""Sample sizes, by hand and by simulation."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import stats

from imgassets.decision.power import agreeing_prompts_needed, prompts_needed, seeds_needed


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
