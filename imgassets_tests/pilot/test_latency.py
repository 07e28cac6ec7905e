"""Quantiles and rates with bounds: against theory, and where neighbours are alike."""

from __future__ import annotations

import math

import numpy as np
import pytest
from scipy import stats

from imgassets.decision.quantiles import quantile_lower, quantile_upper
from imgassets.pilot.latency import bounded_quantile, bounded_rate, dependence


def test_of_independent_values_the_bounds_are_those_of_order_statistics() -> None:
    values = np.random.default_rng(1).permutation(np.arange(1.0, 1001.0))
    if dependence(values > 950) > 1:  # by chance a neighbour or two
        values = np.random.default_rng(5).permutation(values)
    found = bounded_quantile(values, 0.95, 0.05)
    slack = 6 * math.sqrt(dependence(values > 950))
    assert found.value == 950
    assert found.upper == pytest.approx(quantile_upper(values, 0.95, 0.05), abs=slack)
    assert found.lower == pytest.approx(quantile_lower(values, 0.95, 0.05), abs=slack)


def test_the_lower_bound_lies_below_the_truth_as_often_as_it_says() -> None:
    rng = np.random.default_rng(2)
    truth = -math.log(0.05)
    below = [
        (quantile_lower(rng.exponential(1, 200), 0.95, 0.05) or 0) <= truth for _ in range(2000)
    ]
    assert np.mean(below) >= 0.94


@pytest.mark.parametrize("memory", [0.5, 0.9])
def test_dependence_of_a_markov_chain_is_the_known_one(memory: float) -> None:
    """Of a two-state chain that stays with correlation r a step, it is (1 + r) / (1 - r)."""
    rng = np.random.default_rng(3)
    share, state, states = 0.1, 0.0, []
    for draw, jump in zip(rng.random(200_000), rng.random(200_000), strict=True):
        state = state if jump < memory else float(draw < share)
        states.append(state)
    assert dependence(states) == pytest.approx((1 + memory) / (1 - memory), rel=0.1)


def test_where_neighbours_are_late_together_the_bounds_are_wider() -> None:
    rng = np.random.default_rng(4)
    values = np.repeat(rng.exponential(1, 100), 10)
    together, shuffled = (bounded_quantile(v, 0.9, 0.05) for v in (values, rng.permutation(values)))
    assert together.effective < 300 < shuffled.effective
    assert together.upper is None or together.upper > (shuffled.upper or 9)


def test_too_few_values_have_no_upper_bound_and_say_how_many_would() -> None:
    found = bounded_quantile(np.random.default_rng(1).exponential(1, 40), 0.99, 0.05)
    assert found.upper is None
    assert found.needed >= 299


def test_failed_requests_are_later_than_all() -> None:
    values = [1.0] * 90 + [math.inf] * 10
    rng = np.random.default_rng(1)
    found = bounded_quantile(rng.permutation(values), 0.95, 0.05)
    assert found.value is None
    assert bounded_quantile(rng.permutation(values), 0.5, 0.05).value == 1.0


def test_a_rate_has_clopper_and_pearsons_bounds() -> None:
    failed = [False] * 200
    assert bounded_rate(failed, 0.05).upper == pytest.approx(1 - 0.05 ** (1 / 200))
    failed = [i % 50 == 0 for i in range(200)]
    known = stats.binomtest(4, 200).proportion_ci(0.9)
    found = bounded_rate(failed, 0.05)
    assert (found.lower, found.upper) == pytest.approx((known.low, known.high), rel=0.01)
    assert bounded_rate([True] * 10, 0.05).upper == 1.0
