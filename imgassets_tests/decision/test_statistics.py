"""Bounds and p-values, against hand-computed cases and independent implementations."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from imgassets.decision.errors import TooLittleDataError
from imgassets.decision.statistics import (
    Estimate,
    Method,
    RateEstimate,
    cluster_bootstrap,
    design_effect,
    holm,
    wilson_interval,
)

ALPHAS = st.floats(0.001, 0.4)
SHARES = st.lists(st.sampled_from([0.0, 0.25, 0.5, 0.75, 1.0]), min_size=2, max_size=40)


def test_mean_bounds_by_hand() -> None:
    """Four prompts .1 .2 .3 .4: mean .25, sd .1291, se .06455, t(.95, 3) = 2.3534."""
    estimate = Estimate.of([0.1, 0.2, 0.3, 0.4], None)
    assert estimate.value == pytest.approx(0.25)
    assert estimate.se == pytest.approx(0.0645497)
    assert estimate.lower(0.05) == pytest.approx(0.25 - 2.353363 * 0.0645497, abs=1e-6)
    assert estimate.upper(0.05) == pytest.approx(0.25 + 2.353363 * 0.0645497, abs=1e-6)


@pytest.mark.parametrize("side", ["greater", "less"])
def test_p_values_agree_with_scipy(side: str) -> None:
    """The one-sided p-values are those of `scipy.stats.ttest_1samp`, to 1e-12."""
    values = np.random.default_rng(0).normal(0.3, 0.2, 37)
    estimate = Estimate.of(values, None)
    ours = estimate.p_at_least(0.25) if side == "greater" else estimate.p_at_most(0.25)
    assert ours == pytest.approx(
        stats.ttest_1samp(values, 0.25, alternative=side).pvalue, abs=1e-12
    )


@pytest.mark.parametrize("values", [[], [1.0]])
def test_too_little_data_raises(values: list[float]) -> None:
    """One prompt has no spread; it must never come out as standard error 0."""
    with pytest.raises(TooLittleDataError):
        Estimate.of(values, (0.0, 1.0))
    with pytest.raises(TooLittleDataError):
        cluster_bootstrap(values, 0.05, seed=0)


def test_no_requests_raise() -> None:
    with pytest.raises(TooLittleDataError):
        RateEstimate.of([], [])
    with pytest.raises(TooLittleDataError):
        wilson_interval(0, 0, quantile=1.6)


@pytest.mark.parametrize("n", [2, 30, 59, 299])
def test_unanimous_successes_get_the_exact_binomial_bound(n: int) -> None:
    """n of n right is Clopper-Pearson's lower bound, not certainty."""
    estimate = Estimate.of([1.0] * n, (0.0, 1.0))
    exact = stats.binomtest(n, n, alternative="greater").proportion_ci(0.95, "exact").low
    assert estimate.lower(0.05) == pytest.approx(exact, abs=1e-12)
    assert estimate.upper(0.05) == 1.0


def test_identical_differences_are_not_certain_either() -> None:
    """24 prompts without a difference: one in nine could still differ fully (.05 ** (1/24))."""
    estimate = Estimate.of([0.0] * 24, (-1.0, 1.0))
    assert estimate.lower(0.05) == pytest.approx(-(1 - 0.05 ** (1 / 24)))
    assert estimate.lower(0.05) < -0.1


@pytest.mark.parametrize(("n", "stands"), [(2, False), (28, False), (29, True)])
def test_a_constant_on_a_scale_without_ends_needs_29_prompts(n: int, stands: bool) -> None:
    """Fewer that agree leave room for a tenth of all prompts to be anywhere (.9 ** 28 = .052)."""
    estimate = Estimate.of([120.0] * n, None)
    assert (estimate.p_at_least(40) <= 0.05) is stands
    assert (estimate.lower(0.05) >= 40) is stands
    assert (estimate.p_at_most(200) <= 0.05) is stands
    assert (estimate.upper(0.05) <= 200) is stands
    assert estimate.p_at_least(130) == estimate.p_at_most(110) == 1.0


def test_a_fixed_price_stands_as_measured() -> None:
    estimate = Estimate.of([0.04] * 10, None, fixed=True)
    assert estimate.lower(0.05) == estimate.upper(0.05) == pytest.approx(0.04)
    assert estimate.p_at_most(0.05) == 0.0
    assert estimate.p_at_most(0.03) == 1.0


