"""What checks say: the plain number and the decision, never one for the other."""

from __future__ import annotations

from typing import Any

import pytest

from imgassets.decision.check_words import (
    expected_of,
    said_of_decision,
    said_of_mean,
    said_of_review,
)
from imgassets.documents.criteria import Criterion
from imgassets.documents.yardstick import DecisionRule, FailureRule, MetricRule

CRITERION = Criterion(metric="composition.correct", floor=0.93, margin=0.05)
BLANK = FailureRule("edit", "blank", ("blank",), 0.02)


def row(**changed: Any) -> dict[str, Any]:
    """A floor and a margin whose numbers hold and whose error bars do not."""
    return {
        "criterion": CRITERION.name, "source": "criterion", "metric": CRITERION.metric,
        "statistic": "mean", "direction": "higher", "state": "undecided", "hard": False,
        "estimate": 0.95, "lower": 0.91, "floor": 0.93, "ceiling": None,
        "difference": -0.02, "margin": 0.05, "n_pairs": 60, "n_failed": 0,
        "needed_prompts": 39.2, "needed_seeds": None, "next_alpha": 0.02, "remedy": "",
        "reason": "shown in 95 % of images (91 to 98 %); the contract asks for at least 93 %",
    } | changed  # fmt: skip


@pytest.mark.parametrize(
    ("rule", "words"),
    [
        (
            MetricRule(CRITERION),
            "the mean composition.correct on flow generate is at least 93 %",
        ),
        (
            MetricRule(Criterion(metric="cost.seconds", ceiling=10, statistic="worst")),
            "the worst cost.seconds on flow generate is at most 10.0 s",
        ),
        (BLANK, "at most 2 % of the requests end as blank"),
        (
            DecisionRule(CRITERION.name, (CRITERION.name,), "gating", MetricRule(CRITERION)),
            "the mean composition.correct on flow generate is at least 93 % and no more than 5 "
            "points worse than the incumbent, error bars included",
        ),
        (
            DecisionRule("edit__failures_blank", (), "gating", BLANK),
            "at most 2 % of the requests end as blank, error bars included",
        ),
        (DecisionRule("x__near", (), "review"), "not shown to be off"),
    ],
)
def test_what_is_expected_is_said_with_the_limit_as_verdicts_write_it(rule, words: str) -> None:
    assert expected_of(rule) == words


def test_a_mean_that_holds_says_where_it_is_decided() -> None:
    said = said_of_mean(MetricRule(CRITERION), True, 0.95, 3)
    assert said.startswith("The mean, 95 %, holds, 3 failed images left out; expected: ")
    assert said.endswith("but at `comparison`, by the check generate__composition_correct.")
    assert said_of_mean(BLANK, False, 0.04, 0).startswith("The rate, 4 %, does not hold; ")
    assert said_of_mean(BLANK, False, None, 0).startswith("Nothing was measured; ")


def test_an_open_decision_says_so_beside_a_mean_that_holds() -> None:
    assert said_of_decision([row()], alone=False) == (
        "The mean holds; the decision is open: shown in 95 % of images (91 to 98 %); the contract "
        "asks for at least 93 %. About 40 further prompts would settle it."
    )


@pytest.mark.parametrize(
    ("changed", "begins"),
    [
        ({"estimate": 0.92}, "The mean does not hold; the decision is open: "),
        ({"difference": -0.06}, "The mean does not hold; the decision is open: "),
        ({"difference": 0.4}, "The mean holds; the decision is open: "),
        ({"difference": None}, "The decision is open: "),
        ({"direction": "same", "floor": None, "difference": 0.06}, "The mean does not hold; "),
        ({"source": "failure", "floor": None, "margin": None, "ceiling": 0.96}, "The rate holds; "),
        ({"state": "passed"}, "Passed: shown in 95 %"),
        ({"state": "broken"}, "Broken: shown in 95 %"),
    ],
)
def test_the_plain_number_and_the_decision_are_told_apart(
    changed: dict[str, Any], begins: str
) -> None:
    assert said_of_decision([row(**changed)], alone=False).startswith(begins)


def test_the_incumbent_is_compared_with_nobody() -> None:
    said = said_of_decision([row(difference=None, n_pairs=0)], alone=True)
    assert said.startswith("The mean holds; the decision is open: ")
    assert said.endswith("About 40 further prompts would settle it.")


def test_only_what_is_shown_to_be_off_asks_for_a_person() -> None:
    rows = [row(state=state, reason=state) for state in ("passed", "undecided")]
    assert said_of_review(rows) == (
        "Nobody need look: nothing is shown to be off; 1 of 2 undecided."
    )
    assert said_of_review([*rows, row(state="broken", reason="duller")]) == (
        "A person must look: duller."
    )


def test_other_failure_modes_that_did_not_occur() -> None:
    assert said_of_decision([], alone=False) == "Nothing of the kind occurred."
