"""Entries of the journal in Postgres, for processes of several machines."""

from __future__ import annotations

import threading
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

from imgassets.backends.base import BackendError
from imgassets.backends.journal_rows import ELSEWHERE, Execute
from imgassets.storage.database import Database, DatabaseError
from imgassets.storage.database_schema import lock_number, prepare
from imgassets.storage.presence import presence_in
from imgassets.storage.whole_file import write_whole

if TYPE_CHECKING:
    from sqlalchemy import Connection

T = TypeVar("T")
_leaving_word = threading.Lock()


class PostgresRows:
    """See `JournalRows`. Whoever changes something holds one lock of the project meanwhile."""

    holds_replies = True

    def __init__(self, database: Database, folder: Path) -> None:
        self._database = database
        self._elsewhere = folder / ELSEWHERE
        self._lock = lock_number(database.schema, "journal")

    def run(self, work: Callable[[Execute], T], alone: bool = False) -> T:
        """See `JournalRows`; waits a minute for a database that is away."""

        def transaction(connection: Connection) -> T:
            if alone:
                presence_in(self._database).hold()
                connection.exec_driver_sql(f"SELECT pg_advisory_xact_lock({self._lock})")
            return work(execute_on(connection))

        if alone:
            self._leave_word()
        return self._transaction(transaction)

    def me(self) -> str:
        """See `JournalRows`."""
        return self._transaction(lambda _: presence_in(self._database).name)

    def is_mine(self, owner: str) -> bool:
        """See `JournalRows`."""
        return owner == presence_in(self._database).name

    def is_alive(self, execute: Execute, owner: str) -> bool:
        """See `JournalRows`."""
        return presence_in(self._database).is_alive(owner, lambda sql: execute(sql, ()))

    def keep_reply(self, execute: Execute, key: str, data: bytes) -> None:
        """See `JournalRows`."""
        execute(
            "INSERT INTO replies (image_key, data) VALUES (?, ?) "
            "ON CONFLICT (image_key) DO UPDATE SET data = excluded.data",
            (key, data),
        )

    def reply(self, key: str) -> bytes | None:
        """See `JournalRows`."""
        rows = self.run(lambda e: e("SELECT data FROM replies WHERE image_key = ?", (key,)))
        return bytes(rows[0][0]) if rows else None

    def _transaction(self, work: Callable[[Connection], T]) -> T:
        try:
            prepare(self._database)
            return self._database.run(work)
        except DatabaseError as error:
            raise BackendError(
                f"the journal of paid requests cannot be used: {error}; without it an image could "
                "be paid for twice"
            ) from error

    def _leave_word(self) -> None:
        """So that a run without the variable does not begin a second journal in the folder."""
        with _leaving_word:  # threads of a process would take each other's temporary file
            if self._elsewhere.exists():
                return
            try:
                write_whole(self._elsewhere, self._database.shown + "\n")
            except OSError as error:
                raise BackendError(
                    "the journal of paid requests is in Postgres, and "
                    f"{self._elsewhere} cannot be written to say so: {error}; make it writable"
                ) from error


def execute_on(connection: Connection) -> Execute:
    """Statements of the journal on a connection; they have no `?` or `%` but for values."""

    def execute(sql, values):  # type: ignore[no-untyped-def]
        result = connection.exec_driver_sql(sql.replace("?", "%s"), tuple(values) or None)
        return [tuple(row) for row in result] if result.returns_rows else []

    return execute
