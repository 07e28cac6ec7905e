"""Criteria on seconds and money: measured by the batch, or a price by the image."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import pytest
from scipy import stats

from imgassets.decision import Comparison, Measured, compare, decide
from imgassets_tests.decision.factories import BASE, NEW, Scores, endpoint, measured, pattern

SECONDS, USD = "cost.seconds", "cost.usd"
#: Level of the first look.
ALPHA = 0.0475
#: 40 prompts in four batches.
FOUR_BATCHES = pattern(1.0, 1.1, 1.2, 1.3)


def run(
    criterion: Mapping[str, Any], new: Mapping[str, Scores], base: Mapping[str, Scores]
) -> Comparison:
    """Compares two models on one criterion, 40 prompts."""
    return compare(
        endpoint([criterion]), measured(NEW, new, range(40)), measured(BASE, base, range(40))
    )


def row(comparison: Comparison) -> dict[str, Any]:
    return comparison.records()[0]


def batches(low: float, sd: float, count: int, seed: int, size: int = 4) -> Scores:
    """Seconds of `count` batches, each shared by `size` images."""
    values = np.random.default_rng(seed).normal(low, sd, count)
    return lambda p, s: float(values[(2 * p + s - 1) // size % count])


def test_lower_is_better_is_mirrored() -> None:
    """Seconds: a ceiling and a margin, both broken by being slower."""
    slow, fast = {SECONDS: batches(2.0, 0.1, 20, 1)}, {SECONDS: batches(1.0, 0.1, 20, 2)}
    criterion = {"metric": SECONDS, "ceiling": 3.0, "margin": 0.5}
    slower = run(criterion, slow, fast)
    assert row(slower)["state"] == "broken"
    assert "1.01 s above tiny-base (0.995 s)" in decide(slower).sentence
    assert "the contract allows 0.500 s" in decide(slower).sentence
    limits = [criterion, {"metric": SECONDS, "ceiling": 3.0, "statistic": "worst"}]
    assert decide(compare(endpoint(limits), *both(fast, slow))).verdict == "GO"


def both(new: Mapping[str, Scores], base: Mapping[str, Scores]) -> tuple[Measured, Measured]:
    return measured(NEW, new, range(40)), measured(BASE, base, range(40))


@pytest.mark.parametrize(("ceiling", "expected"), [(2.2, "GO"), (2.1, "NO-GO")])
def test_worst_is_compared_as_it_is(ceiling: float, expected: str) -> None:
    """The slowest image alone decides, without error bars; the limit itself is allowed."""
    criterion = {"metric": SECONDS, "ceiling": ceiling, "statistic": "worst"}
    comparison = run(criterion, {SECONDS: pattern(1.0, 2.2)}, {SECONDS: pattern(9.0)})
    assert row(comparison)["estimate"] == 2.2
    assert row(comparison)["hard"] is True
    assert decide(comparison).verdict == expected


def test_seconds_of_one_batch_are_one_measurement() -> None:
    """Four batches, whatever prompts and seeds are in them; a mean of 3 s is shown to be too much
    by t with 3 degrees of freedom."""
    new = {SECONDS: FOUR_BATCHES}
    found = row(run({"metric": SECONDS, "ceiling": 1.0}, new, new))
    spread = np.std([1.0, 1.1, 1.2, 1.3], ddof=1) / 2
    t = 1.15 - stats.t.ppf(1 - ALPHA, 3) * spread
    assert found["lower"] == pytest.approx(t, abs=1e-9)


def test_seeds_in_other_batches_are_no_further_measurements() -> None:
    """Every prompt's mean over two seeds is of two batches; there are ten batches all the same."""
    values = np.random.default_rng(3).normal(1.0, 0.15, 10)
    new = {SECONDS: lambda p, s: float(values[p // 8 + 5 * (s - 1)])}
    base = {SECONDS: lambda p, s: 0.5 + 0.001 * (p % 7)}
    found = row(run({"metric": SECONDS, "ceiling": 0.9}, new, base))
    expected = values.mean() - stats.t.ppf(1 - ALPHA, 9) * values.std(ddof=1) / np.sqrt(10)
    assert found["lower"] == pytest.approx(expected, abs=1e-9)


def test_a_rare_slow_image_could_hide_without_a_worst_limit() -> None:
    """Far below the ceiling, and still nobody knows how slow the slowest of a thousand is."""
    new = {SECONDS: batches(1.0, 0.1, 20, 1)}
    verdict = decide(run({"metric": SECONDS, "ceiling": 5}, new, new))
    assert verdict.verdict == "INCONCLUSIVE"
    assert verdict.sentence.endswith(
        "Say in the contract how bad a single image may be: add `budget.worst_seconds`."
    )
    limits = [{"metric": SECONDS, "ceiling": 5},
              {"metric": SECONDS, "ceiling": 20, "statistic": "worst"}]  # fmt: skip
    assert decide(compare(endpoint(limits), *both(new, new))).verdict == "GO"


def test_money_that_follows_the_seconds_ends_where_they_end() -> None:
    """A dollar an hour: the slowest image allowed costs in proportion."""
    seconds = batches(1.0, 0.1, 20, 1)
    new = {SECONDS: seconds, USD: lambda p, s: seconds(p, s) / 3600}
    limits = [{"metric": USD, "ceiling": 0.002},
              {"metric": SECONDS, "ceiling": 20, "statistic": "worst"}]  # fmt: skip
    assert decide(compare(endpoint(limits), *both(new, new))).verdict == "GO"
    assert decide(compare(endpoint(limits[:1]), *both(new, new))).verdict == "INCONCLUSIVE"


def test_memory_is_compared_as_it_is() -> None:
    """The highest of all images, without error bars: equal models hold any margin."""
    new = {"cost.peak_memory": pattern(500.0, 512.0)}
    found = run({"metric": "cost.peak_memory", "margin": 10, "ceiling": 512}, new, new)
    assert row(found)["estimate"] == 512
    assert row(found)["hard"] is True
    assert decide(found).verdict == "GO"
    more = {"cost.peak_memory": pattern(500.0, 523.0)}
    assert decide(run({"metric": "cost.peak_memory", "margin": 10}, more, new)).verdict == "NO-GO"


@pytest.mark.parametrize("metric", [SECONDS, USD])
def test_a_single_batch_shows_nothing(metric: str) -> None:
    """All prompts took equally long because they were made together; so did what that cost."""
    new = {SECONDS: pattern(1.0), USD: pattern(0.001)}
    found = row(run({"metric": metric, "ceiling": 2}, new, new))
    assert found["state"] == "undecided"


def test_a_price_by_the_image_is_certain() -> None:
    """It stays the same though seconds differ; 10 cents more with a margin of 10 cents holds."""
    new = {SECONDS: FOUR_BATCHES, USD: pattern(0.3)}
    base = {SECONDS: FOUR_BATCHES, USD: pattern(0.2)}
    found = row(run({"metric": USD, "ceiling": 0.3, "margin": 0.1}, new, base))
    assert found["state"] == "passed"
    assert found["upper"] == pytest.approx(0.3)
    one_batch = base | {SECONDS: pattern(1.0)}
    assert row(run({"metric": USD, "margin": 0.1}, new, one_batch))["state"] == "undecided"


def test_times_that_nobody_told_are_unknown_and_not_0() -> None:
    """Neither a limit nor a margin holds, no sentence calls the model faster; a price is known."""
    criterion = {"metric": SECONDS, "ceiling": 9, "margin": 1}
    untold: dict[str, Scores] = {SECONDS: lambda p, s: float("nan"), USD: lambda p, s: 0.04}
    told: dict[str, Scores] = {SECONDS: FOUR_BATCHES, USD: lambda p, s: 0.08}
    comparison = run(criterion, untold, told)
    found = row(comparison)
    assert (found["state"], found["estimate"]) == ("undecided", None)
    assert "no manifest tells it of these images" in found["reason"]
    assert "faster" not in decide(comparison).sentence
    priced = row(run({"metric": USD, "ceiling": 0.05, "margin": 0.01}, untold, told))
    assert (priced["state"], priced["estimate"]) == ("passed", 0.04)
