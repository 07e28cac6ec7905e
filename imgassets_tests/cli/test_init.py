"""`imgassets init`: a project that passes `check`, and never a file lost; `imgassets schema`."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import yaml
from jsonschema import Draft7Validator

from imgassets.cli.main import main
from imgassets.documents.project import load_project
from imgassets.documents.schemas import schema_texts
from imgassets.starts.files import Start

STARTS = [str(start) for start in Start]


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty folder, to stand in."""
    for variable in ("IMGASSETS_PROJECT", "IMGASSETS_HOME", "DAGSTER_HOME"):
        monkeypatch.setenv(variable, "")  # so that what a command sets does not outlive the test
        monkeypatch.delenv(variable)
    monkeypatch.chdir(tmp_path)
    return tmp_path


def contents(folder: Path) -> dict[str, bytes]:
    files = (path for path in folder.rglob("*") if path.is_file())
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in files}


@pytest.mark.parametrize("start", STARTS)
def test_what_is_written_passes_check_and_can_be_planned(
    start: str, folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["init", "--from", start]) == 0
    assert "imgassets validate" in capsys.readouterr().out
    assert main(["check"]) == 0
    captured = capsys.readouterr()
    assert "all valid" in captured.out
    assert not captured.err, "a start gives no hints: it is what to begin from"
    project = load_project(folder)
    assert project.branches()
    assert main(["plan", "--json"]) == 0


@pytest.mark.parametrize("start", STARTS)
def test_editors_find_the_schema_of_each_document(start: str, folder: Path) -> None:
    """The path of the line leads to a schema, and the schema takes the document."""
    assert main(["init", "--from", start, "deep/er"]) == 0
    documents = list((folder / "deep/er").rglob("*.yaml"))
    assert len(documents) >= 4
    for path in documents:
        line = path.read_text(encoding="utf-8").splitlines()[0]
        named = line.removeprefix("# yaml-language-server: $schema=")
        schema = json.loads((path.parent / named).read_text(encoding="utf-8"))
        data = json.loads(json.dumps(yaml.safe_load(path.read_text("utf-8")), default=str))
        assert not list(Draft7Validator(schema).iter_errors(data)), path


def test_the_demo_is_this_repositorys_own_project(folder: Path) -> None:
    """There is no second copy that could grow old."""
    assert main(["init"]) == 0
    root = Path(__file__).parents[2]
    for part in ("contracts", "prompts"):
        for path in (root / part).rglob("*.yaml"):
            written = (folder / path.relative_to(root)).read_bytes()
            assert written.split(b"\n", 1)[1] == path.read_bytes()
    photographs = [p for p in (root / "contracts/photographs").rglob("*") if p.is_file()]
    assert len(photographs) == 3 * 40  # of the trial one is missing; README.md tells which
    for path in photographs:
        assert (folder / path.relative_to(root)).read_bytes() == path.read_bytes()


@pytest.mark.parametrize("taken", ["prompts/first.yaml", "schemas/model.json"])
def test_nothing_is_overwritten(
    taken: str, folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """One file in the way: it is named, and nothing at all is written."""
    path = folder / "mine" / taken
    path.parent.mkdir(parents=True)
    path.write_text("mine")
    assert main(["init", "--from", "diffusers", "mine"]) == 2
    captured = capsys.readouterr()
    assert taken in captured.err
    assert "nothing was written" in captured.err
    assert contents(folder) == {f"mine/{taken}": b"mine"}


def test_a_link_to_nothing_is_in_the_way_too(folder: Path) -> None:
    (folder / "prompts").mkdir()
    (folder / "prompts/first.yaml").symlink_to(folder / "gone")
    assert main(["init", "--from", "diffusers"]) == 2
    assert not contents(folder)


def test_other_files_stay_beside_it(folder: Path) -> None:
    (folder / "README.md").write_text("mine")
    assert main(["init", "--from", "diffusers"]) == 0
    assert (folder / "README.md").read_text() == "mine"
    assert main(["init", "--from", "diffusers"]) == 2, "a second time"


def test_what_is_no_folder_and_no_start_is_told(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (folder / "file").write_text("mine")
    assert main(["init", "file"]) == 2
    assert main(["init", "--from", "midjourney"]) == 2
    assert "diffusers" in capsys.readouterr().err
    assert contents(folder) == {"file": b"mine"}


def test_a_project_named_elsewhere_is_told_of(
    folder: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("IMGASSETS_PROJECT", str(folder / "other"))
    assert main(["init", "--from", "diffusers", "new"]) == 0
    assert "$IMGASSETS_PROJECT is" in capsys.readouterr().err


def test_schemas_are_written_anew(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Into the project's `schemas/`, or where `--out` says; an older version gives way."""
    assert main(["init", "--from", "diffusers"]) == 0
    (folder / "schemas/model.json").write_text("of an older version")
    assert main(["schema"]) == 0
    said = capsys.readouterr().out
    assert "# yaml-language-server: $schema=../../schemas/endpoint.json" in said
    assert main(["schema", "--out", "else/where"]) == 0
    for name, text in schema_texts().items():
        assert (folder / "schemas" / name).read_text("utf-8") == text
        assert (folder / "else/where" / name).read_text("utf-8") == text
