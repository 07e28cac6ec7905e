"""`imgassets rollout`: what it prints and exits with; what goes back reads no document."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from imgassets.cli.main import main
from imgassets.storage.rollout_files import RolloutFiles
from imgassets_tests.rollout.factories import begin, files_in, go_on


@pytest.fixture
def files(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> RolloutFiles:
    """Cards is at 10 %, in a project whose contract no longer parses."""
    contracts = tmp_path / "contracts" / "endpoints"
    contracts.mkdir(parents=True)
    (contracts / "cards.yaml").write_text("endpoint: [")
    monkeypatch.setenv("IMGASSETS_PROJECT", str(tmp_path))
    files = files_in(tmp_path)
    begin(files)
    go_on(files, [1, 10])
    return files


def run(*words: str) -> int:
    return main(["rollout", *words])


def test_where_it_stands_and_what_was_done(
    files: RolloutFiles, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run("status") == 0
    assert capsys.readouterr().out == (
        "cards: fast at stage 10 (10 % of users) since 2026-11-04 09:00 UTC; incumbent prod\n"
    )
    assert run("history", "--endpoint", "cards") == 0
    first, *_, last = capsys.readouterr().out.splitlines()
    assert first.split()[:4] == ["1", "cards", "2026-11-02T09:00:00.000+00:00", "start"]
    assert last.endswith("promote 1 -> 10 by ada, verdict ffffffffffff")
    assert run("verify", "--json") == 0
    assert json.loads(capsys.readouterr().out)["entries"] == 3


def test_back_and_back_again(files: RolloutFiles, capsys: pytest.CaptureFixture[str]) -> None:
    assert run("freeze", "--endpoint", "cards", "--reason", "odd") == 0
    assert run("status") == 0
    assert "FROZEN" in capsys.readouterr().out
    assert run("revert", "--endpoint", "cards", "--reason", "six fingers") == 0
    assert "prod has all users again; fast was at stage 10" in capsys.readouterr().out
    assert run("revert", "--endpoint", "cards", "--json") == 0
    assert json.loads(capsys.readouterr().out)["reverted"] is False
    assert run("status") == 0
    assert "cards: prod has all users (revert by" in capsys.readouterr().out
    assert run("unfreeze", "--endpoint", "cards") == 2
    assert "cards has no rollout (none is running)" in capsys.readouterr().err


def test_changes_by_hand_are_exit_code_1(
    files: RolloutFiles, capsys: pytest.CaptureFixture[str]
) -> None:
    files.flags.write_text(files.flags.read_text().replace("1000", "9999"))
    for command in ("status", "verify"):
        assert run(command) == 1
        assert "CHANGED: flags.json: cards:" in capsys.readouterr().out
    assert run("verify", "--head", "0" * 64) == 1
    assert "no line has the hash 000" in capsys.readouterr().out


def test_steps_forward_need_the_contract(
    files: RolloutFiles, capsys: pytest.CaptureFixture[str]
) -> None:
    before = files.flags.read_bytes()
    assert run("promote", "--endpoint", "cards") == 2
    assert "contracts/endpoints/cards.yaml" in capsys.readouterr().err
    assert files.flags.read_bytes() == before


def test_a_contract_without_a_rollout_starts_none(
    project_root: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("IMGASSETS_PROJECT", str(project_root))
    assert run("start", "--endpoint", "cards", "--model", "fast") == 2
    assert "cards.yaml has no `rollout`; add it (docs/rollout.md)" in capsys.readouterr().err
    assert run("start", "--endpoint", "crads", "--model", "fast") == 2
    assert "no endpoint 'crads'; there are: cards" in capsys.readouterr().err
    assert run("status") == 0
    assert capsys.readouterr().out == "no rollout was ever started\n"
