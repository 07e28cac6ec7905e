"""The bound for every sample size: against known distributions, and what it promises."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import special, stats

from imgassets.decision.bounded import (
    grouped,
    lower_bound,
    p_above,
    weight_of_unseen,
    weighted_sum_above_zero,
)

SCORES = st.lists(st.integers(0, 20).map(lambda v: v / 20), min_size=2, max_size=40)


@pytest.mark.parametrize("limit", [0.01, 0.1, 0.5, 0.9, 0.99])
@pytest.mark.parametrize(("n", "right"), [(1, 1), (2, 1), (10, 9), (400, 1), (400, 399), (3000, 7)])
def test_weighted_sums_agree_with_the_beta_distribution(n: int, right: int, limit: float) -> None:
    """Zeros and ones and one more zero: P(Beta(right, n - right + 1) < limit), to 1e-8."""
    z = np.array([1.0 - limit, -limit])
    found = 1 - weighted_sum_above_zero(z, np.array([right, n - right + 1.0]))
    assert found == pytest.approx(special.betainc(right, n - right + 1, limit), abs=1e-8)


def test_weighted_sums_agree_with_random_weights() -> None:
    """Against 400,000 draws of the weights."""
    rng = np.random.default_rng(0)
    values = rng.uniform(0, 1, 50)
    weights = rng.dirichlet(np.ones(51), 400_000)
    for limit in (0.40, 0.45, 0.50):
        drawn = float((weights[:, :50] @ values <= limit).mean())
        z, shapes = np.append(values, 0.0) - limit, np.ones(51)
        assert 1 - weighted_sum_above_zero(z, shapes) == pytest.approx(drawn, abs=3e-3)


@settings(max_examples=200, deadline=None)
@given(
    scores=SCORES, which=st.integers(0, 39), worse=st.integers(1, 20), limit=st.floats(0.02, 0.98)
)
def test_a_worse_value_never_makes_the_evidence_better(
    scores: list[float], which: int, worse: int, limit: float
) -> None:
    """Not even where it makes the values agree better."""
    before = np.array(scores)
    after = before.copy()
    after[which % len(scores)] = max(0.0, after[which % len(scores)] - worse / 20)
    p, q = (p_above(*grouped(values), 0.0, limit) for values in (before, after))
    assert q >= p - 1e-9


@settings(max_examples=100, deadline=None)
@given(scores=SCORES, low=st.floats(0.02, 0.95), more=st.floats(0.001, 0.5))
def test_a_stricter_limit_is_harder_to_hold(scores: list[float], low: float, more: float) -> None:
    values = grouped(np.array(scores))
    assert p_above(*values, 0.0, low + more) >= p_above(*values, 0.0, low) - 1e-9


def test_the_bound_is_where_the_p_value_is_alpha() -> None:
    values = grouped(np.random.default_rng(1).beta(4, 1, 60))
    bound = lower_bound(*values, 0.0, 0.05)
    assert p_above(*values, 0.0, bound) == pytest.approx(0.05, abs=1e-6)
    assert lower_bound(*grouped(np.zeros(5)), 0.0, 0.05) == 0.0
    assert lower_bound(*values, 0.0, 0.0) == 0.0  # no alpha left: nothing is shown


def test_unanimous_values_are_bounded_exactly() -> None:
    """n of n right: Clopper and Pearson, alpha ** (1 / n)."""
    for n in (1, 5, 29, 59):
        found = lower_bound(*grouped(np.ones(n)), 0.0, 0.05)
        assert found == pytest.approx(0.05 ** (1 / n), abs=1e-7)
        exact = stats.binomtest(n, n, alternative="greater").proportion_ci(0.95, "exact").low
        assert found == pytest.approx(exact, abs=1e-7)


def test_the_unseen_weighs_less_only_where_losses_were_seen() -> None:
    assert weight_of_unseen(0) == weight_of_unseen(1) == 1.0
    assert weight_of_unseen(36) == pytest.approx(0.75)
    assert weight_of_unseen(1e6) == 0.5


@pytest.mark.parametrize("prompts", [5, 24, 80])
def test_rare_collapses_do_not_pass(prompts: int) -> None:
    """Scores that hardly differ but for a rare collapse: the truth is at the margin of 5 points."""
    rng = np.random.default_rng(3)
    go = 0
    for _ in range(400):
        lost = (rng.random(prompts) < 0.0625) * 0.8
        d = np.clip(rng.normal(0, 0.002, prompts) - lost, -1, 1)
        go += p_above(*grouped(d), -1.0, -0.05) <= 0.05
    assert go / 400 <= 0.07
