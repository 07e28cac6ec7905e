"""`imgassets rollout outcomes` and `watch`, the sensor beside them, and what gates are told."""

from __future__ import annotations

import json
import random
import signal
import subprocess
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path

import dagster as dg
import pytest

from imgassets.cli.main import main
from imgassets.defs.build import build_definitions
from imgassets.defs.outcomes_watched import outcomes_watched
from imgassets.defs.resources import ProjectResource
from imgassets.documents.project import load_project
from imgassets.rollout.record import read_record
from imgassets.rollout.watch import outcomes_now
from imgassets.storage.rollout_files import rollout_files
from imgassets_tests.conftest import edit_file
from imgassets_tests.rollout.factories import begin

ROLLOUT = """\
rollout:
  stages: [shadow, 10, 100]
  min_hours: 1
  min_requests: 50
  max_verdict_age_days: 30
  keep_incumbent_days: 7
  outcomes:
    failures: {margin: 1 point, ceiling: 20 %}
    looks: 20
    min_requests: 100
"""
#: When the test began: modules are imported long before their tests run, and silence is a finding.
NOW = datetime.now(UTC)


@pytest.fixture(autouse=True)
def _now(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys.modules[__name__], "NOW", datetime.now(UTC))


@pytest.fixture
def project(project_root: Path) -> Path:
    """The small project, an hour into the first stage of its rollout."""
    contract = project_root / "contracts/endpoints/cards.yaml"
    contract.write_text(contract.read_text() + ROLLOUT)
    begin(rollout_files(project_root), NOW - timedelta(hours=1))
    return project_root


def write_outcomes(path: Path, fails: float, count: int = 400) -> Path:
    """Requests of both models in the last hour, of which the candidate's fail so often."""
    rng, lines = random.Random(3), []
    for i in range(count):
        at = (NOW - timedelta(minutes=50) + timedelta(seconds=7 * i)).isoformat()
        for arm, rate in (("incumbent", 0.01), ("candidate", fails)):
            status = "timed_out" if rng.random() < rate else "ok"
            line = {"id": f"{arm}-{i}", "at": at, "arm": arm, "status": status}
            lines.append(json.dumps(line))
    path.write_text("".join(f"{line}\n" for line in lines))
    return path


def run(*words: str) -> int:
    return main(["rollout", *words, "--endpoint", "cards"])


def stage_of(project: Path) -> str:
    last = read_record(rollout_files(project)).last("cards")
    assert last is not None
    return f"{last.event} {last.stage}"


