"""The setting, its messages, and the tables of older and newer versions."""

from __future__ import annotations

import time
from pathlib import Path

import pytest
from dagster_postgres.utils import DagsterPostgresException
from sqlalchemy.exc import OperationalError

from imgassets.documents.environment import PlaceError
from imgassets.storage import database as database_module
from imgassets.storage.database import Database, DatabaseError, database_of, failure_behind
from imgassets.storage.database_schema import STEPS, migrate, prepare
from imgassets_tests.cluster.postgres_server import PASSWORD, PostgresServer

pytestmark = pytest.mark.cluster


@pytest.mark.parametrize(
    ("value", "told"),
    [
        ("", "is no address of Postgres"),
        ("mysql://a:secret@host/db", "is no address of Postgres"),
        ("host=localhost password=secret", "is no address of Postgres"),
        ("postgresql://a:secret@host:port/db", "cannot be read"),
        ("postgresql://a:secret@host/db?schema=Team%20A", "names the schema 'Team A'"),
        ("postgresql://a:secret@host/db?schema=pg_mine", "names the schema 'pg_mine'"),
    ],
)
def test_a_bad_address_is_told_without_its_password(
    value: str, told: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("IMGASSETS_DATABASE", value)
    with pytest.raises(PlaceError) as raised:
        database_of()
    assert told in str(raised.value)
    assert "secret" not in str(raised.value)
    assert raised.value.__cause__ is None


def test_not_set_there_is_none(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("IMGASSETS_DATABASE", raising=False)
    assert database_of() is None


def found() -> Database:
    database = database_of()
    assert database is not None
    return database


def test_a_wrong_password_is_told_at_once_and_not_shown(
    database_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("IMGASSETS_DATABASE", database_url.replace("pw%2F", "hush%2F"))
    start = time.monotonic()
    with pytest.raises(DatabaseError, match="password authentication failed") as raised:
        prepare(found())
    assert time.monotonic() - start < 5
    assert "hush" not in str(raised.value) + repr(found()) + str(found().url)


def test_a_password_may_come_from_the_environment(
    postgres: PostgresServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    url = postgres.url("from_environment")
    bare = f"postgresql://owner@127.0.0.1:{postgres.port}/postgres?schema=from_environment"
    assert PASSWORD not in bare
    assert url != bare
    monkeypatch.setenv("IMGASSETS_DATABASE", bare)
    monkeypatch.setenv("PGPASSWORD", PASSWORD)
    prepare(found())
    version = "SELECT version FROM from_environment.imgassets_schema"
    assert postgres.query(version) == [(len(STEPS),)]


def test_a_service_file_may_say_it_all(
    postgres: PostgresServer, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    file = tmp_path / "services"
    file.write_text(
        f"[prod]\nhost=127.0.0.1\nport={postgres.port}\nuser=owner\ndbname=postgres\n"
        f"password={PASSWORD}\n"
    )
    monkeypatch.setenv("PGSERVICEFILE", str(file))
    monkeypatch.setenv("IMGASSETS_DATABASE", "postgresql:///?service=prod&schema=by_service")
    prepare(found())
    assert postgres.query("SELECT count(*) FROM by_service.asks") == [(0,)]


def test_an_older_schema_is_migrated_and_keeps_its_rows(
    database_url: str, postgres: PostgresServer
) -> None:
    database = found()
    database.run(lambda connection: migrate(connection, database, STEPS[:1]))
    postgres.query(
        f"INSERT INTO {database.schema}.asks "
        "(image_key, model, flow, micro_usd, state, owner, at) VALUES "
        "('k', 'm', 'generate', 60000, 'received', 'pg:1', '2026-11-27 12:00:00')"
    )
    prepare(database)
    version = f"SELECT max(version) FROM {database.schema}.imgassets_schema"
    assert postgres.query(version) == [(len(STEPS),)]
    assert postgres.query(f"SELECT count(*) FROM {database.schema}.journal_moves") == [(0,)]
    assert postgres.query(f"SELECT micro_usd FROM {database.schema}.asks") == [(60000,)]


def test_a_newer_schema_is_refused(database_url: str, postgres: PostgresServer) -> None:
    database = found()
    prepare(database)
    postgres.query(f"INSERT INTO {database.schema}.imgassets_schema VALUES (99)")
    with pytest.raises(DatabaseError, match="has version 99 of our tables"):
        database.run(lambda connection: migrate(connection, database))


def test_a_database_that_stays_away_is_told(
    monkeypatch: pytest.MonkeyPatch, postgres: PostgresServer
) -> None:
    monkeypatch.setattr(database_module, "_PATIENCE_SECONDS", 0.5)
    gone = postgres.url("gone").replace(str(postgres.port), "1")
    monkeypatch.setenv("IMGASSETS_DATABASE", gone)
    with pytest.raises(DatabaseError, match=r"127.0.0.1:1/postgres, schema gone cannot be used"):
        prepare(found())


def test_an_error_of_dagster_that_the_database_is_behind_is_told_as_such(
    monkeypatch: pytest.MonkeyPatch, postgres: PostgresServer
) -> None:
    gone = postgres.url("gone").replace(str(postgres.port), "1")
    monkeypatch.setenv("IMGASSETS_DATABASE", gone)
    with pytest.raises(OperationalError) as refused:
        found().engine().connect()
    error = DagsterPostgresException("too many retries for DB connection")
    error.__cause__ = refused.value
    told = str(failure_behind(error))
    assert "127.0.0.1:1/postgres, schema gone cannot be used" in told
    assert "finished images are kept, run again when it is back" in told
    assert PASSWORD not in told
    assert failure_behind(ValueError("of another thing")) is None
    monkeypatch.delenv("IMGASSETS_DATABASE")
    assert failure_behind(error) is None
