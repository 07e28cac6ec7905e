"""Where the entries of a project's journal are kept: in a SQLite file, or in Postgres."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Sequence
from contextlib import closing
from pathlib import Path
from typing import Any, Protocol, TypeVar

import psutil

from imgassets.backends.base import BackendError
from imgassets.storage.database import DATABASE, database_of

T = TypeVar("T")
#: Runs one statement, whose values stand as `?`, and gives its rows.
Execute = Callable[[str, Sequence[Any]], Sequence[Sequence[Any]]]
FILE = "journal.sqlite"
#: Left beside a journal that Postgres holds, so that no second one is begun here.
ELSEWHERE = "journal-is-in-postgres.txt"
TABLE = """
CREATE TABLE IF NOT EXISTS asks (
    id INTEGER PRIMARY KEY,
    image_key TEXT NOT NULL,
    model TEXT NOT NULL,
    flow TEXT NOT NULL,
    micro_usd INTEGER NOT NULL,
    state TEXT NOT NULL,
    mode TEXT NOT NULL DEFAULT '',
    message TEXT NOT NULL DEFAULT '',
    facts TEXT NOT NULL DEFAULT '{}',
    seconds REAL NOT NULL DEFAULT 0,
    owner TEXT NOT NULL,
    at TEXT NOT NULL
)
"""


class JournalRows(Protocol):
    """The table `asks` of a project, and who is asking.

    Attributes:
        holds_replies: whether images that came are kept in it, for machines that share no folder.
    """

    holds_replies: bool

    def run(self, work: Callable[[Execute], T], alone: bool = False) -> T:
        """One transaction, on disk when this returns.

        Args:
            work: may be called again where nobody knows whether the first try was committed.
            alone: whether no other process of the project may change anything meanwhile.

        Raises:
            BackendError: the entries cannot be read or written.
        """

    def me(self) -> str:
        """The owner of what this process asks for."""

    def is_mine(self, owner: str) -> bool:
        """Whether this process is an owner."""

    def is_alive(self, execute: Execute, owner: str) -> bool:
        """Whether an owner may still be there."""

    def keep_reply(self, execute: Execute, key: str, data: bytes) -> None:
        """Keep an image that came, where `holds_replies`."""

    def reply(self, key: str) -> bytes | None:
        """An image that came; None where it is not kept here."""


def rows_of(folder: Path) -> JournalRows:
    """The entries of the journal in a folder, or in `$IMGASSETS_DATABASE` where that is set.

    Raises:
        BackendError: there is another journal already; two would each spend the whole budget.
        PlaceError: the variable cannot be used.
    """
    database = database_of()
    if database is None:
        elsewhere = folder / ELSEWHERE
        if elsewhere.exists():
            where = elsewhere.read_text(encoding="utf-8").strip()
            raise BackendError(
                f"the journal of paid requests is in {where}; set ${DATABASE}, or delete "
                f"{elsewhere} to begin another one, which forgets what was paid for"
            )
        return SqliteRows(folder)
    if (folder / FILE).exists():
        raise BackendError(
            f"${DATABASE} is set, and there is a journal of paid requests in {folder / FILE}; move "
            "it over with `imgassets store move-journal`: with two of them budgets count double"
        )
    from imgassets.backends.journal_postgres import PostgresRows

    return PostgresRows(database, folder)


class SqliteRows:
    """Entries in one file, for the processes of one machine; see `JournalRows`."""

    holds_replies = False

    def __init__(self, folder: Path) -> None:
        self._file = folder / FILE
        self._me = _process_name(psutil.Process())

    def run(self, work: Callable[[Execute], T], alone: bool = False) -> T:  # noqa: ARG002 - always is
        """See `JournalRows`."""
        try:
            self._file.parent.mkdir(parents=True, exist_ok=True)
            with closing(sqlite3.connect(self._file, timeout=60, isolation_level=None)) as database:
                database.execute("PRAGMA synchronous = FULL")
                database.execute("BEGIN IMMEDIATE")
                database.execute(TABLE)
                database.execute("CREATE INDEX IF NOT EXISTS by_key ON asks (image_key)")
                result = work(lambda sql, values: database.execute(sql, tuple(values)).fetchall())
                database.execute("COMMIT")
                return result
        except (OSError, sqlite3.Error) as error:
            raise BackendError(
                f"the journal of paid requests {self._file} cannot be used: {error}; make it "
                "writable, or restore it from a backup: without it an image could be paid for twice"
            ) from error

    def me(self) -> str:
        """See `JournalRows`."""
        return self._me

    def is_mine(self, owner: str) -> bool:
        """See `JournalRows`."""
        return owner == self._me

    def is_alive(self, execute: Execute, owner: str) -> bool:  # noqa: ARG002 - the protocol's
        """See `JournalRows`; asks this machine."""
        return is_process(owner)

    def keep_reply(self, execute: Execute, key: str, data: bytes) -> None:
        """They stay in the folder."""

    def reply(self, key: str) -> bytes | None:  # noqa: ARG002 - the protocol's
        """They stay in the folder."""
        return None


def is_process(owner: str) -> bool:
    """Whether a process of this machine is there, by its id and start."""
    try:
        return _process_name(psutil.Process(int(owner.partition("@")[0]))) == owner
    except (psutil.NoSuchProcess, ValueError):
        return False


def _process_name(process: psutil.Process) -> str:
    return f"{process.pid}@{process.create_time():.2f}"
