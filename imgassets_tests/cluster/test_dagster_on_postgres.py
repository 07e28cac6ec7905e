"""Dagster's storages keep their connections, and notice when Postgres was restarted."""

from __future__ import annotations

from pathlib import Path

import dagster as dg
import pytest

from imgassets.refresh.dagster_runs import open_instance
from imgassets_tests.cluster.postgres_server import PostgresServer

pytestmark = pytest.mark.cluster


@pytest.fixture
def instance(database_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    """A project's instance in a schema of its own."""
    monkeypatch.setenv("DAGSTER_HOME", str(tmp_path / "dagster"))
    (tmp_path / "contracts").mkdir()
    with open_instance(tmp_path) as found:
        yield found


def sessions(postgres: PostgresServer) -> int:
    """Connections that were ever made, this one not counted."""
    (row,) = postgres.query("SELECT sessions FROM pg_stat_database WHERE datname = 'postgres'")
    return int(str(row[0]))


def ask(instance: dg.DagsterInstance) -> None:
    """What a validation asks, of all three storages."""
    key = dg.AssetKey(["documents", "a"])
    instance.report_runless_asset_event(
        dg.AssetObservation(key, tags={"dagster/data_version": "1"})
    )
    assert instance.get_latest_data_version_record(key, is_source=True)
    assert instance.get_runs() == []
    assert instance.all_instigator_state() == []


def test_many_questions_take_few_connections(
    instance: dg.DagsterInstance, postgres: PostgresServer
) -> None:
    ask(instance)
    before = sessions(postgres)
    for _ in range(20):
        ask(instance)
    assert sessions(postgres) - before <= 3, "those that count are among them"


def test_after_a_restart_it_goes_on(instance: dg.DagsterInstance, postgres: PostgresServer) -> None:
    ask(instance)
    postgres.kill()
    postgres.start()
    ask(instance)
    key = dg.AssetKey(["documents", "a"])
    assert len(instance.fetch_observations(key, limit=9).records) == 2
