"""Findings of a look: breach on proof, hold where nothing is known, fine where all is within."""

from __future__ import annotations

from dataclasses import replace

import pytest

from imgassets.rollout.rates import Arm
from imgassets.rollout.threshold import (
    NOTHING,
    Counts,
    Finding,
    Limits,
    is_due,
    judge,
    level_of,
    too_early,
)

LIMITS = Limits(margin=0.01, alpha=0.05, looks=20, min_requests=100)


def look(ours: Arm, theirs: Arm, limits: Limits = LIMITS, last: Counts = NOTHING) -> Finding:
    return judge(Counts(ours, theirs), last, limits, 3)


def test_all_looks_together_spend_no_more_than_alpha() -> None:
    levels = [level_of(number, LIMITS) for number in range(1, 20_000)]
    assert sum(levels) == pytest.approx(0.05, abs=1e-6)
    assert sum(levels) <= 0.05
    assert min(levels) > 0


def test_equal_arms_are_fine() -> None:
    found = look(Arm(1000, 20), Arm(9000, 180))
    assert (found.state, found.limit) == ("fine", "")
    assert "2 % of 1,000 requests" in found.sentence


def test_proof_of_more_failures_is_a_breach_and_says_by_how_much() -> None:
    found = look(Arm(1000, 70), Arm(9000, 180))
    assert (found.state, found.limit) == ("breach", "margin")
    assert found.sentence.startswith(
        "the candidate fails in 7 % of 1,000 requests in this stage, 5 points more than the "
        "incumbent's 2 % of 9,000 requests; the margin is 1 point"
    )
    assert found.p < found.level


def test_worse_without_proof_holds_and_is_never_fine() -> None:
    found = look(Arm(200, 7), Arm(1800, 36))
    assert found.state == "hold"
    assert "not yet proof" in found.sentence


def test_a_ceiling_holds_whatever_the_incumbent_does() -> None:
    both_bad = Arm(1000, 300), Arm(9000, 2700)
    assert look(*both_bad).state == "fine"
    found = look(*both_bad, replace(LIMITS, ceiling=0.2))
    assert (found.state, found.limit) == ("breach", "ceiling")
    assert "allows 20 % at most" in found.sentence


def test_slow_requests_are_a_breach_of_seconds() -> None:
    limits = replace(LIMITS, seconds=8.0)
    slow = look(Arm(1000, 20, slow=90, timed=1000), Arm(9000, 180), limits)
    assert (slow.state, slow.limit) == ("breach", "seconds")
    assert "took longer than 8 s" in slow.sentence
    assert look(Arm(1000, 20, slow=45, timed=1000), Arm(9000, 180), limits).state == "fine"


def test_requests_without_an_outcome_are_failures() -> None:
    found = look(Arm(1000, 80, unreported=60), Arm(9000, 180))
    assert found.state == "breach"
    assert "60 of them without any outcome" in found.sentence


def test_a_fault_that_starts_late_is_seen_in_what_came_since_the_last_look() -> None:
    last = Counts(Arm(20_000, 200), Arm(180_000, 1800))
    now = Counts(Arm(21_000, 250), Arm(189_000, 1890))
    found = judge(now, last, replace(LIMITS, margin=0.005), 3)
    assert found.state == "breach"
    assert "since the last look" in found.sentence
    assert judge(now, NOTHING, replace(LIMITS, margin=0.005), 3).state != "breach"


def test_at_100_percent_the_incumbents_last_stage_stands_for_it() -> None:
    reference = Arm(50_000, 500)
    last = Counts(Arm(1000, 10), reference)
    found = judge(Counts(Arm(2000, 110), reference), last, LIMITS, 3)
    assert found.state == "breach"


def test_a_look_is_due_when_enough_came_and_stages_that_grow_have_few() -> None:
    def stage(ours: int, theirs: int = 10**6) -> Counts:
        return Counts(Arm(ours, 0), Arm(theirs, 0))

    assert not is_due(stage(99), NOTHING, LIMITS)
    assert is_due(stage(100), NOTHING, LIMITS)
    assert not is_due(stage(100, 99), NOTHING, LIMITS)
    assert not is_due(stage(1200), stage(1000), LIMITS)
    assert is_due(stage(1250), stage(1000), LIMITS)


def test_too_few_requests_hold() -> None:
    found = too_early(Counts(Arm(5, 0), Arm(60, 0)), LIMITS)
    assert (found.state, found.look) == ("hold", 0)
    assert "5 and 60 of candidate and incumbent" in found.sentence
