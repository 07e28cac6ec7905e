"""Prompt sets as people have them are read by one function, and what is none is told."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from imgassets.documents.problems import InvalidDocumentsError, Problem
from imgassets.documents.prompt_files import PromptFormat, format_of, read_prompt_set

PARTI = (
    "Prompt\tCategory\tChallenge\tNote\n"
    "bond\tAbstract\tBasic\tBiology-inspired\n"
    '"G I G G L E" painted in thick colorful lettering\tArts\tWriting & Symbols\t\n'
    'a wall with the words "Fly an airplane"\tOutdoor Scenes\tComplex\t\n'
)
DRAWBENCH = (
    "Prompts,Category\n"
    "A red colored car.,Colors\n"
    '"One cat, two dogs on the grass.",Counting\n'
    '"A sign that says ""Hello World"".",Text\n'
)


def written(folder: Path, name: str, text: str | bytes) -> Path:
    path = folder / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    return path


def problems(path: Path) -> tuple[Problem, ...]:
    with pytest.raises(InvalidDocumentsError) as caught:
        read_prompt_set(path)

    return caught.value.problems


def test_parti_prompts(tmp_path: Path) -> None:
    found = read_prompt_set(written(tmp_path, "PartiPrompts.tsv", PARTI))
    assert found.prompt_set == "partiprompts"
    assert [p.prompt for p in found.prompts] == [
        "bond",
        '"G I G G L E" painted in thick colorful lettering',
        'a wall with the words "Fly an airplane"',
    ]
    assert found.prompts[2].tags == ("Outdoor Scenes", "Complex")
    assert found.prompts[2].id == "a-wall-with-the-words-fly-an-airplane"


@pytest.mark.parametrize("name", ["DrawBench.csv", "drawbench.txt"])
def test_drawbench(tmp_path: Path, name: str) -> None:
    found = read_prompt_set(written(tmp_path, name, DRAWBENCH))
    assert [p.prompt for p in found.prompts] == [
        "A red colored car.", "One cat, two dogs on the grass.",
        'A sign that says "Hello World".',
    ]  # fmt: skip
    assert found.prompts[1].tags == ("Counting",)


def test_a_table_from_a_spreadsheet_with_semicolons_and_its_own_ids(tmp_path: Path) -> None:
    text = "\ufeffid;Prompt;Note\r\nhero-1;a cat, alone;x\r\nhero-2;a dog\r\n"
    found = read_prompt_set(written(tmp_path, "a.csv", text))
    assert [(p.id, p.prompt) for p in found.prompts] == [
        ("hero-1", "a cat, alone"), ("hero-2", "a dog"),
    ]  # fmt: skip


def test_one_prompt_a_line(tmp_path: Path) -> None:
    path = written(tmp_path, "color_val.txt", "a green bench and a red car\r\n\r\nA dog.\r\n")
    found = read_prompt_set(path)
    assert (found.prompt_set, found.prompts[1].prompt) == ("color-val", "A dog.")


def test_a_folder_with_one_prompt_a_file_keeps_their_names(tmp_path: Path) -> None:
    written(tmp_path, "dpg/COCOval2014_33.txt", "A long description.\n")
    written(tmp_path, "dpg/2.txt", "A vibrant red truck.")
    found = read_prompt_set(tmp_path / "dpg")
    assert [(p.id, p.tags) for p in found.prompts] == [("2", ()), ("cocoval2014-33", ())]


def test_a_folder_of_files_with_one_prompt_a_line_tags_each_with_its_file(tmp_path: Path) -> None:
    written(tmp_path, "t2i/color.txt", "a red car\na blue car\n")
    written(tmp_path, "t2i/shape.txt", "a round clock\n")
    found = read_prompt_set(tmp_path / "t2i")
    assert [(p.id, p.tags) for p in found.prompts] == [
        ("a-red-car", ("color",)), ("a-blue-car", ("color",)), ("a-round-clock", ("shape",)),
    ]  # fmt: skip


def test_genevals_json_lines_and_our_yaml(tmp_path: Path) -> None:
    line = json.dumps({"tag": "a", "include": [{"class": "cat", "count": 1}], "prompt": "a cat"})
    for name in ("m.jsonl", "m.txt", "m"):
        (prompt,) = read_prompt_set(written(tmp_path, name, line)).prompts
        assert (prompt.id, prompt.expect.include[0].class_) == ("00000", "cat")
    text = "prompt_set: s\nprompts: [{id: a, prompt: a cat}]\n"
    for name in ("s.yaml", "s.txt"):
        assert read_prompt_set(written(tmp_path, name, text)).prompts[0].id == "a"


def test_ids_stay_when_lines_come_and_go(tmp_path: Path) -> None:
    lines = ["a red car", "a blue car", "x " * 60, "x " * 60 + "y", "猫", "C++", "C", "a red car"]
    ids = {p.prompt: p.id for p in read_prompt_set(written(tmp_path, "a.txt", "\n".join(lines)))
           .prompts[:-1]}  # fmt: skip
    assert len(set(ids.values())) == 7
    less = read_prompt_set(written(tmp_path, "a.txt", "\n".join(reversed(lines[1:7]))))
    assert all(ids[p.prompt] == p.id for p in less.prompts)


def test_a_prompt_that_comes_again_has_a_name_of_its_own(tmp_path: Path) -> None:
    found = read_prompt_set(written(tmp_path, "a.txt", "a cat\na cat\n"))
    assert [p.id for p in found.prompts] == ["a-cat", "a-cat-again-2"]


@pytest.mark.parametrize(
    ("name", "data", "line", "field", "says"),
    [
        ("a.csv", "prompt,category\na cat,x\na cat, alone,x\n", 3, "", "3 columns"),
        ("a.tsv", "Prompt\tCategory\n\tx\n", 2, "prompt", "at least 1"),
        ("a.tsv", "Category\tPrompt\nx\n", 2, "prompt", "no column"),
        ("a.csv", "name,words\na,b\n", 1, "", "name, words"),
        ("a.csv", 'prompt,category\n"two\nlines",x\na,b,c\n', 4, "", "3 columns"),
        ("a.csv", "id,prompt\na,one\na,two\n", 3, "id", "line 2"),
        ("a.csv", "id,prompt\nA B,one\n", 2, "id", "small letters"),
        ("a.txt", "", 1, "", "empty"),
        ("a.txt", " \n\n", 1, "", "empty"),
        ("a.txt", "a cat\n\u200b\n", 2, "", "can be seen"),
        ("a.txt", b"a cat\nl'\xe9t\xe9\n", 2, "", "UTF-8"),
        ("a.txt", "a cat\n".encode("utf-16"), 1, "", "UTF-16"),
        ("a.txt", b"\x89PNG\r\n\x1a\n\0\0", 1, "", "binary"),
        ("a.txt", "[1]", 1, "", "JSON array"),
        ("a.csv", b"PAR1", 1, "", "Parquet"),
        ("a.txt", "a cat\n" * 20_001, 1, "", "20001 prompts"),
        ("a.txt", "x" * (8 * 2**20 + 1), 1, "", "larger than 8 MiB"),
        ("dir/a.md", "a cat", 1, "", "no text file"),
        ("dir/a.txt", "", 1, "", "the file is empty"),
    ],
)  # fmt: skip
def test_bad_files_are_told_with_file_line_field_and_fix(
    tmp_path: Path, name: str, data: str | bytes, line: int, field: str, says: str
) -> None:
    path = written(tmp_path, name, data)
    (problem,) = problems(path.parent if path.parent != tmp_path else path)
    assert (problem.line, problem.field) == (line, field)
    assert says in problem.message + problem.fix


def test_a_missing_file_and_a_format_that_is_named(tmp_path: Path) -> None:
    assert "no such file" in problems(tmp_path / "none.txt")[0].message
    path = written(tmp_path, "a.csv", "a cat, alone\n")
    assert read_prompt_set(path, PromptFormat.LINES).prompts[0].prompt == "a cat, alone"
    assert format_of(path) is PromptFormat.TABLE
