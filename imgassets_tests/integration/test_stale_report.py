"""`imgassets report` knows whether what it prints is still true."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from imgassets.cli.main import main
from imgassets_tests.integration.rows import contract, edit, label, swap_incumbent
from imgassets_tests.integration.small import validated

edit_contract = edit(contract, "floor: 0.1", "floor: 0.9")


@pytest.fixture
def project(small: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A copy of the validated project, the one that is stood in."""
    shutil.copytree(small, tmp_path, dirs_exist_ok=True)
    monkeypatch.setenv("IMGASSETS_PROJECT", str(tmp_path))
    monkeypatch.delenv("IMGASSETS_HOME", raising=False)
    monkeypatch.setenv("DAGSTER_HOME", str(tmp_path / ".imgassets" / "dagster"))
    return tmp_path


def test_a_copied_project_then_a_fresh_one_then_an_edited_one(
    small: Path, project: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["report", "--fresh"]) == 2
    assert f"made by the project {small}, not by {project}" in capsys.readouterr().err
    validated(project)
    capsys.readouterr()
    assert main(["report", "--fresh"]) in (0, 1)
    said = capsys.readouterr()
    assert said.err == ""
    assert "Not up to date" not in said.out
    edit_contract(project)
    assert main(["report", "--fresh"]) == 2
    said = capsys.readouterr()
    assert "cards.yaml:" in said.err
    assert "floor: 0.1 -> 0.9" in said.err
    assert said.out.startswith("> \u26a0\ufe0f **Not up to date**")
    assert main(["report"]) in (0, 1)


@pytest.mark.parametrize("change", [label, swap_incumbent])
def test_labels_and_another_incumbent_outdate_a_report(
    project: Path, change: object, capsys: pytest.CaptureFixture[str]
) -> None:
    validated(project)
    change(project)  # type: ignore[operator]
    assert main(["report", "--fresh"]) == 2
    assert "out of date" in capsys.readouterr().err
