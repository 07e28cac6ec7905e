"""Bounds and p-values, against hand-computed cases and independent implementations."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from imgassets.decision.errors import TooLittleDataError
from imgassets.decision.statistics import (
    ENDLESS,
    Difference,
    Estimate,
    cluster_bootstrap,
    holm,
    wilson_interval,
)
from imgassets.documents.scale_ends import Ends

ALPHAS = st.floats(0.001, 0.4)
SHARES = st.lists(st.sampled_from([0.0, 0.25, 0.5, 0.75, 1.0]), min_size=2, max_size=40)
SHARE: Ends = (0.0, 1.0)


def test_mean_bounds_by_hand() -> None:
    """Four batches .1 .2 .3 .4: mean .25, sd .1291, se .06455, t(.95, 3) = 2.3534."""
    estimate = Estimate.of([0.1, 0.2, 0.3, 0.4], ENDLESS, least=2)
    assert estimate.value == pytest.approx(0.25)
    assert estimate.se == pytest.approx(0.0645497)
    assert estimate.lower(0.05) == pytest.approx(0.25 - 2.353363 * 0.0645497, abs=1e-6)
    assert estimate.upper(0.05) == pytest.approx(0.25 + 2.353363 * 0.0645497, abs=1e-6)


@pytest.mark.parametrize("side", ["greater", "less"])
def test_p_values_agree_with_scipy(side: str) -> None:
    """The one-sided p-values are those of `scipy.stats.ttest_1samp`, to 1e-12."""
    values = np.random.default_rng(0).normal(0.3, 0.2, 37)
    estimate = Estimate.of(values, ENDLESS)
    ours = estimate.p_at_least(0.25) if side == "greater" else estimate.p_at_most(0.25)
    assert ours == pytest.approx(
        stats.ttest_1samp(values, 0.25, alternative=side).pvalue, abs=1e-12
    )


@pytest.mark.parametrize("values", [[], [1.0]])
def test_too_little_data_raises(values: list[float]) -> None:
    """One prompt has no spread; it must never come out as standard error 0."""
    with pytest.raises(TooLittleDataError):
        Estimate.of(values, SHARE)
    with pytest.raises(TooLittleDataError):
        cluster_bootstrap(values, 0.05, seed=0)


def test_no_trials_raise() -> None:
    with pytest.raises(TooLittleDataError):
        Estimate.of([], SHARE, fewest=1)
    with pytest.raises(TooLittleDataError):
        wilson_interval(0, 0, quantile=1.6)


@pytest.mark.parametrize("n", [2, 30, 59, 299])
def test_unanimous_successes_get_the_exact_binomial_bound(n: int) -> None:
    """n of n right is Clopper-Pearson's lower bound, not certainty."""
    estimate = Estimate.of([1.0] * n, SHARE)
    exact = stats.binomtest(n, n, alternative="greater").proportion_ci(0.95, "exact").low
    assert estimate.lower(0.05) == pytest.approx(exact, abs=1e-7)
    assert estimate.upper(0.05) == 1.0


def test_identical_differences_are_not_certain_either() -> None:
    """24 prompts without a difference: one in nine could still differ fully (.05 ** (1/24))."""
    estimate = Estimate.of([0.0] * 24, (-1.0, 1.0))
    assert estimate.lower(0.05) == pytest.approx(-(1 - 0.05 ** (1 / 24)), abs=1e-7)
    assert estimate.lower(0.05) < -0.1


@pytest.mark.parametrize("spread", [0.0, 1e-6, 1.0])
@pytest.mark.parametrize(("n", "stands"), [(2, False), (28, False), (29, True)])
def test_a_scale_without_ends_needs_29_prompts_whatever_their_spread(
    n: int, stands: bool, spread: float
) -> None:
    """Fewer leave room for a tenth of all prompts to be anywhere (.9 ** 28 = .052)."""
    estimate = Estimate.of(120.0 + spread * (np.arange(n) % 2), ENDLESS)
    assert (estimate.p_at_least(40) <= 0.05) is stands
    assert (estimate.lower(0.05) >= 40) is stands
    assert (estimate.p_at_most(200) <= 0.05) is stands
    assert (estimate.upper(0.05) <= 200) is stands
    assert estimate.p_at_least(130) > 0.5
    assert estimate.p_at_most(110) > 0.5


@given(values=SHARES, limit=st.floats(-0.2, 1.2), alpha=ALPHAS)
def test_bounds_and_p_values_never_contradict(
    values: list[float], limit: float, alpha: float
) -> None:
    """`p_at_least(limit) <= alpha` exactly when `lower(alpha) >= limit`, and mirrored."""
    estimate = Estimate.of(values, SHARE)
    if abs(estimate.lower(alpha) - limit) > 1e-6:
        assert (estimate.p_at_least(limit) <= alpha) == (estimate.lower(alpha) >= limit)
    if abs(estimate.upper(alpha) - limit) > 1e-6:
        assert (estimate.p_at_most(limit) <= alpha) == (estimate.upper(alpha) <= limit)
    assert 0.0 <= estimate.lower(alpha) <= estimate.upper(alpha) <= 1.0


