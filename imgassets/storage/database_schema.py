"""The tables of ours in a project's schema, and how an older schema becomes today's.

Dagster's own tables lie beside them; `dagster instance migrate` looks after those.
"""

from __future__ import annotations

import os
import zlib
from functools import cache
from typing import TYPE_CHECKING

from imgassets.storage.database import Database, DatabaseError

if TYPE_CHECKING:
    from sqlalchemy import Connection

#: A step is never changed once it was released: a change of the tables is a further one.
STEPS = (
    """
    CREATE TABLE processes (
        number INTEGER GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
        host TEXT NOT NULL,
        pid INTEGER NOT NULL,
        started TIMESTAMPTZ NOT NULL DEFAULT now()
    );
    CREATE TABLE asks (
        id BIGINT GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
        image_key TEXT NOT NULL,
        model TEXT NOT NULL,
        flow TEXT NOT NULL,
        micro_usd BIGINT NOT NULL,
        state TEXT NOT NULL,
        mode TEXT NOT NULL DEFAULT '',
        message TEXT NOT NULL DEFAULT '',
        facts TEXT NOT NULL DEFAULT '{}',
        seconds DOUBLE PRECISION NOT NULL DEFAULT 0,
        owner TEXT NOT NULL,
        at TEXT NOT NULL
    );
    CREATE INDEX asks_by_key ON asks (image_key, id);
    CREATE TABLE replies (image_key TEXT PRIMARY KEY, data BYTEA NOT NULL);
    ALTER TABLE replies ALTER COLUMN data SET STORAGE EXTERNAL;
    """,
    """
    CREATE INDEX asks_by_model ON asks (model) INCLUDE (micro_usd, state);
    CREATE TABLE journal_moves (journal TEXT PRIMARY KEY, at TIMESTAMPTZ NOT NULL DEFAULT now());
    """,
)


def lock_number(schema: str, what: str) -> int:
    """The number of a project's advisory lock: those of a database are shared by all schemas."""
    return zlib.crc32(f"imgassets {schema} {what}".encode()) & 0x7FFFFFFF


def prepare(database: Database) -> None:
    """Make the project's schema and tables, or bring them up to date; once a process.

    Raises:
        DatabaseError: the schema was made by a newer imgassets, or must not be made.
    """
    _prepare_once(database, os.getpid())


@cache
def _prepare_once(database: Database, _process: int) -> None:
    database.run(lambda connection: migrate(connection, database))


def migrate(connection: Connection, database: Database, steps: tuple[str, ...] = STEPS) -> None:
    """Take the steps that the schema has not taken; see `prepare`."""
    run = connection.exec_driver_sql
    run(f"SELECT pg_advisory_xact_lock({lock_number(database.schema, 'schema')})")
    if run("SELECT to_regnamespace(%s) IS NULL", (database.schema,)).scalar():
        run(f'CREATE SCHEMA "{database.schema}"')
    run("CREATE TABLE IF NOT EXISTS imgassets_schema (version INTEGER NOT NULL)")
    version = run("SELECT max(version) FROM imgassets_schema").scalar() or 0
    if version > len(steps):
        raise DatabaseError(
            f"the database {database.shown} has version {version} of our tables, and this "
            f"imgassets knows up to {len(steps)}; use the imgassets that made them, or a newer one"
        )
    for step in steps[version:]:
        run(step)
    if version < len(steps):
        run("INSERT INTO imgassets_schema (version) VALUES (%s)", (len(steps),))