@pytest.mark.parametrize("method", ["t", "wilson"])
@given(values=SHARES, limit=st.floats(-0.2, 1.2), alpha=ALPHAS)
def test_bounds_and_p_values_never_contradict(
    method: Method, values: list[float], limit: float, alpha: float
) -> None:
    """`p_at_least(limit) <= alpha` exactly when `lower(alpha) >= limit`, and mirrored."""
    estimate = Estimate.of(values, (0.0, 1.0), method)
    if abs(estimate.lower(alpha) - limit) > 1e-9:
        assert (estimate.p_at_least(limit) <= alpha) == (estimate.lower(alpha) >= limit)
    if abs(estimate.upper(alpha) - limit) > 1e-9:
        assert (estimate.p_at_most(limit) <= alpha) == (estimate.upper(alpha) <= limit)
    assert 0.0 <= estimate.lower(alpha) <= estimate.value + 1e-12
    assert estimate.value - 1e-12 <= estimate.upper(alpha) <= 1.0


@given(
    count=st.integers(0, 30),
    others=st.integers(0, 200),
    limit=st.floats(0, 1),
    alpha=ALPHAS,
)
def test_rate_bounds_and_p_values_never_contradict(
    count: int, others: int, limit: float, alpha: float
) -> None:
    n = max(1, count + others)
    rate = RateEstimate(min(count, n), n, float(n))
    if abs(rate.lower(alpha) - limit) > 1e-9:
        assert (rate.p_at_least(limit) <= alpha) == (rate.lower(alpha) >= limit)
    if abs(rate.upper(alpha) - limit) > 1e-9:
        assert (rate.p_at_most(limit) <= alpha) == (rate.upper(alpha) <= limit)


@pytest.mark.parametrize(("count", "n"), [(0, 59), (1, 100), (7, 480), (100, 100)])
def test_rates_agree_with_scipy(count: int, n: int) -> None:
    """Without clusters the bounds are Clopper-Pearson's, to 1e-9."""
    rate = RateEstimate.of([True] * count + [False] * (n - count), np.arange(n))
    low = stats.binomtest(count, n, alternative="greater").proportion_ci(0.95, "exact").low
    high = stats.binomtest(count, n, alternative="less").proportion_ci(0.95, "exact").high
    assert rate.lower(0.05) == pytest.approx(low, abs=1e-9)
    assert rate.upper(0.05) == pytest.approx(high, abs=1e-9)


@pytest.mark.parametrize(("n", "limit"), [(59, 0.05), (299, 0.01)])
def test_rule_of_three(n: int, limit: float) -> None:
    """None in 59 bounds a rate at 5 %, none in 299 at 1 %; one fewer does not."""
    assert RateEstimate.of([False] * n, np.arange(n)).upper(0.05) <= limit
    assert RateEstimate.of([False] * (n - 1), np.arange(n - 1)).upper(0.05) > limit


def test_clustered_failures_count_for_less() -> None:
    """All four seeds of three prompts failing is three events, not twelve."""
    prompts = np.repeat(np.arange(50), 4)
    clustered = RateEstimate.of(prompts < 3, prompts)
    spread = RateEstimate.of(np.arange(200) % 17 == 0, prompts)
    assert clustered.count == spread.count == 12
    assert clustered.effective_n == pytest.approx(50, rel=0.05)
    assert clustered.upper(0.05) > spread.upper(0.05)
    assert design_effect(np.zeros(8), np.repeat(np.arange(4), 2)) == 1.0


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


@pytest.mark.parametrize(("truth", "prompts"), [(0.5, 40), (0.8, 40), (0.9, 80), (0.95, 200)])
def test_bounds_of_a_share_cover_at_their_level(truth: float, prompts: int) -> None:
    """95 % bounds on 4 seeds a prompt cover in 93 to 97 % of 1,500 simulated runs."""
    rng = np.random.default_rng(11)
    rates = rng.beta(2 * truth, 2 * (1 - truth), (1500, prompts))
    means = rng.binomial(4, rates) / 4
    estimates = [Estimate.of(run, (0.0, 1.0), "wilson") for run in means]
    assert 0.93 <= np.mean([e.lower(0.05) <= truth for e in estimates]) <= 0.97
    assert 0.93 <= np.mean([e.upper(0.05) >= truth for e in estimates]) <= 0.97


def test_bounds_of_a_difference_cover_at_their_level() -> None:
    """95 % t bounds of paired differences cover in 93 to 97 % of 1,500 simulated runs."""
    rng = np.random.default_rng(12)
    rates = rng.beta(1.4, 0.6, (1500, 60))
    better = np.clip(rates + 0.1, 0, 1)
    truth = float((better - rates).mean())
    differences = (rng.binomial(4, better) - rng.binomial(4, rates)) / 4
    estimates = [Estimate.of(run, (-1.0, 1.0)) for run in differences]
    assert 0.93 <= np.mean([e.lower(0.05) <= truth for e in estimates]) <= 0.97
    assert 0.93 <= np.mean([e.upper(0.05) >= truth for e in estimates]) <= 0.97
