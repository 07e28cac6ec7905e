"""Criteria held by Great Expectations: good tables pass, bad ones fail with the rows to look at."""

from __future__ import annotations

import pandas as pd
import pytest

from imgassets.decision.gx_suites import Outcome, hold
from imgassets.documents.contract import Endpoint
from imgassets.documents.criteria import Criterion
from imgassets.documents.yardstick import DecisionRule, MetricRule, Rule, rules_by_table
from imgassets.metrics.scores import ROW_COLUMNS
from imgassets_tests.decision.factories import NEW, endpoint


def table(metric: str, values: list[float | None]) -> pd.DataFrame:
    rows = [
        ("cards", "prod", "generate", f"p{i}", 1, 0, f"{i:064x}", metric, value, f"why {i}", "")
        for i, value in enumerate(values)
    ]
    return pd.DataFrame(rows, columns=list(ROW_COLUMNS)).astype({"value": "float64"})


def check_metric(rows: pd.DataFrame, criterion: Criterion) -> Outcome:
    """The one outcome of a metric table."""
    (outcome,) = hold(rows, [MetricRule(criterion)])
    return outcome


def held_images(images: pd.DataFrame, **contract: object) -> dict[str, Outcome]:
    """A flow's images against a contract, by check."""
    rules = rules_of(endpoint(flows=["generate"], **contract))["generated"]
    return {outcome.rule.check: outcome for outcome in hold(images, rules)}


def rules_of(contract: Endpoint) -> dict[str, list[Rule]]:
    return rules_by_table(contract, NEW)


def decisions(criterion: Criterion, **row: object) -> tuple[Outcome, pd.DataFrame]:
    """A comparison of one row against its rule."""
    numbers = dict.fromkeys(("estimate", "difference"), 0.5)
    found = pd.DataFrame([numbers | {"criterion": criterion.name} | row])
    rule = DecisionRule(
        criterion.name, (criterion.name,), criterion.severity, MetricRule(criterion)
    )
    (outcome,) = hold(found, [rule])
    return outcome, found


def test_a_floor_holds_the_mean_and_shows_the_worst_rows() -> None:
    criterion = Criterion(metric="composition.correct", floor=0.6)
    good = check_metric(table("composition.correct", [1, 1, 0, 1]), criterion)
    assert good.passed
    assert good.observed == pytest.approx(0.75)
    bad = check_metric(table("composition.correct", [1, 0, 0, 1]), criterion)
    assert not bad.passed
    assert bad.evaluated == 4
    assert bad.rows["reason"].tolist() == ["why 1", "why 2"]


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
    assert slow.rows["value"].tolist() == [3.0, 2.5]


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

    def rate(mode: str, highest: float) -> Outcome:
        modes = [{"mode": mode, "max_rate": highest}]
        return held_images(images, failure_modes=modes)[f"failures__{mode}"]

    assert rate("backend_error", 0.02).passed
    over = rate("backend_error", 0.01)
    assert not over.passed
    assert over.observed == pytest.approx(0.02)
    assert len(over.rows) == 2
    assert rate("blank", 0.0).passed


@pytest.mark.parametrize(
    ("state", "passed"), [("passed", True), ("undecided", True), ("broken", False)]
)
def test_a_margin_that_asks_for_a_person_is_not_shown_to_be_broken(
    state: str, passed: bool
) -> None:
    criterion = Criterion(metric="look.lightness", margin=1, severity="review")
    outcome, _ = decisions(criterion, state=state)
    assert outcome.passed is passed
    assert outcome.expected == "not shown to be more than 1.00 L* away from the incumbent"


def test_failure_modes_that_the_contract_does_not_list() -> None:
    images = pd.DataFrame({"status": ["ok"] * 98 + ["backend_error", "blank"], "message": "m"})

    def other(images: pd.DataFrame, *listed: str) -> Outcome:
        modes = [{"mode": mode, "max_rate": 0.5} for mode in listed]
        return held_images(images, failure_modes=modes)["failures__other"]

    assert other(images, "backend_error", "blank").passed
    surprised = other(images, "backend_error")
    assert not surprised.passed
    assert surprised.observed == pytest.approx(0.01)
    assert surprised.rows["status"].tolist() == ["blank"]
    assert not other(images.head(0)).passed


def test_where_all_failures_are_bounded_together_those_not_listed_have_no_limit() -> None:
    """As the verdict has it; what is no fault of the model is still told."""
    images = pd.DataFrame({"status": ["ok"] * 98 + ["blank"] * 2})
    held = held_images(images, failures={"total": 0.05})
    assert {check: outcome.passed for check, outcome in held.items()} == {
        "failures__total": True,
        "failures__other": True,
    }
    assert not held_images(images, failures={"total": 0.01})["failures__total"].passed
    refused = pd.DataFrame({"status": ["ok"] * 98 + ["bad_document"] * 2})
    held = held_images(refused, failures={"total": 0.05})
    assert held["failures__total"].passed
    assert not held["failures__other"].passed


@pytest.mark.parametrize(
    ("state", "passed"), [("passed", True), ("undecided", False), ("broken", False)]
)
def test_a_margin_is_held_by_the_comparison_with_its_error_bars(state: str, passed: bool) -> None:
    criterion = Criterion(metric="composition.correct", margin=0.1)
    outcome, found = decisions(criterion, difference=-0.02, state=state, reason="because")
    assert outcome.passed is passed
    assert outcome.observed == pytest.approx(-0.02)
    assert (
        outcome.expected == "no more than 10 points worse than the incumbent, error bars included"
    )
    assert outcome.rows.equals(found)


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
    rules = [DecisionRule(name, (name,), "review") for name in ("b", "c")]
    assert all(outcome.passed for outcome in hold(rows, rules))
    asked = hold(rows.assign(state="broken"), rules)
    assert not any(outcome.passed for outcome in asked)
    assert [outcome.rows["criterion"].item() for outcome in asked] == ["b", "c"]


def test_a_table_is_held_to_all_its_rules_at_once() -> None:
    """Columns of different lengths, and one with nothing measured, do not disturb each other."""
    rows = pd.concat(
        [table("composition.correct", [1, 1, 0, 1]), table("composition.size", [None, None])]
    )
    criteria = [
        Criterion(metric="composition.correct", floor=0.6),
        Criterion(metric="composition.correct", floor=0.6, statistic="worst"),
        Criterion(metric="composition.size", floor=0.1),
    ]
    found = hold(rows, [MetricRule(c) for c in criteria])
    assert [outcome.passed for outcome in found] == [True, False, False]
    assert [outcome.observed for outcome in found] == [0.75, 0.0, None]
    assert [outcome.left_out for outcome in found] == [0, 0, 2]


def test_a_failure_mode_nobody_listed_is_told_by_the_check_of_all_others() -> None:
    """The comparison tells it by a row of its own, which no check could be named after."""
    (other,) = (
        rule
        for rule in rules_of(endpoint(flows=["generate"]))["comparison"]
        if rule.name == "generate__failures_other"
    )
    columns = {"estimate": 0.0, "difference": None}
    blank = [{"criterion": "generate__failures_blank", "state": "broken"} | columns]
    (outcome,) = hold(pd.DataFrame(blank), [other])
    assert not outcome.passed
    assert outcome.rows["criterion"].tolist() == ["generate__failures_blank"]
