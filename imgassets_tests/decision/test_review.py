"""People's answers as a metric, and how they close a review: by rule, in both directions."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import pytest

from imgassets.decision import Comparison, Verdict, compare, decide
from imgassets.decision.heard import heard, is_accepted, value_of
from imgassets.decision.review_reasons import directed_pairs, reasons
from imgassets.decision.rows import COLUMNS, REVIEW_COLUMNS
from imgassets.documents.answers import Answer
from imgassets_tests.decision.answers import answer, answers, key, with_keys
from imgassets_tests.decision.factories import BASE, NEW, Scores, endpoint, measured

EXACT, ACCEPTED, PREFERENCE = "typography.exact", "review.accepted", "review.preference"
FLOOR = {"metric": ACCEPTED, "floor": 0.8}
#: Always near its floor, so it always sends to a person.
NEAR = {"near": [{"metric": EXACT, "within": 0.2}]}
PROMPTS = range(100)
WORSE = {"preference": "incumbent"}
RIGHT: Scores = lambda prompt, seed: 1.0  # noqa: E731
#: Wrong on four prompts, those of a reason's pairs.
MOSTLY: Scores = lambda prompt, seed: float(prompt >= 4)  # noqa: E731


def compared(
    said: list[Answer],
    criteria: list[dict[str, Any]] | None = None,
    review: dict[str, Any] | None = None,
    failed: dict[tuple[int, int], str] | None = None,
    **more: Any,
) -> Comparison:
    contract = endpoint(
        [{"metric": EXACT, "floor": 0.85}, *([FLOOR] if criteria is None else criteria)],
        review=NEAR if review is None else review,
        failures={"total": 0.5},
    )
    sides = (
        measured(NEW, {EXACT: MOSTLY}, PROMPTS, failed=failed),
        measured(BASE, {EXACT: RIGHT}, PROMPTS),
    )
    return compare(contract, *map(with_keys, sides), answers=said, **more)


def judged(said: list[Answer], *args: Any, **more: Any) -> Verdict:
    return decide(compared(said, *args, **more))


def row_of(table: pd.DataFrame, metric: str = ACCEPTED) -> Any:
    return table[table["metric"] == metric].iloc[0]


def test_a_review_without_answers_stays_and_says_how_many_are_needed() -> None:
    found = judged([])
    assert found.verdict == "REVIEW"
    assert found.needed_pairs == 33
    assert "nobody has answered on a pair of the random sample" in found.sentence.lower()
    assert "About 33 pairs, one a prompt, would show it, if the truth is 95 %." in found.sentence


def test_good_answers_close_it() -> None:
    found = judged(answers(range(40)))
    assert found.verdict == "GO"
    assert found.review_reasons == ()
    assert len(found.answered) == 1
    assert "A person had to look (" in found.sentence
    assert "1 person answered on 40 pairs: people accept the image in 100 %" in found.sentence
    assert Verdict.model_validate(found.to_dict()) == found


def test_bad_answers_are_a_no_go() -> None:
    found = judged(answers(range(40), lambda p: WORSE if p % 2 else {}))
    assert found.verdict == "NO-GO"
    assert found.decided_by == ("generate__review_accepted",)
    assert "people accept the image in 50 % of pairs" in found.sentence


def test_few_answers_leave_it_open_and_say_how_many_more() -> None:
    found = judged(answers(range(8)))
    assert found.verdict == "REVIEW"
    assert found.needed_pairs is not None
    assert f"About {found.needed_pairs} further pairs, each of another prompt" in found.sentence


def test_it_is_no_review_until_every_pair_that_shows_the_reason_was_answered() -> None:
    said = answers(range(10, 60))
    found = judged(said)
    assert found.verdict == "REVIEW"
    assert found.needed_pairs is None
    assert "Nobody has answered yet on 4 of the 4 pairs that show it" in found.sentence
    shown = answers(range(5), lambda _: {"drawn": False, "why": "near", **WORSE})
    closed = judged([*said, *shown])
    assert closed.verdict == "GO"
    assert "answered on 55 pairs" in closed.sentence


def test_pairs_shown_for_a_reason_estimate_nothing() -> None:
    said = [*answers(range(40)), *answers(range(40, 100), lambda _: {"drawn": False, **WORSE})]
    row, alone = row_of(compared(said).table), row_of(compared(answers(range(40))).table)
    assert row["estimate"] == alone["estimate"] == 1.0
    assert (row["n_prompts"], row["n_answered"]) == (40, 100)


def test_answers_of_other_images_do_not_count_and_are_told() -> None:
    stale = [a.model_copy(update={"candidate_key": key("old")}) for a in answers(range(40))]
    found = judged(stale)
    assert found.verdict == "REVIEW"
    assert "40 answers are of images that are no longer compared, and do not count." in (
        found.sentence
    )
    other = [a.model_copy(update={"candidate": "someone"}) for a in answers(range(40))]
    assert row_of(compared(other).table)["n_stale"] == 0
    moved = [a.model_copy(update={"incumbent_key": key("old")}) for a in answers(range(40))]
    assert row_of(compared(moved).table)["n_stale"] == 40


def test_a_worse_answer_never_makes_a_better_verdict() -> None:
    order = ("NO-GO", "REVIEW", "GO")
    rng, seen = np.random.default_rng(7), set()
    for rate in (0.6, 0.85, 0.95, 1.0):
        wins = rng.random(40) < rate
        said = answers(range(40), lambda p, wins=wins: {} if wins[p] else WORSE)  # type: ignore[misc]
        worse = [said[0].model_copy(update=WORSE), *said[1:]]
        before, after = judged(said).verdict, judged(worse).verdict
        assert order.index(after) <= order.index(before)
        seen |= {before, after}
    assert seen == set(order)


def test_an_image_shown_alone_is_no_pair() -> None:
    alone = {"incumbent": None, "incumbent_key": None, "preference": None}
    row = row_of(compared(answers(range(9), lambda _: alone)).table)
    assert (row["n_stale"], row["n_answered"]) == (0, 0)


def test_drift_is_not_closed_by_answers() -> None:
    found = decide(compared(answers(range(40))), drift=["2 images came out differently"])
    assert found.verdict == "REVIEW"
    assert found.review_reasons == ("2 images came out differently",)
    assert len(found.answered) == 1


def test_nothing_to_review_needs_no_answer() -> None:
    found = judged([], review={})
    assert found.verdict == "GO"
    assert judged(answers(range(40), lambda _: WORSE), review={}).verdict == "NO-GO"


def test_every_candidate_may_be_asked_about() -> None:
    always = {"always": True}
    assert judged([], review=always).review_reasons == (
        "the contract asks people about every candidate",
    )
    assert judged(answers(range(40)), review=always).verdict == "GO"
    alone = compare(
        endpoint([{"metric": EXACT, "floor": 0.8}, FLOOR], review=always),
        measured(BASE, {EXACT: RIGHT}, PROMPTS),
    )
    assert decide(alone).verdict == "GO"
    assert ACCEPTED not in set(alone.table["metric"])


def test_without_the_criterion_answers_close_nothing() -> None:
    found = judged(answers(range(60)), [])
    assert found.verdict == "REVIEW"
    assert not set(compared(answers(range(60)), []).table.columns) & set(REVIEW_COLUMNS)
    assert set(compared([], []).table.columns) == set(COLUMNS)
    warned = judged(answers(range(60)), [FLOOR | {"severity": "warning"}])
    assert warned.verdict == "REVIEW"


def test_answers_on_one_flow_close_no_review_of_another() -> None:
    found = judged(answers(range(60)), [FLOOR | {"flow": "edit"}])
    assert found.verdict == "REVIEW"
    assert "No criterion on review.accepted is of flow generate" in found.sentence


def test_every_criterion_on_answers_must_pass_to_close_it() -> None:
    both = [FLOOR, {"metric": PREFERENCE, "floor": 0.4}]
    win = answers(range(60), lambda _: {"preference": "candidate"})
    assert judged(win, both).verdict == "GO"
    # Equal in every pair: accepted, and half a win, which so few pairs do not show to be 40 %.
    equal = judged(answers(range(8)), both)
    assert equal.verdict == "REVIEW"


def test_an_open_verdict_stays_open_whatever_people_say() -> None:
    contract = endpoint([{"metric": EXACT, "floor": 0.95}, FLOOR], review=NEAR)
    sides = [with_keys(measured(m, {EXACT: MOSTLY}, PROMPTS)) for m in (NEW, BASE)]
    assert decide(compare(contract, *sides, answers=answers(range(40)))).verdict == "INCONCLUSIVE"


@pytest.mark.parametrize(
    ("more", "accepted", "preference"),
    [
        ({}, True, 0.5),
        ({"preference": "candidate"}, True, 1.0),
        ({"preference": "incumbent"}, False, 0.0),
        ({"correct": {"candidate": {"text": "no"}, "incumbent": {"text": "no"}}}, False, 0.5),
        ({"correct": {"candidate": {"text": "unsure"}, "incumbent": {"text": "no"}}}, True, 0.5),
        ({"defects": {"candidate": ["hands"], "incumbent": []}}, False, 0.5),
        ({"defects": {"candidate": ["hands"], "incumbent": ["hands", "text"]}}, True, 0.5),
    ],
)
def test_what_an_answer_is_worth(more: dict[str, Any], accepted: bool, preference: float) -> None:
    said = answer(0, **more)
    assert is_accepted(said) == accepted
    assert value_of(said, ACCEPTED) == float(accepted)
    assert value_of(said, PREFERENCE) == preference


def test_people_then_seeds_then_prompts_are_averaged() -> None:
    said = [
        answer(0, 1, "ana"),
        answer(0, 1, "ben", **WORSE),  # this pair: 1/2
        answer(0, 2, "ana"),  # the prompt: 3/4
        answer(1, 1, "ana"),
    ]
    row = row_of(compared(said).table)
    assert row["estimate"] == pytest.approx((0.75 + 1.0) / 2)
    assert (row["n_prompts"], row["n_images"], row["n_people"]) == (2, 3, 2)


def test_a_failed_image_is_not_accepted_and_needs_nobody() -> None:
    """A fifth of the prompts fails: as large a share of them counts as of those that were seen."""
    failed = {(p, s): "backend_error" for p in range(0, 100, 5) for s in (1, 2)}
    seen = [p for p in PROMPTS if p % 5][:40]
    row = row_of(compared(answers(seen), failed=failed).table)
    assert row["n_prompts"] == 40
    assert row["n_failed"] == 40
    assert row["estimate"] == pytest.approx(0.8, abs=0.07)
    assert row_of(compared([], failed=failed).table)["state"] == "undecided"


def test_looking_at_answers_again_is_judged_more_strictly_and_leaves_the_rest_alone() -> None:
    first, again = (compared(answers(range(40)), answer_look=look).table for look in (1, 2))
    assert row_of(first)["alpha"] == pytest.approx(0.0475)
    assert row_of(again)["alpha"] == pytest.approx(0.00125)
    assert row_of(again)["lower"] < row_of(first)["lower"]
    others = [table[table["metric"] != ACCEPTED] for table in (first, again)]
    pd.testing.assert_frame_equal(*others)
    found = decide(compared(answers(range(40)), answer_look=2))
    assert found.look == 1
    assert "This is look 2 at people's answers, judged at level 0.13 %." in found.sentence


def test_reviewers_that_agree_and_that_do_not() -> None:
    ana = answers(range(40), lambda p: WORSE if p % 4 == 0 else {})
    same = [a.model_copy(update={"who": "ben"}) for a in ana]
    assert row_of(compared([*ana, *same]).table)["agreement"] == pytest.approx(1.0)
    other = answers(range(40), lambda p: WORSE if p % 4 == 1 else {}, "ben")
    assert row_of(compared([*ana, *other]).table)["agreement"] < 0
    assert np.isnan(row_of(compared(ana).table)["agreement"])


def test_a_reason_is_shown_by_the_pairs_that_lost_most_each_prompt_once() -> None:
    contract = endpoint([{"metric": EXACT, "floor": 0.85}, FLOOR], review=NEAR)
    sides = [with_keys(measured(m, {EXACT: s}, PROMPTS)) for m, s in ((NEW, MOSTLY), (BASE, RIGHT))]
    (reason,) = reasons(compare(contract, *sides).records())
    shown = directed_pairs(contract, [reason], *sides)[reason.name]
    assert [pair.prompt_id for pair in shown] == [f"p{n:04d}" for n in range(4)]
    assert heard([], *sides).on(shown) == []
