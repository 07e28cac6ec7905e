"""A mean corrected by people: by hand, beside ppi-python, and in both directions."""

from __future__ import annotations

import math

import numpy as np
import pytest

from imgassets.decision.people import LEAST, TRUSTED, Corrected, power_weight, trust
from imgassets.decision.statistics import ENDLESS, Estimate
from imgassets_tests.benchmarks.people_simulation import hostile, run_cell

SHARE = (0.0, 1.0)
_K = np.arange(80)
PEOPLE = ((7 * _K) % 10 < 6).astype(float)
JUDGE = np.where(_K % 6 == 0, 1 - PEOPLE, PEOPLE)
OTHERS = ((3 * np.arange(320)) % 10 < 7).astype(float)


def corrected(weight: float | None = None) -> Corrected:
    found = Corrected(PEOPLE, JUDGE, OTHERS, SHARE)
    if weight is not None:
        found.__dict__["weight"] = weight  # a cached property
    return found


def test_four_labels_by_hand() -> None:
    """people - w * judge is (0, 1 - w, 0, 1 - w), and the others' mean is 3/4."""
    people = judge = np.array([0.0, 1.0, 0.0, 1.0])
    others = np.array([1.0, 1.0, 1.0, 0.0])
    # cov 1/3 over 1/3 + (4 / 4) * 1/4
    weight = (1 / 3) / (1 / 3 + 1 / 4)
    assert power_weight(people, judge, others) == pytest.approx(weight)
    found = Corrected(people, judge, others, SHARE)
    weight *= (4 / TRUSTED) ** 2
    assert found.weight == pytest.approx(weight)
    assert found.value == pytest.approx(0.5 + weight * (0.75 - 0.5))
    parts = (1 - weight) ** 2 * (1 / 3) / 4, weight**2 * (1 / 4) / 4
    assert found.se == pytest.approx(math.sqrt(sum(parts)))


@pytest.mark.parametrize(
    ("weight", "value", "se"),
    [(0.0, 0.6, 0.054772255750516634), (0.4, 0.66, 0.045), (1.0, 0.75, 0.05303300858899108)],
)
def test_estimate_and_error_are_those_of_ppi_python(weight: float, value: float, se: float) -> None:
    """`ppi_mean_pointestimate` and `ppi_mean_ci` of ppi-python 0.2.3, which divides by n."""
    found = corrected(weight)
    assert found.value == pytest.approx(value, abs=1e-12)
    # 80 labels and 320 others: n - 1 in the denominators here.
    part = weight**2 * OTHERS.var() / 320
    ours = math.sqrt((se**2 - part) * 80 / 79 + part * 320 / 319)
    assert found.se == pytest.approx(ours, rel=1e-9)


def test_a_judge_that_agrees_leaves_the_estimate_and_narrows_it() -> None:
    judge = ((7 * np.arange(400)) % 10 < 6).astype(float)
    found = Corrected(judge[:100], judge[:100], judge[100:], SHARE)
    alone = Estimate.of(judge[:100], SHARE)
    assert found.value == pytest.approx(alone.value)
    assert alone.lower(0.05) < found.lower(0.05) < found.value
    assert alone.upper(0.05) > found.upper(0.05) > found.value
    assert found.se < 0.7 * alone.se


def test_a_judge_that_says_nothing_leaves_the_labels_alone() -> None:
    found = Corrected(PEOPLE, 1 - PEOPLE, OTHERS, SHARE)
    alone = Estimate.of(PEOPLE, SHARE)
    assert found.weight == 0
    assert found.lower(0.05) == alone.lower(0.05)
    assert found.p_at_least(0.5) == alone.p_at_least(0.5)


def test_agreement_of_all_labels_is_no_certainty() -> None:
    """No wider and no narrower than as many prompts that are all right: the rule of three."""
    ones = np.ones(60)
    found = Corrected(ones, ones, np.ones(340), SHARE)
    assert found.lower(0.05) == pytest.approx(0.05 ** (1 / 60))
    gaps = np.zeros(60)
    judge = np.where(np.arange(60) % 2, 0.5, -0.5)
    same = Corrected(judge, judge, np.tile([0.5, -0.5], 170), (-1.0, 1.0))
    nothing = Estimate.of(gaps, (-1.0, 1.0))
    assert same.weight > 0.8
    assert same.value - same.lower(0.05) > nothing.value - nothing.lower(0.05)


def test_a_biased_judge_is_put_right() -> None:
    """It calls every other bad image good; people say which."""
    rng = np.random.default_rng(5)
    people = (rng.random(400) < 0.5).astype(float)
    judge = np.maximum(people, (rng.random(400) < 0.5).astype(float))
    found = Corrected(people[:100], judge[:100], judge[100:], SHARE)
    assert judge.mean() > 0.7
    assert abs(found.value - 0.5) < 0.1
    assert found.lower(0.05) < 0.5 < found.upper(0.05)


def test_bounds_and_p_values_agree() -> None:
    found = corrected()
    for limit in (0.55, 0.6, 0.65):
        p = found.p_at_least(limit)
        assert found.lower(p + 1e-4) >= limit > found.lower(p - 1e-4)
    for limit in (0.72, 0.75, 0.8):
        p = found.p_at_most(limit)
        assert found.upper(p + 1e-4) <= limit < found.upper(p - 1e-4)
    assert found.p_at_least(0.99) == 1.0
    assert found.p_at_most(0.01) == 1.0


def test_few_labels_trust_the_judge_little() -> None:
    assert trust(LEAST) == pytest.approx((LEAST / TRUSTED) ** 2)
    assert trust(TRUSTED) == trust(10 * TRUSTED) == 1.0


def test_without_an_end_it_takes_enough_labels() -> None:
    few = Corrected(PEOPLE[:20], JUDGE[:20], OTHERS, ENDLESS)
    assert few.lower(0.05) == -math.inf
    assert few.upper(0.05) == math.inf
    assert few.p_at_least(-100) == few.p_at_most(100) == 1.0
    found = Corrected(PEOPLE, JUDGE, OTHERS, (0.0, None))
    assert math.isfinite(found.upper(0.05))
    assert 0 < found.lower(0.05) < found.value < found.upper(0.05)


def test_more_labels_come_nearer_until_all_are_labelled() -> None:
    found = corrected()
    grown = [found.of_size(n) for n in (80, 160, 320, 400)]
    reach = [each.value - each.lower(0.05) for each in grown]
    assert reach == sorted(reach, reverse=True)
    everyone = found.of_size(400)
    assert isinstance(everyone, Estimate)
    assert everyone.n == 400


def test_where_all_were_labelled_people_decide_alone() -> None:
    found = Corrected(PEOPLE, JUDGE, np.empty(0), SHARE)
    assert found.value == PEOPLE.mean()
    assert found.lower(0.05) == Estimate.of(PEOPLE, SHARE).lower(0.05)


@pytest.mark.parametrize("right", [0.6, 0.95])
def test_the_interval_covers_with_a_judge_that_prefers_one_model(right: float) -> None:
    """The quick version of docs/measurements/people.md; 300 runs err by 1.3 points."""
    for cell in run_cell("binary", right, (200, 60), 1, 300).values():
        assert cell.percent(cell.missed) < 8
        assert cell.percent(cell.too_high) < 9
    difference = run_cell("binary", right, (200, 60), 4, 100)["difference"]
    assert difference.percent(difference.naive_missed) > 10


def test_a_judge_that_is_wrong_just_where_it_matters_approves_little() -> None:
    assert hostile(60, 0.1, 0.05, 300, seeds=1) < 9
