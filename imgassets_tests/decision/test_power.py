"""Sample sizes, by hand and by simulation."""

from __future__ import annotations

import numpy as np
import pytest

from imgassets.decision.needed_data import prompts_needed
from imgassets.decision.power import MOST_PROMPTS, seeds_needed
from imgassets.decision.statistics import ENDLESS, Estimate
from imgassets.documents.scale_ends import Ends

SHARE: Ends = (0.0, 1.0)


def test_planned_prompts_by_hand_where_t_decides() -> None:
    """sd .4, distance .05, alpha .05, power .8: (1.6449 + .8416)^2 .16 / .0025 = 395.7."""
    values = 0.55 + 0.4 * np.array([1.0, -1.0] * 50) * np.sqrt(99 / 100)
    found = prompts_needed(Estimate.of(values, ENDLESS), 0.5, 0.05, above=True)
    assert found == pytest.approx(396, abs=4)  # t has slightly wider tails than the normal


@pytest.mark.parametrize("limit", [0.55, 0.55 - 1e-6])
def test_on_the_limit_no_practical_number_settles_it(limit: float) -> None:
    estimate = Estimate.of([1.0] * 55 + [0.0] * 45, SHARE)
    assert prompts_needed(estimate, limit, 0.05, above=True) is None
    assert MOST_PROMPTS == 10_000


@pytest.mark.parametrize(("rate", "n"), [(0.05, 59), (0.01, 299)])
def test_unanimous_prompts_needed(rate: float, n: int) -> None:
    """None of so many failed: the rule of three, exactly."""
    none = Estimate.of([0.0] * 10, SHARE)
    assert prompts_needed(none, rate, 0.05, above=False) == n


@pytest.mark.parametrize(
    ("rate", "limit"), [(0.01, 0.02), (0.05, 0.02), (0.3, 0.2), (0.98, 0.95), (0.7, 0.75)]
)
def test_planned_prompts_reach_the_planned_power(rate: float, limit: float) -> None:
    """Simulated with the bounds that decide; planned for 80 %, which is a step function."""
    wins = round(1000 * rate)
    estimate = Estimate.of([1.0] * wins + [0.0] * (1000 - wins), SHARE)
    above = rate > limit
    n = prompts_needed(estimate, limit, 0.05, above=above)
    assert n is not None
    settled = []
    for count in np.random.default_rng(7).binomial(n, rate, 600):
        drawn = Estimate.of([1.0] * count + [0.0] * (n - count), SHARE)
        settled.append((drawn.p_at_least if above else drawn.p_at_most)(limit) <= 0.05)
    assert 0.72 < np.mean(settled) < 0.90


def test_more_seeds_help_only_against_noise_within_prompts() -> None:
    """Where prompts themselves differ too much, no number of seeds settles it."""
    assert seeds_needed(between=0.0, within=0.2, prompts=100, distance=0.05, alpha=0.05) == 5
    assert seeds_needed(between=0.2, within=0.2, prompts=50, distance=0.05, alpha=0.05) is None
    assert seeds_needed(between=0.0, within=0.2, prompts=100, distance=0.0, alpha=0.05) is None
