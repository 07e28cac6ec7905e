"""Adding answers: once each, after half a line too, by several writers, on a full disk."""

from __future__ import annotations

import json
import os
import threading
from pathlib import Path

import pytest

from imgassets.documents.answers import Answer
from imgassets.documents.problems import InvalidDocumentsError
from imgassets.review.answer_file import Answers
from imgassets_tests.documents.test_answers import ANSWER


def answer(number: int, **more: object) -> Answer:
    told = {"id": f"{number:032x}", "prompt_id": f"p{number}", "candidate_key": f"{number:064x}"}
    return Answer.model_validate(ANSWER | told | more)


def test_an_answer_is_added_and_its_retry_is_not(tmp_path: Path) -> None:
    answers = Answers(tmp_path, "headline")
    assert answers.read().answers == ()
    first = answers.add(answer(1))
    assert answers.add(answer(1)) == first
    assert Answers(tmp_path, "headline").add(answer(1)) == first  # another process
    assert (tmp_path / "reviews/headline.jsonl").read_text().count("\n") == 1


def test_a_second_answer_on_a_pair_corrects_the_first(tmp_path: Path) -> None:
    answers = Answers(tmp_path, "headline")
    answers.add(answer(1))
    second = answers.add(answer(1, id="f" * 32, preference="equal"))
    assert second.revision_of == f"{1:032x}"
    other = answers.add(answer(1, id="e" * 32, who="ben"))
    assert other.revision_of is None
    counted = answers.read().counted
    assert {(a.who, a.preference) for a in counted} == {("ana", "equal"), ("ben", "candidate")}


def test_half_a_line_is_cut_off_and_a_whole_one_is_ended(tmp_path: Path) -> None:
    answers = Answers(tmp_path, "headline")
    answers.add(answer(1))
    line = json.dumps(answer(2).model_dump(mode="json"))
    with answers.path.open("a", encoding="utf-8") as file:
        file.write(line[:100])
    answers.add(answer(3))
    with answers.path.open("a", encoding="utf-8") as file:
        file.write(line)
    answers.add(answer(4))
    lines = answers.path.read_text(encoding="utf-8").splitlines()
    assert [json.loads(one)["prompt_id"] for one in lines] == ["p1", "p3", "p2", "p4"]


def test_what_another_process_wrote_is_seen(tmp_path: Path) -> None:
    one, two = Answers(tmp_path, "headline"), Answers(tmp_path, "headline")
    one.add(answer(1))
    two.add(answer(2))
    one.add(answer(3))
    assert len(one.read().answers) == len(two.read().answers) == 3


def test_many_writers_at_once_lose_nothing(tmp_path: Path) -> None:
    def write(start: int) -> None:
        own = Answers(tmp_path, "headline")
        for number in range(start, start + 20):
            own.add(answer(number))

    writers = [threading.Thread(target=write, args=(start,)) for start in (0, 100, 200, 300)]
    for writer in writers:
        writer.start()
    for writer in writers:
        writer.join()
    assert len({a.id for a in Answers(tmp_path, "headline").read().answers}) == 80


def test_a_file_with_a_bad_line_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / "reviews").mkdir()
    path = tmp_path / "reviews/headline.jsonl"
    path.write_text('{"id": 1}\n', encoding="utf-8")
    with pytest.raises(InvalidDocumentsError, match=r"reviews/headline.jsonl:1: id"):
        Answers(tmp_path, "headline").add(answer(1))
    assert path.read_text(encoding="utf-8") == '{"id": 1}\n'


def test_a_full_disk_keeps_nothing_of_the_answer(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    answers = Answers(tmp_path, "headline")
    answers.add(answer(1))
    before, write = answers.path.read_bytes(), os.write

    def refuse(file: int, data: bytes) -> int:
        monkeypatch.setattr(os, "write", fail)
        return write(file, data[:50])

    def fail(file: int, data: bytes) -> int:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "write", refuse)
    with pytest.raises(OSError, match="No space"):
        answers.add(answer(2))
    monkeypatch.setattr(os, "write", write)
    assert answers.path.read_bytes() == before
    answers.add(answer(2))
    assert len(answers.read().answers) == 2