def test_a_breach_reverts_and_is_told(project: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = write_outcomes(project / "log.jsonl", fails=0.15)
    assert run("outcomes", str(file)) == 0
    assert "800 new, 0 known before" in capsys.readouterr().out
    assert run("outcomes", str(file)) == 0
    assert "0 new, 800 known before" in capsys.readouterr().out
    assert run("watch", "--once") == 1
    said = capsys.readouterr().out
    assert "cards, stage shadow: breach: the candidate fails in" in said
    assert "reverted: all users have the incumbent again" in said
    assert stage_of(project) == "revert none"
    assert run("watch", "--once") == 0
    assert "no rollout is running" in capsys.readouterr().out
    assert run("history") == 0
    assert "by watch of" in capsys.readouterr().out


def test_equal_models_go_on_and_status_tells_the_last_look(
    project: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run("outcomes", str(write_outcomes(project / "log.jsonl", fails=0.01))) == 0
    assert run("watch", "--once", "--json") == 0
    told = json.loads(capsys.readouterr().out.partition("\n")[2])
    assert told["finding"]["state"] == "fine"
    assert stage_of(project) == "start shadow"
    assert run("status") == 0
    assert "outcomes, look 1 at" in capsys.readouterr().out
    now = outcomes_now(load_project(project), "cards", NOW)
    assert now is not None
    assert (now.requests, now.breach, now.hold) == (400, "", "")


def test_slow_requests_break_the_contracts_seconds(
    project: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    contract = project / "contracts/endpoints/cards.yaml"
    edit_file(
        contract, "    looks: 20", "    seconds: {ceiling: 8 s, quantile: 0.9}\n    looks: 20"
    )
    file = write_outcomes(project / "log.jsonl", fails=0.01)
    slow = file.read_text().replace('"candidate", "status"', '"candidate", "seconds": 9, "status"')
    file.write_text(slow)
    assert run("outcomes", str(file)) == 0
    assert run("watch", "--once") == 1
    assert "took longer than 8 s; the contract allows that in 10 %" in capsys.readouterr().out


def test_bad_lines_are_told_and_the_others_count(
    project: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = write_outcomes(project / "log.jsonl", fails=0.01, count=3)
    file.write_text(file.read_text() + '{"id": "x"}\n{"id": "half')
    assert run("outcomes", str(file)) == 1
    said = capsys.readouterr()
    assert "6 new, 0 known before, 1 refused" in said.out
    assert "the last line is half written" in said.out
    assert f"{file}:7: " in said.err


def test_no_outcomes_hold(project: Path) -> None:
    found = outcomes_now(load_project(project), "cards", NOW)
    assert found is not None
    assert found.requests == 0
    assert found.hold.startswith("too few requests to judge: 0 and 0")


def test_without_limits_there_is_nothing_to_watch(
    project: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    edit_file(
        project / "contracts/endpoints/cards.yaml", ROLLOUT[ROLLOUT.index("  outcomes") :], ""
    )
    assert run("watch", "--once") == 2
    assert "has no `rollout.outcomes`; add its limits" in capsys.readouterr().err
    assert outcomes_now(load_project(project), "cards", NOW) is None
    assert run("outcomes", str(write_outcomes(project / "log.jsonl", fails=0.5))) == 0
    found = outcomes_now(load_project(project), "cards", NOW)
    assert found is not None
    assert (found.requests, found.breach) == (400, "")


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["watch", "--once", "--every", "soon"], "write 10s, 5min or 1h"),
        (["outcomes", "missing.jsonl"], "missing.jsonl:1: No such file or directory"),
    ],
)
def test_bad_input_is_told(
    project: Path, words: list[str], said: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(*words) == 2
    assert said in capsys.readouterr().err


def test_a_damaged_log_stops_no_status_and_no_step_back(
    project: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run("outcomes", str(write_outcomes(project / "log.jsonl", fails=0.01))) == 0
    log = project / ".imgassets/outcomes/cards.sqlite"
    log.write_bytes(b"not a database, " * 64)
    assert run("watch", "--once") == 2
    assert "restore it from a backup" in capsys.readouterr().err
    assert run("status") == 0
    said = capsys.readouterr().out
    assert "at stage shadow" in said
    assert "the log of outcomes" in said
    assert run("revert") == 0


def test_a_watcher_that_keeps_running_takes_it_back(project: Path) -> None:
    command = [sys.executable, "-m", "imgassets.cli.main", "rollout", "watch", "--endpoint",
               "cards", "--every", "0.2s"]  # fmt: skip
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as watcher:
        try:
            assert watcher.stdout is not None
            assert "hold: too few requests to judge" in watcher.stdout.readline()
            assert run("outcomes", str(write_outcomes(project / "log.jsonl", fails=0.15))) == 0
            assert "breach: the candidate fails in" in watcher.stdout.readline()
            assert "reverted" in watcher.stdout.readline()
        finally:
            watcher.send_signal(signal.SIGINT)
        assert watcher.wait(30) == 2  # as every command that is interrupted
    assert stage_of(project) == "revert none"


def test_the_sensor_is_there_where_a_contract_has_limits(project: Path) -> None:
    built = build_definitions(load_project(project)).get_repository_def()
    assert built.has_sensor_def("outcomes_watched")


def test_the_sensor_watches_too(project: Path) -> None:
    assert run("outcomes", str(write_outcomes(project / "log.jsonl", fails=0.15))) == 0
    resources = {"workplace": ProjectResource(root=str(project))}
    with dg.DagsterInstance.ephemeral() as instance:
        context = dg.build_sensor_context(instance, resources=resources)
        told = outcomes_watched()(context)
    assert isinstance(told, dg.SkipReason)
    assert "reverted: all users have the incumbent again" in str(told.skip_message)
    assert stage_of(project) == "revert none"