@pytest.mark.parametrize(("n", "limit"), [(59, 0.05), (299, 0.01)])
def test_rule_of_three(n: int, limit: float) -> None:
    """None in 59 bounds a rate at 5 %, none in 299 at 1 %; one fewer does not."""
    assert Estimate.of([0.0] * n, SHARE).upper(0.05) <= limit
    assert Estimate.of([0.0] * (n - 1), SHARE).upper(0.05) > limit


@pytest.mark.parametrize(("count", "n"), [(1, 100), (3, 480), (12, 12)])
def test_shares_of_zeros_and_ones_agree_with_clopper_and_pearson(count: int, n: int) -> None:
    """Both bounds, to 1e-7, as long as less than one whole loss was seen below the bound."""
    estimate = Estimate.of([1.0] * (n - count) + [0.0] * count, SHARE)
    low, high = (
        1 - np.array(stats.binomtest(count, n).proportion_ci(0.90, "exact"), dtype=np.float64)[::-1]
    )
    assert estimate.upper(0.05) == pytest.approx(high, abs=2e-3)
    assert estimate.lower(0.05) == pytest.approx(low, abs=2e-3)


def test_welch_agrees_with_scipy() -> None:
    """Where no ends are known the difference of two means is Welch's t, to 1e-9."""
    rng = np.random.default_rng(3)
    ours, theirs = rng.normal(1.0, 0.2, 12), rng.normal(0.9, 0.4, 7)
    found = Difference(Estimate.of(ours, ENDLESS, least=2), Estimate.of(theirs, ENDLESS, least=2))
    p = stats.ttest_ind(ours, theirs, equal_var=False).pvalue / 2
    assert found.p_at_least(0.0) == pytest.approx(p, abs=1e-7)
    assert found.lower(p) == pytest.approx(0.0, abs=1e-6)
    ends = stats.ttest_ind(ours, theirs, equal_var=False).confidence_interval(0.90)
    assert (found.lower(0.05), found.upper(0.05)) == pytest.approx((ends.low, ends.high), abs=1e-9)


def test_a_difference_of_certain_costs_is_certain() -> None:
    """Two list prices: nothing to err about."""
    dear, cheap = (Estimate.of([v, v], (v, v)) for v in (0.3, 0.2))
    found = Difference(dear, cheap)
    assert found.upper(0.05) == pytest.approx(0.1)
    assert found.p_at_most(0.1 + 1e-9) == 0.0
    assert found.p_at_most(0.05) == 1.0


@pytest.mark.parametrize(("count", "n"), [(0, 10), (3, 10), (10, 10), (212, 240)])
def test_wilson_agrees_with_scipy(count: int, n: int) -> None:
    interval = stats.binomtest(count, n).proportion_ci(0.90, "wilson")
    z = stats.norm.ppf(0.95)
    assert wilson_interval(count / n, n, quantile=z) == pytest.approx(
        (interval.low, interval.high), abs=1e-12
    )


def test_bootstrap_agrees_with_scipy() -> None:
    """Both ends within 3 % of the interval's width of `scipy.stats.bootstrap`."""
    values = np.random.default_rng(1).normal(0, 1, 60)
    low, high = cluster_bootstrap(values, 0.05, seed=2, resamples=20_000)
    theirs = stats.bootstrap(
        (values,), np.mean, confidence_level=0.9, n_resamples=20_000, method="percentile", rng=3
    ).confidence_interval
    width = theirs.high - theirs.low
    assert low == pytest.approx(theirs.low, abs=0.03 * width)
    assert high == pytest.approx(theirs.high, abs=0.03 * width)


def test_bootstrap_is_repeatable() -> None:
    values = np.random.default_rng(1).normal(0, 1, 20)
    assert cluster_bootstrap(values, 0.05, seed=7) == cluster_bootstrap(values, 0.05, seed=7)
    assert cluster_bootstrap(values, 0.05, seed=7) != cluster_bootstrap(values, 0.05, seed=8)


def test_holm_by_hand() -> None:
    """p = .01 .04 .03 .005 become .03 .06 .06 .02 (Holm 1979's step-down)."""
    assert holm([0.01, 0.04, 0.03, 0.005]) == pytest.approx([0.03, 0.06, 0.06, 0.02])
    assert holm([]) == []
    assert holm([0.9, 0.8]) == [1.0, 1.0]


@pytest.mark.parametrize(("truth", "prompts"), [(0.5, 40), (0.8, 40), (0.95, 200), (0.99, 24)])
def test_bounds_of_a_share_cover_at_their_level(truth: float, prompts: int) -> None:
    """95 % bounds on 4 seeds a prompt cover in at least 95 % of 600 simulated runs."""
    rng = np.random.default_rng(11)
    rates = rng.beta(2 * truth, 2 * (1 - truth), (600, prompts))
    means = rng.binomial(4, rates) / 4
    estimates = [Estimate.of(run, SHARE) for run in means]
    assert np.mean([e.p_at_least(truth) > 0.05 for e in estimates]) >= 0.935
    assert np.mean([e.p_at_most(truth) > 0.05 for e in estimates]) >= 0.935
