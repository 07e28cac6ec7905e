"""Criteria on seconds and money: measured by the batch, or a price by the image."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import pytest

from imgassets.decision import Comparison, compare, decide
from imgassets_tests.decision.made_up import BASE, NEW, Scores, endpoint, measured, pattern

SECONDS, USD = "cost.seconds", "cost.usd"
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


def test_lower_is_better_is_mirrored() -> None:
    """Seconds: a ceiling and a margin, both broken by being slower."""
    slow, fast = {SECONDS: pattern(2.0, 2.2)}, {SECONDS: pattern(1.0, 1.1)}
    criterion = {"metric": SECONDS, "ceiling": 3.0, "margin": 0.5}
    slower = run(criterion, slow, fast)
    assert row(slower)["state"] == "broken"
    assert "1.05 s above tiny-base; the contract allows 0.500 s" in decide(slower).sentence
    assert decide(run(criterion, fast, slow)).verdict == "GO"


@pytest.mark.parametrize(("ceiling", "expected"), [(2.2, "GO"), (2.1, "NO-GO")])
def test_worst_is_compared_as_it_is(ceiling: float, expected: str) -> None:
    """The slowest image alone decides, without error bars; the limit itself is allowed."""
    criterion = {"metric": SECONDS, "ceiling": ceiling, "statistic": "worst"}
    comparison = run(criterion, {SECONDS: pattern(1.0, 2.2)}, {SECONDS: pattern(9.0)})
    assert row(comparison)["estimate"] == 2.2
    assert row(comparison)["hard"] is True
    assert decide(comparison).verdict == expected


def test_seconds_of_one_batch_are_one_measurement() -> None:
    """The bound is that of four values."""
    new = {SECONDS: FOUR_BATCHES}
    spread = np.std([1.0, 1.1, 1.2, 1.3] * 10, ddof=1) / 2
    found = row(run({"metric": SECONDS, "ceiling": 2}, new, new))
    assert found["upper"] == pytest.approx(1.15 + 2.3534 * spread, rel=1e-4)  # t, 3 degrees


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
    assert found["upper"] == 0.3
    one_batch = base | {SECONDS: pattern(1.0)}
    assert row(run({"metric": USD, "margin": 0.1}, new, one_batch))["state"] == "undecided"
