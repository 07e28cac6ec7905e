"""GenEval's files as they come: legal JSON lines are read, anything else is named in one line."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from imgassets.documents.geneval import read_geneval
from imgassets.documents.problems import InvalidDocumentsError, Problem
from imgassets.documents.project import load_project
from imgassets.judges.vocabulary import unknown_words
from imgassets_tests.conftest import write_project

ROW: dict[str, Any] = {
    "tag": "single_object",
    "include": [{"class": "circle", "count": 1, "color": "red"}],
    "prompt": "a red circle",
}
LINE = json.dumps(ROW)


def written(folder: Path, data: bytes) -> Path:
    path = folder / "evaluation_metadata.jsonl"
    path.write_bytes(data)
    return path


def problems(path: Path) -> tuple[Problem, ...]:
    with pytest.raises(InvalidDocumentsError) as caught:
        read_geneval(path)
    return caught.value.problems


@pytest.mark.parametrize("odd", ["\u2028", "\u2029", "\x85", "\u00a0", "\x7f", "\U0001f4a5"])
def test_any_legal_character_stays_in_its_prompt(tmp_path: Path, odd: str) -> None:
    row = ROW | {"prompt": f"a{odd}circle"}
    text = json.dumps(row, ensure_ascii=False) + "\n" + LINE
    first, second = read_geneval(written(tmp_path, text.encode())).prompts
    assert (first.prompt, second.id) == (f"a{odd}circle", "00001")


def test_an_escaped_control_character_is_legal_and_a_raw_one_is_told(tmp_path: Path) -> None:
    row = ROW | {"prompt": "a\x0bcircle"}
    (prompt,) = read_geneval(written(tmp_path, json.dumps(row).encode())).prompts
    assert prompt.prompt == "a\x0bcircle"
    raw = LINE.replace("a red", "a\x0bred")
    (problem,) = problems(written(tmp_path, f"{LINE}\n{raw}\n{LINE}".encode()))
    assert problem.line == 2
    assert "control character" in problem.message


@pytest.mark.parametrize("text", [
    f"{LINE}\n{LINE}", f"{LINE}\r\n{LINE}\r\n", f"{LINE}\r{LINE}", f"\n\n{LINE}\n \n{LINE}\n\n",
    f"\ufeff{LINE}\n{LINE}\n",
])  # fmt: skip
def test_line_breaks_blank_lines_and_a_byte_order_mark(tmp_path: Path, text: str) -> None:
    found = read_geneval(written(tmp_path, text.encode())).prompts
    assert [p.id for p in found] == ["00000", "00001"]


def test_one_object_over_several_lines_is_one_prompt(tmp_path: Path) -> None:
    found = read_geneval(written(tmp_path, json.dumps(ROW, indent=1).encode()))
    assert [p.prompt for p in found.prompts] == ["a red circle"]


def test_unknown_fields_are_ignored_at_every_depth(tmp_path: Path) -> None:
    """As the docstring says, and as GenEval's own code does."""
    include = [ROW["include"][0] | {"bbox": [1, 2], "score": None}]
    row = ROW | {"include": include, "exclude": [{"class": "star", "count": 1, "why": {}}], "x": 1}
    (prompt,) = read_geneval(written(tmp_path, json.dumps(row).encode())).prompts
    assert prompt.expect.include[0].color == "red"
    assert prompt.expect.exclude[0].class_ == "star"


@pytest.mark.parametrize(
    ("data", "named"),
    [
        (json.dumps([ROW, ROW], indent=1).encode(), "JSON array"),
        (json.dumps([ROW]).encode(), "JSON array"),
        (b"Prompt\tCategory\na red circle\tAbstract\n", "TSV"),
        (b"prompt,tag\na red circle,colors\n", "CSV"),
        (b"prompt_set: s\nprompts: []\n", "YAML"),
        (b"- prompt: a\n", "YAML"),
        (b"PAR1\x15\x04\x15", "Parquet"),
        (LINE.encode("utf-16"), "UTF-16"),
        (LINE.encode("utf-16-le"), "UTF-16"),
        (b"\x1f\x8b\x08\x00", "gzip"),
        (b"PK\x03\x04", "zip"),
        (b"<!DOCTYPE html>\n<html>\n", "HTML"),
        (b"version https://git-lfs.github.com/spec/v1\noid sha256:0\n", "Git LFS"),
        (b"a red circle\na blue star\n", "plain text"),
        (b"\xe9\xe8 latin", "UTF-8"),
        (b" \n", "empty"),
    ],
)
def test_other_formats_are_named_in_one_line(tmp_path: Path, data: bytes, named: str) -> None:
    (problem,) = problems(written(tmp_path, data))
    assert named in problem.message
    assert problem.fix


@pytest.mark.parametrize(
    ("row", "field", "says"),
    [
        ({"prompt": None}, "prompt", "wanted: a text; found: nothing"),
        ({"prompt": "\u200b"}, "prompt", "can be seen"),
        ({"include": 5}, "include", "wanted: a list"),
        ({"include": [5]}, "include[0]", "wanted: fields"),
        ({"include": [{"class": "a", "count": True}]}, "include[0].count", "a whole number"),
        (
            {"include": [{"class": "a", "position": ["left of"]}]},
            "include[0].position",
            "2 entries",
        ),
        ({"include": [{"count": 1}]}, "include[0].class", "missing"),
    ],
)
def test_a_wrong_field_is_told_in_plain_words(
    tmp_path: Path, row: dict[str, Any], field: str, says: str
) -> None:
    (problem, *_) = problems(written(tmp_path, (LINE + "\n" + json.dumps(ROW | row)).encode()))
    assert (problem.line, problem.field) == (2, field)
    assert says in problem.message


def test_a_prompt_is_required(tmp_path: Path) -> None:
    (problem,) = problems(written(tmp_path, b'{"include": []}'))
    assert (problem.field, problem.message) == ("prompt", "required field is missing")


def test_an_object_over_several_lines_is_told_with_the_true_line_and_once(tmp_path: Path) -> None:
    good = json.dumps(ROW, indent=1)
    wrong = json.dumps(ROW | {"include": [{"class": "circle", "count": "two"}]}, indent=1)
    broken = good.replace('"count": 1,', '"count": 1')
    text = f"{good}\n{LINE}\n\n{wrong}\n{broken}\n{LINE}\n"
    first, second = problems(written(tmp_path, text.encode()))
    lines = text.split("\n")
    assert '"two"' in lines[first.line - 1]
    assert first.field == "include[0].count"
    assert "not JSON" in second.message
    assert '"color"' in lines[second.line - 1]
    text = f"{LINE}\n{good}\n{LINE}\n"
    assert [p.id for p in read_geneval(written(tmp_path, text.encode())).prompts] == [
        "00000", "00001", "00002",
    ]  # fmt: skip


def test_check_tells_the_line_of_a_json_lines_prompt_and_its_own_field(tmp_path: Path) -> None:
    write_project(tmp_path)
    (tmp_path / "prompts/few.yaml").unlink()
    unknown = json.dumps(ROW | {"include": [{"class": "wombat", "count": 1}]})
    (tmp_path / "prompts/few.jsonl").write_text(f"{LINE}\n\n{unknown}\n")
    (problem,) = unknown_words(load_project(tmp_path))
    assert (problem.file, problem.line, problem.field) == (
        "prompts/few.jsonl", 3, "include[0].class",
    )  # fmt: skip
