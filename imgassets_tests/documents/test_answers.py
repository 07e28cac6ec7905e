"""Answers of people are read whole: each once, the last one of a person, every bad line told."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from imgassets.documents.answers import AnswerFile, read_all_answers, read_answers

ANSWER: dict[str, Any] = {
    "id": "a" * 32,
    "when": "2026-11-27T14:30:05+00:00",
    "who": "ana",
    "endpoint": "headline",
    "candidate": "fast",
    "incumbent": "slow",
    "flow": "generate",
    "prompt_id": "red-circle",
    "seed": 11,
    "candidate_key": "0" * 64,
    "incumbent_key": "1" * 64,
    "left": "incumbent",
    "why": "random",
    "drawn": True,
    "preference": "candidate",
    "correct": {"candidate": {"object:red circle": "yes"}, "incumbent": {"text": "unsure"}},
    "defects": {"candidate": ["hands"], "incumbent": []},
    "note": "",
    "seconds": 4.2,
    "revision_of": None,
}


def read(folder: Path, *lines: object, tail: str = "") -> AnswerFile:
    path = folder / "headline.jsonl"
    path.write_text("".join(json.dumps(line) + "\n" for line in lines) + tail, encoding="utf-8")
    return read_answers(path, "headline", Path("reviews/headline.jsonl"))


def test_a_retry_is_counted_once(tmp_path: Path) -> None:
    file = read(tmp_path, ANSWER, ANSWER, ANSWER | {"id": "b" * 32, "who": "ben"})
    assert [answer.who for answer in file.answers] == ["ana", "ben"]
    assert not file.problems
    assert file.words == "reviews/headline.jsonl: answers on 1 pairs by 2 people"


def test_the_last_answer_of_a_person_counts_and_disagreement_stays(tmp_path: Path) -> None:
    other = ANSWER | {"id": "b" * 32, "who": "ben", "preference": "equal"}
    later = ANSWER | {"id": "c" * 32, "revision_of": "a" * 32, "preference": "incumbent"}
    file = read(tmp_path, ANSWER, other, later)
    assert {(a.who, a.preference) for a in file.counted} == {("ana", "incumbent"), ("ben", "equal")}
    assert len(file.answers) == 3


def test_every_bad_line_is_told_with_its_field_and_fix(tmp_path: Path) -> None:
    file = read(
        tmp_path,
        ANSWER | {"candidate_key": "x"},
        ANSWER | {"revision_of": "d" * 32},
        ANSWER | {"endpoint": "other"},
        ANSWER | {"defects": {"candidate": ["feet"]}},
        ANSWER | {"incumbent_key": None},
        ANSWER | {"when": "2026-11-27T14:30:05"},
        ANSWER | {"who": " ana"},
        [1],
        ANSWER,
        ANSWER | {"preference": "equal"},
    )
    assert not file.answers
    assert [(p.line, p.field) for p in file.problems] == [
        (1, "candidate_key"),
        (2, "revision_of"),
        (3, "endpoint"),
        (4, "defects.candidate[0]"),
        (5, "incumbent"),
        (5, "preference"),
        (6, "when"),
        (7, "who"),
        (8, ""),
        (10, "id"),
    ]
    assert all(problem.fix for problem in file.problems)


def test_half_a_last_line_is_left_out_and_told(tmp_path: Path) -> None:
    file = read(tmp_path, ANSWER, tail=json.dumps(ANSWER | {"id": "b" * 32})[:50])
    assert len(file.answers) == 1
    assert not file.problems
    assert [(w.line, w.message) for w in file.warnings] == [
        (2, "half a line, as a crash leaves it; it is left out")
    ]


def test_a_last_line_that_lacks_only_its_end_counts(tmp_path: Path) -> None:
    file = read(tmp_path, ANSWER, tail=json.dumps(ANSWER | {"id": "b" * 32, "who": "ben"}))
    assert len(file.answers) == 2
    assert not file.warnings


def test_an_image_shown_alone_has_no_preference(tmp_path: Path) -> None:
    alone = {"incumbent": None, "incumbent_key": None, "preference": None, "left": "candidate"}
    file = read(tmp_path, ANSWER | alone)
    assert file.answers[0].pair == ("0" * 64, None)


def test_the_version_changes_with_what_counts_alone(tmp_path: Path) -> None:
    version = read(tmp_path, ANSWER).version
    assert read(tmp_path, ANSWER | {"note": "nice", "seconds": 9.0}).version == version
    assert read(tmp_path, ANSWER | {"preference": "equal"}).version != version


def test_files_are_called_after_endpoints(tmp_path: Path) -> None:
    folder = tmp_path / "reviews"
    folder.mkdir()
    (folder / "gone.jsonl").write_text("", encoding="utf-8")
    (folder / "headline.jsonl").write_text(json.dumps(ANSWER) + "\n", encoding="utf-8")
    files = read_all_answers(tmp_path, {"headline"})
    assert len(files["headline"].answers) == 1
    assert files["gone"].problems[0].message == "there is no valid contract of an endpoint 'gone'"
    assert not read_answers(tmp_path / "none.jsonl", "none").answers
