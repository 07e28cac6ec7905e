"""Two projects in one database: neither sees, spends or ends what is the other's."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import dagster as dg
import pytest
from dagster._core.test_utils import create_run_for_test

from imgassets.backends.journal import Journal
from imgassets.refresh.dagster_runs import bury_dead_runs, open_instance
from imgassets.storage.database import DatabaseError, database_of
from imgassets.storage.database_schema import prepare
from imgassets_tests.cluster.postgres_server import PASSWORD, PostgresServer
from imgassets_tests.conftest import write_project

pytestmark = pytest.mark.cluster


@pytest.fixture
def teams(
    tmp_path: Path, postgres: PostgresServer, monkeypatch: pytest.MonkeyPatch
) -> dict[str, Path]:
    """The projects of two teams; `join` chooses one."""
    for name in ("DAGSTER_HOME", "IMGASSETS_HOME"):
        monkeypatch.setenv(name, "")
        monkeypatch.delenv(name)
    monkeypatch.setenv("IMGASSETS_DATABASE_FOR_DAGSTER", "")
    monkeypatch.setenv("IMGASSETS_DATABASE", "")
    for team in ("red", "blue"):
        write_project(tmp_path / team)
    return {team: tmp_path / team for team in ("red", "blue")}


def join(team: str, server: PostgresServer) -> None:
    os.environ["IMGASSETS_DATABASE"] = server.url(f"team_{team}")
    os.environ.pop("DAGSTER_HOME", None)


def test_runs_and_events_of_one_are_not_seen_by_the_other(
    teams: dict[str, Path], postgres: PostgresServer
) -> None:
    join("red", postgres)
    with open_instance(teams["red"]) as instance:
        assert type(instance.event_log_storage).__name__ == "PostgresEventLogStorage"
        assert type(instance.run_storage).__name__ == "PostgresRunStorage"
        assert type(instance.schedule_storage).__name__ == "PostgresScheduleStorage"
        instance.report_runless_asset_event(dg.AssetMaterialization("table"))
        assert len(instance.get_asset_keys()) == 1
    join("blue", postgres)
    with open_instance(teams["blue"]) as instance:
        assert instance.get_asset_keys() == []
    join("red", postgres)
    with open_instance(teams["red"]) as instance:
        assert len(instance.get_asset_keys()) == 1
    written = [p for root in teams.values() for p in root.rglob("*.yaml")]
    assert len([p for p in written if p.parent.name == "postgres"]) == 2
    assert not any("pw%2F" in p.read_text() or PASSWORD in p.read_text() for p in written)


def test_each_has_its_own_budget(teams: dict[str, Path], postgres: PostgresServer) -> None:
    for team, root in teams.items():
        join(team, postgres)
        journal = Journal(root / "paid", "m")
        assert journal.claim("key", "generate", 0.1, 0.1, lambda entry: False)
        assert journal.spent() == pytest.approx(0.1)


def test_a_role_of_one_team_cannot_enter_the_schema_of_the_other(
    teams: dict[str, Path], postgres: PostgresServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As docs/deployment.md creates them."""
    for team in teams:
        postgres.query(f"CREATE ROLE {team} LOGIN PASSWORD '{PASSWORD}'")
        postgres.query(f"CREATE SCHEMA own_{team} AUTHORIZATION {team}")
    monkeypatch.setenv("IMGASSETS_DATABASE", postgres.url("own_red", user="red"))
    ours = database_of()
    assert ours is not None
    prepare(ours)
    assert Journal(teams["red"] / "paid", "m").spent() == 0
    monkeypatch.setenv("IMGASSETS_DATABASE", postgres.url("own_red", user="blue"))
    theirs = database_of()
    assert theirs is not None
    with pytest.raises(DatabaseError, match=r"own_red cannot be used: .*(permission|no schema)"):
        prepare(theirs)


#: Starts a run, as `run_assets` tags it, and stays.
RUNS = """
import sys, time
from pathlib import Path
from dagster import DagsterRunStatus
from dagster._core.test_utils import create_run_for_test
from imgassets.refresh.dagster_runs import _PROCESS_TAG, _this_process, open_instance

instance = open_instance(Path(sys.argv[1]))
tags = {_PROCESS_TAG: _this_process()}
create_run_for_test(instance, job_name="validate", status=DagsterRunStatus.STARTED, tags=tags)
print("started", flush=True)
time.sleep(600)
"""


def test_a_run_of_another_machine_is_ended_when_that_is_gone_and_not_before(
    teams: dict[str, Path], postgres: PostgresServer
) -> None:
    join("red", postgres)
    other = subprocess.Popen(
        [sys.executable, "-c", RUNS, str(teams["red"])], stdout=subprocess.PIPE
    )
    try:
        assert other.stdout is not None
        assert other.stdout.readline() == b"started\n"
        with open_instance(teams["red"]) as instance:
            assert bury_dead_runs(instance) == []
            other.kill()
            other.wait()
            (run,) = instance.get_runs()
            assert bury_dead_runs(instance) == [run.run_id]
            (run,) = instance.get_runs()
            assert run.status is dg.DagsterRunStatus.FAILURE
            create_run_for_test(instance, job_name="validate")  # the history goes on
    finally:
        other.kill()
        other.wait()
