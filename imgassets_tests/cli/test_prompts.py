"""`imgassets prompts import` writes a set that `check` takes; proposals say nothing yet."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from imgassets.cli.main import main
from imgassets.documents.project import load_project, read_document
from imgassets.documents.prompts import Expectation, PromptSet

LINES = 'two cats\na red apple\na sign that says "SALE: 50 %"\na mood\n'


@pytest.fixture
def lines(project_root: Path, tmp_path: Path) -> Path:
    path = tmp_path / "My prompts.txt"
    path.write_text(LINES)
    return path


def test_a_file_becomes_a_prompt_set_of_the_project(
    project_root: Path, lines: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["prompts", "import", str(lines)]) == 0
    said = capsys.readouterr().out
    assert "4 prompts (format lines), 0 with an `expect`" in said
    assert "`prompt_sets: [my-prompts]`" in said
    found = load_project(project_root).prompt_sets["my-prompts"].document
    assert [p.id for p in found.prompts][:2] == ["two-cats", "a-red-apple"]
    assert [p.prompt for p in found.prompts] == LINES.splitlines()


def test_proposals_say_nothing_until_a_person_takes_the_mark_away(
    project_root: Path, lines: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["prompts", "import", str(lines), "--propose"]) == 0
    said = capsys.readouterr().out
    assert "proposed for 3 of 4 prompts" in said
    assert "not proposed for 1: names no object that the judge knows" in said
    path = project_root / "prompts/my-prompts.yaml"
    assert all(p.expect == Expectation() for p in read_document(path, PromptSet).prompts)
    path.write_text(path.read_text().replace("    # expect:", "    expect:"))
    two, apple, sale, mood = (p.expect for p in read_document(path, PromptSet).prompts)
    assert (two.include[0].count, two.exclude[0].count) == (2, 3)
    assert (apple.include[0].color, sale.text, mood) == ("red", "SALE: 50 %", Expectation())


def test_nothing_is_overwritten(
    project_root: Path, lines: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    before = (project_root / "prompts/few.yaml").read_text()
    arguments = ["prompts", "import", str(lines), "--out", str(project_root / "prompts/few.yaml")]
    assert main(arguments) == 2
    assert "is not overwritten" in capsys.readouterr().err
    assert (project_root / "prompts/few.yaml").read_text() == before


def test_expectations_that_a_file_gives_are_kept(project_root: Path, tmp_path: Path) -> None:
    row = {"tag": "a", "include": [{"class": "cat", "count": 1}], "prompt": 'a cat: #1 \\ "x"'}
    (tmp_path / "m.jsonl").write_text(json.dumps(row))
    out = project_root / "prompts/cats.yaml"
    assert main(["prompts", "import", str(tmp_path / "m.jsonl"), "--out", str(out)]) == 0
    (prompt,) = read_document(out, PromptSet).prompts
    assert (prompt.id, prompt.prompt, prompt.tags) == ("00000", row["prompt"], ("a",))
    assert prompt.expect.include[0].class_ == "cat"


def test_json_tells_each_proposal(
    project_root: Path, lines: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["prompts", "import", str(lines), "--propose", "--json"]) == 0
    told = json.loads(capsys.readouterr().out)
    assert (told["prompts"], told["with_expectation"]) == (4, 0)
    apple = told["proposals"]["a-red-apple"]["expect"]
    assert apple == {"include": [{"class": "apple", "color": "red"}]}
    assert told["proposals"]["a-mood"]["reason"]


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["{root}/none.txt"], "no such file"),
        (["{lines}", "--out", "{root}/prompts/Bad Name.yaml"], "bad-name.yaml"),
        (["{lines}", "--out", "{root}/prompts/a.txt"], "a.yaml"),
        (["{lines}", "--propose", "--judge", "faces"], "does not judge composition"),
        (["{lines}", "--propose", "--judge", "nobody"], "no judge 'nobody'"),
        (["{lines}", "--format", "table"], "no column of prompts"),
    ],
)
def test_bad_input_exits_2_and_writes_nothing(
    project_root: Path,
    lines: Path,
    capsys: pytest.CaptureFixture[str],
    arguments: list[str],
    said: str,
) -> None:
    given = [a.format(root=project_root, lines=lines) for a in arguments]
    assert main(["prompts", "import", *given]) == 2
    assert said in capsys.readouterr().err
    assert [p.name for p in (project_root / "prompts").iterdir()] == ["few.yaml"]


def test_a_contract_that_names_a_file_of_another_format_is_told_the_command(
    project_root: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    contract = project_root / "contracts/endpoints/cards.yaml"
    contract.write_text(contract.read_text().replace("[few]", "[few, more]"))
    (project_root / "prompts/more.txt").write_text(LINES)
    assert main(["check"]) == 1
    assert "[fix: run `imgassets prompts import prompts/more.txt`]" in capsys.readouterr().out
