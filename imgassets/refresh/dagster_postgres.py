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
#: Where settings name what runs and events are kept in; Helm's chart writes the second.
_STORAGES = ("storage", "run_storage")


def ready_for_postgres(folder: Path, database: Database) -> Path:
    """A folder beside Dagster's files whose settings are the same but for the storage.

    One of its own, so that a run without the variable still finds the settings for files. Settings
    that name a storage themselves are somebody's own: they are used where they are.

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
    place, given = folder / _FOLDER, folder / "dagster.yaml"
    shipped = files("imgassets.storage") / "dagster.yaml"
    text = (given if given.exists() else shipped).read_text(encoding="utf-8")
    if _names_a_storage(text):
        return folder
    place.mkdir(exist_ok=True)
    if not (place / "dagster.yaml").exists():
        (place / "dagster.yaml").write_text(text + _STORAGE, encoding="utf-8")
    return place


def _names_a_storage(settings: str) -> bool:
    try:
        found = yaml.safe_load(settings)
    except yaml.YAMLError:  # Dagster says so when it opens them
        return True
    return isinstance(found, dict) and any(name in found for name in _STORAGES)


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
