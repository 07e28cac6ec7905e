"""What people said, in the report: who, how much, how far they agree, and nothing as markup."""

from __future__ import annotations

from typing import Any

from imgassets.decision import compare, decide
from imgassets.documents.answers import Answer
from imgassets.report.build import build_report
from imgassets.report.inputs import ReportInput
from imgassets_tests.decision.answers import answer, answers, with_keys
from imgassets_tests.decision.factories import BASE, NEW, endpoint, measured

EXACT = "typography.exact"
HOSTILE = "<script>alert(1)</script> & @all"


def report(said: list[Answer], **more: Any) -> dict[str, str]:
    contract = endpoint(
        [{"metric": EXACT, "floor": 0.8}, {"metric": "review.accepted", "floor": 0.8}],
        review={"always": True},
    )
    sides = [with_keys(measured(m, {EXACT: lambda p, s: 1.0}, range(60))) for m in (NEW, BASE)]
    found = compare(contract, *sides, answers=said)
    return build_report(
        ReportInput(contract, [decide(found)], {NEW: found}, answers={NEW: said}, **more)
    )


def test_it_says_who_answered_on_how_much_and_how_far_they_agree() -> None:
    ben = answers(range(20), lambda p: {"preference": "incumbent"} if p < 3 else {}, "ben")
    page = report([*answers(range(40)), *ben])["report.html"]
    assert "What people said" in page
    assert "2 people answered on 40 pairs, 40 of them drawn at random" in page
    assert "Krippendorff" in page
    assert "3 pairs that people do not agree on" in page
    assert "the contract asks people about every candidate" in page


def test_one_person_agrees_with_nobody_and_nobody_is_told() -> None:
    one = report(answers(range(40)))["report.html"]
    assert "one person answered, so how far people agree is not known" in one
    files = report([])
    assert "Nobody has answered yet" in files["report.html"]
    assert 'skipped="2"' in files["junit.xml"]  # neither a review nor open answers are failures


def test_nothing_that_people_write_is_markup() -> None:
    said = [
        answer(0, note=HOSTILE, who="<b>ana", preference="incumbent"),
        answer(0, who="ben", correct={"candidate": {"<i>text": "no"}, "incumbent": {}}),
        answer(1, who="ben"),
    ]
    page = report(said)["report.html"]
    assert "&lt;script&gt;alert(1)" in page
    assert "<script" not in page
    assert "<b>ana" not in page
    assert "<i>text" not in page


def test_a_contract_that_asks_nobody_says_what_was_said_all_the_same() -> None:
    contract = endpoint([{"metric": EXACT, "floor": 0.8}])
    sides = [with_keys(measured(m, {EXACT: lambda p, s: 1.0}, range(60))) for m in (NEW, BASE)]
    said = answers(range(4))
    found = compare(contract, *sides, answers=said)
    shown = ReportInput(contract, [decide(found)], {NEW: found}, answers={NEW: said})
    assert "1 person answered on 4 pairs; no criterion" in build_report(shown)["report.html"]
    silent = ReportInput(contract, [decide(found)], {NEW: found})
    assert "What people said" not in build_report(silent)["report.html"]
