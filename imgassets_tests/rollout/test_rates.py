"""P-values of one arm failing more often than another: exact, and level-holding near 0 and 1."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import stats

from imgassets.rollout.rates import (
    Arm,
    at_least,
    clumping,
    lower_rate,
    p_above,
    p_slower,
    p_worse,
    upper_rate,
)

LEVEL = 0.01


@pytest.mark.parametrize(
    ("x", "n", "known", "others"), [(7, 100, 20, 900), (0, 9, 3, 4), (9, 9, 0, 9)]
)
def test_without_a_margin_it_is_fishers_exact_test(x: int, n: int, known: int, others: int) -> None:
    ours, theirs = Arm(n, x), Arm(others, known)
    expected = stats.fisher_exact([[x, n - x], [known, others - known]], "greater").pvalue
    assert p_worse(ours, theirs, 0.0, LEVEL) == pytest.approx(expected, abs=1e-9)


def test_a_margin_is_judged_at_the_lowest_rate_the_incumbent_may_have() -> None:
    part = 0.1 * LEVEL
    low = stats.binomtest(200, 10_000).proportion_ci(1 - 2 * part, "exact").low
    odds = (low + 0.01) / (1 - low - 0.01) * (1 - low) / low
    share = stats.nchypergeom_fisher.sf(59, 11_000, 260, 1000, odds)
    found = p_worse(Arm(1000, 60), Arm(10_000, 200), 0.01, LEVEL)
    assert found == pytest.approx(2 * share + part, rel=1e-6)


def test_bounds_and_tails_agree_with_a_second_implementation() -> None:
    interval = stats.binomtest(3, 80).proportion_ci(0.9, "exact")
    assert lower_rate(3, 80, 0.05) == pytest.approx(interval.low, abs=1e-12)
    assert upper_rate(3, 80, 0.05) == pytest.approx(interval.high, abs=1e-12)
    assert at_least(4, 50, 0.02) == pytest.approx(stats.binom.sf(3, 50, 0.02), abs=1e-12)
    assert (lower_rate(0, 80, 0.05), upper_rate(80, 80, 0.05)) == (0.0, 1.0)


def test_one_failure_among_few_requests_is_no_news() -> None:
    assert p_worse(Arm(50, 1), Arm(5000, 5), 0.0, 0.001) > 0.05


def test_a_candidate_that_collapses_is_seen_beside_an_incumbent_that_never_fails() -> None:
    assert p_worse(Arm(100, 60), Arm(900, 0), 0.01, LEVEL) < LEVEL


def test_an_empty_arm_proves_nothing() -> None:
    assert p_worse(Arm(0, 0), Arm(100, 3), 0.0, LEVEL) == 1.0
    assert p_worse(Arm(100, 90), Arm(0, 0), 0.0, LEVEL) == 1.0
    assert p_above(Arm(0, 0), 0.1) == p_slower(Arm(0, 0), 0.95) == 1.0


@pytest.mark.parametrize("rate", [0.001, 0.02, 0.98])
@pytest.mark.parametrize("sizes", [(50, 5000), (300, 2700), (500, 500)])
@pytest.mark.parametrize("margin", [0.0, 0.005])
def test_the_level_holds_at_the_margin(rate: float, sizes: tuple[int, int], margin: float) -> None:
    """All outcomes, weighted by their probability; no simulation."""
    n, others = sizes
    x, known = (np.arange(k + 1) for k in sizes)
    ours, theirs = stats.binom.pmf(x, n, rate + margin), stats.binom.pmf(known, others, rate)
    likely = [(a, b) for a in x[ours > 1e-7] for b in known[theirs > 1e-7]]
    wrong = sum(
        ours[a] * theirs[b]
        for a, b in likely
        if p_worse(Arm(n, int(a)), Arm(others, int(b)), margin, LEVEL) <= LEVEL
    )
    assert wrong <= LEVEL + 1e-4


def test_a_user_who_fails_five_times_is_one_piece_of_news() -> None:
    assert clumping(5, 25) == 5.0
    assert clumping(5, 5) == clumping(0, 0) == 1.0
    single = p_worse(Arm(1000, 30), Arm(9000, 120), 0.0, LEVEL)
    clumped = p_worse(Arm(1000, 30, clumping=5.0), Arm(9000, 120), 0.0, LEVEL)
    assert single < LEVEL < clumped


def test_slow_requests_bound_a_quantile() -> None:
    assert p_slower(Arm(1000, 0, slow=80, timed=1000), 0.95) < 1e-4
    assert p_slower(Arm(1000, 0, slow=50, timed=1000), 0.95) > 0.4
