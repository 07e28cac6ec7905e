"""Dagster's runs, events and schedules in the Postgres database of `$IMGASSETS_DATABASE`."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from importlib.resources import files
from pathlib import Path
from typing import TYPE_CHECKING, Any

import yaml

from imgassets.storage.database import CONNECT, Database
from imgassets.storage.database_schema import lock_number, prepare

if TYPE_CHECKING:
    from sqlalchemy import Engine

#: Set for Dagster by whoever opens its instance; its settings name it, so no file has a password.
DAGSTER_URL = "IMGASSETS_DATABASE_FOR_DAGSTER"
_STORAGE = f"""
# Runs, events and schedules. `imgassets` sets the variable from $IMGASSETS_DATABASE.
storage:
  postgres:
    postgres_url:
      env: {DAGSTER_URL}
"""
_FOLDER = "postgres"


def ready_for_postgres(folder: Path, database: Database) -> Path:
    """A folder beside Dagster's files whose settings are the same but for the storage.

    One of its own, so that a run without the variable still finds the settings for files.

    Args:
        folder: Dagster's own; its `dagster.yaml` is taken over where there is one.
        database: gets the project's schema and our tables.

    Raises:
        DatabaseError: it cannot be used.
    """
    prepare(database)
    os.environ[DAGSTER_URL] = database.secret_url()
    if folder.name == _FOLDER:  # this process, or its parent, has been here before
        return folder
    place = folder / _FOLDER
    place.mkdir(exist_ok=True)
    settings, ours = place / "dagster.yaml", folder / "dagster.yaml"
    if not settings.exists():
        shipped = files("imgassets.storage") / "dagster.yaml"
        text = (ours if ours.exists() else shipped).read_text(encoding="utf-8")
        named = "storage" in (yaml.safe_load(text) or {})
        settings.write_text(text if named else text + _STORAGE, encoding="utf-8")
    return place


def keep_connected(instance: Any, database: Database) -> None:
    """Let Dagster's storages keep their connections.

    They connect anew for each question, which takes longer than most answers. A connection that
    broke meanwhile is noticed before it is used, and made again.
    """
    url = database.secret_url()
    for storage in (instance.event_log_storage, instance.run_storage, instance.schedule_storage):
        if getattr(storage, "postgres_url", None) == url:  # else dagster.yaml names another one
            storage._engine = _connections(url, os.getpid())


@cache
def _connections(url: str, _process: int) -> Engine:
    """Of one process; a forked one must not use those of its parent."""
    from sqlalchemy import create_engine

    return create_engine(
        url, isolation_level="AUTOCOMMIT", pool_size=2, max_overflow=20, pool_pre_ping=True,
        connect_args=dict(CONNECT),
    )  # fmt: skip


@contextmanager
def one_at_a_time(database: Database | None) -> Iterator[None]:
    """Dagster makes its tables on first use, and two machines that make them at once fail."""
    if database is None:
        yield
        return
    lock = lock_number(database.schema, "opening")
    with database.engine().connect() as connection:
        connection.exec_driver_sql(f"SELECT pg_advisory_lock({lock})")
        try:
            yield
        finally:
            connection.exec_driver_sql(f"SELECT pg_advisory_unlock({lock})")
