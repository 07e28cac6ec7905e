"""Moving a project's journal of paid requests from its SQLite file into Postgres, once."""

from __future__ import annotations

import sqlite3
import uuid
from contextlib import closing
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from imgassets.backends.base import BackendError
from imgassets.backends.journal_postgres import execute_on
from imgassets.backends.journal_rows import ELSEWHERE, FILE, is_process
from imgassets.storage.database import Database
from imgassets.storage.database_schema import lock_number, prepare
from imgassets.storage.whole_file import write_whole

if TYPE_CHECKING:
    from sqlalchemy import Connection

_COLUMNS = "image_key, model, flow, micro_usd, state, mode, message, facts, seconds, owner, at"


@dataclass(frozen=True)
class Moved:
    """What was moved.

    Attributes:
        entries: of the journal.
        kept: the file it was read from, under the name it has now.
    """

    entries: int
    kept: Path


def move(folder: Path, database: Database) -> Moved:
    """Copy all entries and the images that came, then set the file aside.

    Stopped at any moment, it can be called again: nothing is copied twice.

    Raises:
        BackendError: there is no journal, or a process is asking just now.
    """
    file = folder / FILE
    if not file.is_file():
        raise BackendError(f"there is no journal in {file}; nothing has to be moved")
    prepare(database)
    with closing(sqlite3.connect(file, timeout=60, isolation_level=None)) as source:
        source.execute("BEGIN EXCLUSIVE")  # nobody asks meanwhile
        journal = _name_of(source)
        rows = source.execute(f"SELECT {_COLUMNS} FROM asks ORDER BY id").fetchall()  # noqa: S608 - our own
        _refuse_asking(rows)
        _copy(database, journal, rows)
        _copy_replies(database, folder, {row[0] for row in rows})
        write_whole(folder / ELSEWHERE, database.shown + "\n")
        kept = file.with_name(f"{FILE}.moved")
        file.replace(kept)
        source.execute("COMMIT")
    return Moved(len(rows), kept)


def _name_of(source: sqlite3.Connection) -> str:
    """A name that the file keeps, so that a copy that was made already is known.

    Committed before anything is copied.
    """
    source.execute("CREATE TABLE IF NOT EXISTS moving (journal TEXT NOT NULL)")
    found = source.execute("SELECT journal FROM moving").fetchone()
    if found:
        return str(found[0])
    name = str(uuid.uuid4())
    source.execute("INSERT INTO moving VALUES (?)", (name,))
    source.execute("COMMIT")
    source.execute("BEGIN EXCLUSIVE")
    return name


def _refuse_asking(rows: list[tuple[Any, ...]]) -> None:
    asking = [owner for *_, state, _, _, _, _, owner, _ in rows if state == "asked"]
    for owner in asking:
        if is_process(owner):
            raise BackendError(
                f"process {owner.partition('@')[0]} is asking a provider just now; "
                "move the journal when it has ended"
            )


def _copy(database: Database, journal: str, rows: list[tuple[Any, ...]]) -> None:
    """All rows in one transaction, once."""

    def copy(connection: Connection) -> None:
        execute = execute_on(connection)
        connection.exec_driver_sql(
            f"SELECT pg_advisory_xact_lock({lock_number(database.schema, 'journal')})"
        )
        new = execute(
            "INSERT INTO journal_moves (journal) VALUES (?) ON CONFLICT DO NOTHING RETURNING 1",
            (journal,),
        )
        places = ", ".join("?" * len(_COLUMNS.split(",")))
        for row in rows if new else []:
            execute(f"INSERT INTO asks ({_COLUMNS}) VALUES ({places})", row)  # noqa: S608 - our own

    database.run(copy)


def _copy_replies(database: Database, folder: Path, keys: set[str]) -> None:
    """Images that were paid for, one a transaction; other machines must find them as well."""
    for key in sorted(keys):
        path = folder / "replies" / key[:2] / key
        if path.is_file():
            database.run(partial(_copy_reply, key, path.read_bytes()))


def _copy_reply(key: str, data: bytes, connection: Connection) -> None:
    execute_on(connection)(
        "INSERT INTO replies (image_key, data) VALUES (?, ?) ON CONFLICT DO NOTHING", (key, data)
    )
