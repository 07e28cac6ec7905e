"""What this machine knows of a far store: which entries there are, and records it has read.

A copy that may be deleted at any time. Entries are never changed in a store, only taken out, and
whoever takes one out leaves a notice (`object_entries`); so what is known stays true until then.
"""

from __future__ import annotations

import sqlite3
import threading
import zlib
from collections.abc import Collection, Iterable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from imgassets.storage.entries import StoreError

_SCHEMA = """
CREATE TABLE IF NOT EXISTS known (key BLOB PRIMARY KEY, record BLOB) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS notices (name TEXT PRIMARY KEY) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS noted (what TEXT PRIMARY KEY, said TEXT NOT NULL) WITHOUT ROWID;
CREATE TEMP TABLE IF NOT EXISTS asked (key BLOB PRIMARY KEY) WITHOUT ROWID;
"""
_WAIT_SECONDS = 60.0


class KnownRecords:
    """Keys and records in one SQLite file. Safe for several threads and processes at once."""

    def __init__(self, file: Path | None = None) -> None:
        """
        Args:
            file: made when first used; begun anew where it is no database any more. Unless given,
                all is forgotten at the end.
        """
        self._file = file
        self._lock = threading.RLock()
        self._database: sqlite3.Connection | None = None

    def __reduce__(self) -> tuple[Any, ...]:
        return KnownRecords, (self._file,)

    def among(self, keys: Collection[str]) -> set[str]:
        """Which of some keys are known."""
        with self._open() as database:
            database.execute("DELETE FROM asked")
            database.executemany("INSERT OR IGNORE INTO asked VALUES (?)", _bytes(keys))
            rows = database.execute("SELECT key FROM asked JOIN known USING (key)")
            return {key.hex() for (key,) in rows}

    def count(self) -> int:
        """How many keys are known."""
        with self._open() as database:
            return int(database.execute("SELECT count(*) FROM known").fetchone()[0])

    def record(self, key: str) -> bytes | None:
        """A record that was read before."""
        with self._open() as database:
            query = "SELECT record FROM known WHERE key = ?"
            row = database.execute(query, (bytes.fromhex(key),)).fetchone()
        return zlib.decompress(row[0]) if row and row[0] else None

    def add(self, keys: Iterable[str]) -> None:
        """Note that there are entries."""
        with self._open() as database:
            database.executemany("INSERT OR IGNORE INTO known VALUES (?, NULL)", _bytes(keys))

    def keep(self, records: Mapping[str, bytes]) -> None:
        """Note entries with their records."""
        rows = [(bytes.fromhex(key), zlib.compress(text)) for key, text in records.items()]
        with self._open() as database:
            database.executemany("INSERT OR REPLACE INTO known VALUES (?, ?)", rows)

    def forget(self, keys: Iterable[str]) -> None:
        """Note that entries are gone."""
        with self._open() as database:
            database.executemany("DELETE FROM known WHERE key = ?", _bytes(keys))

    def forget_all(self) -> None:
        """Begin anew: it is another store, or too long ago."""
        with self._open() as database:
            database.executescript("DELETE FROM known; DELETE FROM notices; DELETE FROM noted;")

    def notices(self) -> set[str]:
        """Names of the notices that were read."""
        with self._open() as database:
            return {name for (name,) in database.execute("SELECT name FROM notices")}

    def took_in(self, notices: Iterable[str]) -> None:
        """Note notices as read."""
        with self._open() as database:
            database.executemany(
                "INSERT OR IGNORE INTO notices VALUES (?)", [(name,) for name in notices]
            )

    def noted(self, what: str) -> str:
        """Something else that was noted; empty where it was not."""
        with self._open() as database:
            query = "SELECT said FROM noted WHERE what = ?"
            row = database.execute(query, (what,)).fetchone()
        return str(row[0]) if row else ""

    def note(self, what: str, said: str) -> None:
        """Note something else."""
        with self._open() as database:
            database.execute("INSERT OR REPLACE INTO noted VALUES (?, ?)", (what, said))

    @contextmanager
    def _open(self) -> Iterator[sqlite3.Connection]:
        """One transaction."""
        try:
            with self._lock:
                self._database = self._database or self._connected()
                with self._database:
                    yield self._database
        except (sqlite3.Error, OSError, zlib.error) as error:
            raise StoreError(
                f"{self._file}: {error}; make its folder writable, free some space, or name "
                "another one in $IMGASSETS_CACHE; the file may be deleted, it is made again"
            ) from error

    def _connected(self) -> sqlite3.Connection:
        if self._file is None:
            return _opened(":memory:")
        self._file.parent.mkdir(parents=True, exist_ok=True)
        try:
            return _opened(self._file)
        except sqlite3.OperationalError:
            raise
        except sqlite3.DatabaseError:
            for suffix in ("", "-wal", "-shm"):
                self._file.with_name(self._file.name + suffix).unlink(missing_ok=True)
            return _opened(self._file)


def _opened(file: Path | str) -> sqlite3.Connection:
    database = sqlite3.connect(file, timeout=_WAIT_SECONDS, check_same_thread=False)
    try:
        database.execute("PRAGMA journal_mode = WAL")
        database.execute("PRAGMA synchronous = NORMAL")  # it can be asked for again
        database.executescript(_SCHEMA)
    except BaseException:
        database.close()
        raise
    return database


def _bytes(keys: Iterable[str]) -> list[tuple[bytes]]:
    return [(bytes.fromhex(key),) for key in keys]
