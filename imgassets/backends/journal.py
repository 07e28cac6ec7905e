"""The journal of paid requests: written before each call and after it, so none is paid twice.

One SQLite file for a project. An entry is a claim on money for one image key:

    asked ──► unbilled   the provider said no and bills nothing; may be asked for again
      │  └──► closed     billed, or perhaps billed, and there is no image; never asked for again
      ├─────► answered   the reply names a link to the image
      └─────► received   the bytes are on disk, whole
    answered ► received, closed

`asked` is committed before the request leaves. An entry that is still `asked` when its process is
gone is a lost reply: nobody but the provider knows whether it was billed.
"""

from __future__ import annotations

import json
import os
import sqlite3
import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import psutil

from imgassets.backends.base import BackendError, HostedError
from imgassets.documents.failures import ModeName
from imgassets.storage.whole_file import whole_file

State = Literal["asked", "unbilled", "answered", "received", "closed"]
_MICRO = 1_000_000
_TABLE = """
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
_POLL_SECONDS = 0.2


@dataclass(frozen=True)
class Entry:
    """What is known of the latest request for an image.

    Attributes:
        state: see the module.
        mode, message: how it failed; empty where it did not.
        facts: what the reply said (link, prompt, seed, model version).
        seconds: from sending the request to having the image, without waits for a place.
        owner: the process that asked.
    """

    state: State
    mode: ModeName | Literal[""]
    message: str
    facts: dict[str, Any]
    seconds: float
    owner: str


class Journal:
    """The requests of one model. Safe for several threads and processes at once."""

    def __init__(self, folder: Path, model: str) -> None:
        self.folder = folder
        self._file = folder / "journal.sqlite"
        self._model = model
        self._me = _process_name(psutil.Process())

    # ---- before the call -------------------------------------------------------------------

    def find(self, key: str, patience: float = 0.0) -> Entry | None:
        """The latest entry of an image key; while another process is asking, its end is awaited.

        Args:
            key: image key.
            patience: longest wait, seconds.

        Raises:
            HostedError: `in_progress`: another process is still asking after that time.
        """
        deadline = time.monotonic() + patience
        while True:
            with self._transaction() as database:
                entry = self._latest(database, key)
            if entry is None or not self._going_on(entry):
                return self._recovered(key, entry)
            if time.monotonic() > deadline:
                message = "another process is still asking for it; nothing was sent"
                raise HostedError("in_progress", message, billed=False)
            time.sleep(_POLL_SECONDS)

    def claim(
        self, key: str, flow: str, usd: float, max_usd: float, may_ask: Callable[[Entry], bool]
    ) -> bool:
        """Set money aside for a request that is about to be sent.

        Returns:
            Whether it may be sent: not if another process was faster, and has or had an answer.

        Raises:
            HostedError: `budget_exhausted`: with it, more than `max_usd` could have been spent.
        """
        with self._transaction() as database:
            entry = self._latest(database, key)
            if entry and (self._going_on(entry) or not may_ask(entry)):
                return False
            spent, price = self._spent(database), round(usd * _MICRO)
            if spent + price > round(max_usd * _MICRO):
                raise HostedError(
                    "budget_exhausted",
                    f"{spent / _MICRO:.4f} USD of {max_usd:.4f} are spent and this image costs "
                    f"{usd:.4f}; raise limits.max_usd of model {self._model} to go on",
                    billed=False,
                )
            if entry and entry.state == "unbilled":
                self._set(
                    database,
                    key,
                    state="asked",
                    model=self._model,
                    micro_usd=price,
                    owner=self._me,
                    mode="",
                    message="",
                )
            else:
                database.execute(
                    "INSERT INTO asks (image_key, model, flow, micro_usd, state, owner, at) "
                    "VALUES (?, ?, ?, ?, 'asked', ?, datetime('now'))",
                    (key, self._model, flow, price, self._me),
                )
        return True

    # ---- after the call --------------------------------------------------------------------

    def fail(self, key: str, error: HostedError) -> None:
        """The request came to nothing; what may have been billed stays spent.

        A reply that could not be understood is kept beside the journal, and the message says where.
        """
        state = "closed" if error.billed else "unbilled"
        if error.reply:
            error.message += self._kept(key, error.reply)
        with self._transaction() as database:
            self._set(database, key, state=state, mode=error.mode, message=error.message)

    def _kept(self, key: str, reply: bytes) -> str:
        path = self.folder / "odd" / key[:2] / key
        try:
            _write_whole(path, reply)
        except OSError as error:
            return f"; the reply could not be kept: {error}"
        return f"; the reply is kept in {self.folder.name}/odd/{key[:2]}/{key}"

    def answer(self, key: str, facts: dict[str, Any], seconds: float) -> None:
        """The reply came, and names a link to the image."""
        with self._transaction() as database:
            self._set(database, key, state="answered", facts=json.dumps(facts), seconds=seconds)

    def receive(self, key: str, data: bytes, facts: dict[str, Any], seconds: float) -> None:
        """The image came: its bytes are stored whole, then the entry says so."""
        try:
            self._write(key, data)
        except OSError as error:
            raise self._unwritable(error) from error
        with self._transaction() as database:
            self._set(database, key, state="received", facts=json.dumps(facts), seconds=seconds)

    def read(self, key: str) -> bytes:
        """The bytes of a received image, as they came.

        Raises:
            HostedError: they were deleted.
        """
        try:
            return self._reply(key).read_bytes()
        except OSError as error:
            raise HostedError(
                "reply_lost", f"{self._reply(key)} was paid for and is gone", billed=True
            ) from error

    def spent(self) -> float:
        """USD that were, or may have been, billed to this model."""
        with self._transaction() as database:
            return self._spent(database) / _MICRO

    def ends(self) -> dict[str, int]:
        """How many requests of this model ended how: by failure mode, else by state."""
        with self._transaction() as database:
            rows = database.execute(
                "SELECT coalesce(nullif(mode, ''), state), count(*) FROM asks WHERE model = ? "
                "GROUP BY 1 ORDER BY 2 DESC, 1",
                (self._model,),
            ).fetchall()
        return {str(end): int(count) for end, count in rows}

    # ---- inside ----------------------------------------------------------------------------

    def _recovered(self, key: str, entry: Entry | None) -> Entry | None:
        """An entry whose bytes were stored by a process that died before it could say so."""
        unsaid = entry is not None and entry.state in ("asked", "answered")
        if not unsaid or not self._reply(key).is_file():
            return entry
        with self._transaction() as database:
            self._set(database, key, state="received")
            return self._latest(database, key)

    def _reply(self, key: str) -> Path:
        return self.folder / "replies" / key[:2] / key

    def _write(self, key: str, data: bytes) -> None:
        _write_whole(self._reply(key), data)

    @contextmanager
    def _transaction(self) -> Iterator[sqlite3.Connection]:
        try:
            self.folder.mkdir(parents=True, exist_ok=True)
            with closing(sqlite3.connect(self._file, timeout=60, isolation_level=None)) as database:
                database.execute("PRAGMA synchronous = FULL")
                database.execute("BEGIN IMMEDIATE")
                database.execute(_TABLE)
                database.execute("CREATE INDEX IF NOT EXISTS by_key ON asks (image_key)")
                yield database
                database.execute("COMMIT")
        except (OSError, sqlite3.Error) as error:
            raise self._unwritable(error) from error

    def _unwritable(self, error: Exception) -> BackendError:
        return BackendError(
            f"the journal of paid requests {self._file} cannot be used: {error}; make it writable, "
            "or restore it from a backup: without it an image could be paid for twice"
        )

    def _latest(self, database: sqlite3.Connection, key: str) -> Entry | None:
        row = database.execute(
            "SELECT state, mode, message, facts, seconds, owner FROM asks WHERE image_key = ? "
            "ORDER BY id DESC LIMIT 1",
            (key,),
        ).fetchone()
        if row is None:
            return None
        state, mode, message, facts, seconds, owner = row
        return Entry(state, mode, message, json.loads(facts), seconds, owner)

    def _set(self, database: sqlite3.Connection, key: str, **values: Any) -> None:
        columns = ", ".join(f"{name} = ?" for name in values)
        database.execute(
            f"UPDATE asks SET {columns} WHERE id = "  # noqa: S608 - names are our own
            "(SELECT max(id) FROM asks WHERE image_key = ?)",
            (*values.values(), key),
        )

    def _spent(self, database: sqlite3.Connection) -> int:
        row = database.execute(
            "SELECT coalesce(sum(micro_usd), 0) FROM asks WHERE model = ? AND state != 'unbilled'",
            (self._model,),
        ).fetchone()
        return int(row[0])

    def _going_on(self, entry: Entry) -> bool:
        """Whether another living process is asking; this one asks for an image one at a time."""
        return entry.state == "asked" and entry.owner != self._me and _alive(entry.owner)


def _write_whole(path: Path, data: bytes) -> None:
    with whole_file(path) as temporary, temporary.open("wb") as file:
        file.write(data)
        file.flush()
        os.fsync(file.fileno())


def _process_name(process: psutil.Process) -> str:
    return f"{process.pid}@{process.create_time():.2f}"


def _alive(owner: str) -> bool:
    try:
        return _process_name(psutil.Process(int(owner.partition("@")[0]))) == owner
    except psutil.NoSuchProcess:
        return False
