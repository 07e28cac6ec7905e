"""What a GO says: what was won, what was nearly lost, and how much of it was looked at."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import pytest

from imgassets.decision import Verdict, compare, decide
from imgassets.decision.formatting import margin_words, signed, step
from imgassets.decision.gains import in_words
from imgassets.decision.names import name_of, name_of_row
from imgassets.metrics.families import METRICS
from imgassets_tests.decision.factories import BASE, NEW, Scores, endpoint, measured, pattern

EXACT, CLEAN = "typography.exact", "artefacts.clean"
SECONDS, USD = "cost.seconds", "cost.usd"


def judged(
    criteria: Sequence[Mapping[str, Any]],
    new: Mapping[str, Scores],
    base: Mapping[str, Scores],
    **more: Any,
) -> Verdict:
    """A candidate against the incumbent on 60 prompts."""
    written = endpoint(criteria, flows=["generate"], **more)
    return decide(compare(written, measured(NEW, new, range(60)), measured(BASE, base, range(60))))


def flat(value: float) -> Scores:
    """Nearly one number: batches that differ by a thousandth."""
    return lambda p, s: value * (1 + (2 * p + s) / 100_000)


def test_price_and_time_are_told_as_times() -> None:
    """A fifth of a dollar against a whole one, half a second against one."""
    criteria = [
        {"metric": EXACT, "margin": 0.1},
        {"metric": SECONDS, "ceiling": 10, "statistic": "worst"},
        {"metric": SECONDS, "ceiling": 5},
        {"metric": USD, "ceiling": 5},
        {"metric": USD, "ceiling": 5, "statistic": "worst"},
    ]
    good = {EXACT: pattern(1.0)}
    found = judged(
        criteria,
        good | {SECONDS: flat(0.5), USD: lambda p, s: 0.2},
        good | {SECONDS: flat(1.0), USD: lambda p, s: 1.0},
    )
    assert found.verdict == "GO"
    assert found.sentence.startswith(
        "GO: as good as tiny-base on 1 of 1 criteria, within all 5 other limits, 5 times cheaper, "
        "twice as fast; closest: text is read exactly right in 100 % of images, the same as"
    )


@pytest.mark.parametrize(
    ("ratio", "money", "time"),
    [
        (8.0, "8 times cheaper", "8 times faster"),
        (36.2, "36 times cheaper", "36 times faster"),
        (2.0, "at half the price", "twice as fast"),
        (1.25, "20 % cheaper", "20 % less time"),
        (1.05, "at the same price", "as fast"),
        (0.8, "25 % dearer", "25 % more time"),
        (0.25, "4 times dearer", "4 times slower"),
    ],
)
def test_ratios_in_words(ratio: float, money: str, time: str) -> None:
    assert (in_words(USD, ratio), in_words(SECONDS, ratio)) == (money, time)


def test_what_lost_nothing_is_no_close_call() -> None:
    """No failure in 120 requests is held by its error bar alone; 3 points of text were lost."""
    wrong = {7, 23}
    found = judged(
        [{"metric": EXACT, "margin": 0.15}, {"metric": CLEAN, "floor": 0.5}],
        {EXACT: lambda p, s: float(p not in wrong), CLEAN: pattern(1.0)},
        {EXACT: pattern(1.0), CLEAN: pattern(1.0)},
        failure_modes=[{"mode": "backend_error", "max_rate": 0.05}],
    )
    assert found.verdict == "GO"
    assert found.closest_criterion == "generate__typography_exact"
    assert "requests" not in found.sentence


def test_failures_are_the_closest_call_where_they_nearly_were() -> None:
    """The other direction: 4 of 120 requests failed where 15 % may, and no text was lost."""
    lost = {(p, 1): "backend_error" for p in (3, 9, 20, 41, 50, 55, 58, 59, 2, 1)}
    written = endpoint(
        [{"metric": CLEAN, "floor": 0.2}],
        flows=["generate"],
        failure_modes=[{"mode": "backend_error", "max_rate": 0.16}],
    )
    new = measured(NEW, {CLEAN: pattern(1.0)}, range(60), failed=lost)
    found = decide(compare(written, new, measured(BASE, {CLEAN: pattern(1.0)}, range(60))))
    assert found.verdict == "GO"
    assert found.closest_criterion == "generate__failures_backend_error"
    assert "10 of 120 requests ended in an error of the backend" in found.sentence


def test_coverage_is_told() -> None:
    """20 of 60 prompts ask for a text; a prompt whose image failed asked for one as well."""
    some: Scores = lambda p, s: 1.0  # noqa: E731 - a score like all others
    contract = endpoint(
        [{"metric": EXACT, "floor": 0.5}, {"metric": CLEAN, "floor": 0.5}],
        flows=["generate"],
        failure_modes=[{"mode": "blank", "max_rate": 0.5}],
    )
    base = measured(BASE, {CLEAN: some, EXACT: some}, range(60), failed={(0, 1): "blank"})
    asks = base.rows["prompt_id"].isin([f"p{n:04d}" for n in range(20)])
    rows = base.rows[asks | (base.rows["metric"] != EXACT)]
    part = type(base)(BASE, rows, base.images)
    told = decide(compare(contract, part)).sentence
    assert told.endswith("20 of 60 prompts had something to judge (exact text).")
    assert "All 60 prompts had" in decide(compare(contract, base)).sentence


def test_powers_of_ten_are_said_as_percent() -> None:
    """0.0217 decades are 5.1 % more, or 4.9 % less; a margin says both ways."""
    assert step(0.0217, "decades") == "5.1 %"
    assert signed(-0.0217, "decades") == "\u22124.9 %"
    assert margin_words(0.05, "decades", "same") == "11 % less or 12 % more"
    assert margin_words(0.05, "L*", "same") == "0.0500 L* either way"
    sharp = "look.sharpness"
    found = judged(
        [{"metric": CLEAN, "floor": 0.5}],
        {CLEAN: pattern(1.0), sharp: lambda p, s: -2.2 + p % 2 / 1000},
        {CLEAN: pattern(1.0), sharp: lambda p, s: -2.0 + p % 2 / 1000},
        review={"look": {"sharpness": 0.05}},
    )
    assert found.verdict == "REVIEW"
    assert "decade" not in found.sentence
    assert "fine detail is 0.00632, 37 % below tiny-base (0.0100)" in found.sentence
    assert "the contract allows 11 %" in found.sentence


def test_every_metric_has_a_name_for_people() -> None:
    """No dot, no underscore, and no two alike."""
    names = [name_of(metric) for metric in METRICS]
    assert all(name and "." not in name and "_" not in name for name in names)
    assert len(set(names)) == len(names)
    assert name_of("failures.backend_error") == "failures: backend error"
    assert name_of("team.rating") == "team.rating"  # a metric of one's own has none
    row = {"criterion": "x", "metric": EXACT, "flow": "upscale", "statistic": "worst"}
    assert name_of_row(row) == "exact text, upscaled, worst image"
