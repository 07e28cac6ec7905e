"""Criteria held by Great Expectations: good tables pass, bad ones fail with the rows to look at."""

from __future__ import annotations

import pandas as pd
import pytest

from imgassets.decision.gx_suites import (
    check_comparison,
    check_metric,
    check_reviews,
    check_statuses,
    check_unlisted,
)
from imgassets.documents.criteria import Criterion
from imgassets.metrics.scores import ROW_COLUMNS


def table(metric: str, values: list[float | None]) -> pd.DataFrame:
    rows = [
        ("cards", "prod", "generate", f"p{i}", 1, 0, f"{i:064x}", metric, value, f"why {i}")
        for i, value in enumerate(values)
    ]
    return pd.DataFrame(rows, columns=list(ROW_COLUMNS)).astype({"value": "float64"})


def test_a_floor_holds_the_mean_and_shows_the_worst_rows() -> None:
    criterion = Criterion(metric="composition.correct", floor=0.6)
    good = check_metric(table("composition.correct", [1, 1, 0, 1]), criterion)
    assert good.passed
    assert good.observed == pytest.approx(0.75)
    bad = check_metric(table("composition.correct", [1, 0, 0, 1]), criterion)
    assert not bad.passed
    assert bad.evaluated == 4
    assert bad.unexpected["reason"].tolist() == ["why 1", "why 2"]


def test_the_mean_is_over_prompts_not_images() -> None:
    rows = table("composition.correct", [1, 0, 0, 0])
    rows["prompt_id"] = ["a", "b", "b", "b"]
    outcome = check_metric(rows, Criterion(metric="composition.correct", floor=0.5))
    assert outcome.observed == pytest.approx(0.5)
    assert outcome.passed


def test_a_ceiling_on_the_worst_image() -> None:
    criterion = Criterion(metric="cost.seconds", ceiling=2.0, statistic="worst")
    assert check_metric(table("cost.seconds", [0.5, 1.9]), criterion).passed
    slow = check_metric(table("cost.seconds", [0.5, 3.0, 2.5]), criterion)
    assert not slow.passed
    assert slow.observed == 3.0
    assert slow.unexpected["value"].tolist() == [3.0, 2.5]


def test_failed_images_are_no_scores_and_nothing_measured_is_no_pass() -> None:
    criterion = Criterion(metric="composition.correct", floor=0.9)
    some = check_metric(table("composition.correct", [1, None, 1]), criterion)
    assert some.passed
    assert some.evaluated == 2
    none = check_metric(table("composition.correct", [None, None]), criterion)
    assert not none.passed
    assert none.observed is None


def test_failure_rates() -> None:
    images = pd.DataFrame({"status": ["ok"] * 98 + ["backend_error"] * 2, "message": "m"})
    assert check_statuses(images, "backend_error", 0.02).passed
    over = check_statuses(images, "backend_error", 0.01)
    assert not over.passed
    assert over.observed == pytest.approx(0.02)
    assert len(over.unexpected) == 2
    assert check_statuses(images, "blank", 0.0).passed


@pytest.mark.parametrize(
    ("state", "passed"), [("passed", True), ("undecided", True), ("broken", False)]
)
def test_a_margin_that_asks_for_a_person_is_not_shown_to_be_broken(
    state: str, passed: bool
) -> None:
    criterion = Criterion(metric="look.lightness", margin=1, severity="review")
    row = dict.fromkeys(
        ("estimate", "difference", "difference_lower", "difference_upper", "reason"), 0.5
    )
    table = pd.DataFrame([row | {"criterion": criterion.name, "state": state}])
    outcome = check_comparison(table, criterion)
    assert outcome.passed is passed
    assert outcome.expected == "not shown to be more than 1 away from the incumbent"


def test_failure_modes_that_the_contract_does_not_list() -> None:
    images = pd.DataFrame({"status": ["ok"] * 98 + ["backend_error", "blank"], "message": "m"})
    assert check_unlisted(images, ["backend_error", "blank"]).passed
    surprised = check_unlisted(images, ["backend_error"])
    assert not surprised.passed
    assert surprised.observed == pytest.approx(0.01)
    assert surprised.unexpected["status"].tolist() == ["blank"]
    assert not check_unlisted(images.head(0), []).passed


@pytest.mark.parametrize(
    ("state", "passed"), [("passed", True), ("undecided", False), ("broken", False)]
)
def test_a_margin_is_held_by_the_comparison_with_its_error_bars(state: str, passed: bool) -> None:
    criterion = Criterion(metric="composition.correct", margin=0.1)
    row = {
        "criterion": criterion.name,
        "estimate": 0.8,
        "difference": -0.02,
        "difference_lower": -0.05,
        "difference_upper": 0.01,
        "state": state,
        "reason": "because",
    }
    outcome = check_comparison(pd.DataFrame([row]), criterion)
    assert outcome.passed is passed
    assert outcome.observed == pytest.approx(-0.02)
    assert len(outcome.unexpected) == (0 if passed else 1)


def test_reviews_hold_unless_one_is_shown_to_be_off() -> None:
    """A broken gating row is no business of this check; an undecided review asks nobody."""
    rows = pd.DataFrame(
        {
            "criterion": ["a", "b", "c"],
            "severity": ["gating", "review", "review"],
            "state": ["broken", "undecided", "passed"],
            "estimate": [0.1, 0.2, 0.3],
            "difference": [None, 0.1, 0.1],
            "reason": ["because"] * 3,
        }
    )
    assert check_reviews(rows).passed
    asked = check_reviews(rows.assign(state="broken"))
    assert not asked.passed
    assert list(asked.unexpected["criterion"]) == ["b", "c"]
