"""The journal of paid requests: written before each call and after it, so none is paid twice.

One a project, in a SQLite file or in Postgres (`journal_rows` chooses). An entry is a claim on
money for one image key:

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
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Literal

from imgassets.backends.base import BackendError, HostedError
from imgassets.backends.journal_rows import Execute, JournalRows, rows_of
from imgassets.documents.failures import ModeName
from imgassets.storage.whole_file import whole_file

State = Literal["asked", "unbilled", "answered", "received", "closed"]
_MICRO = 1_000_000
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

    def __init__(self, folder: Path, model: str, rows: JournalRows | None = None) -> None:
        self.folder = folder
        self._model = model
        self._rows = rows or rows_of(folder)

    # ---- before the call -------------------------------------------------------------------

    def find(self, key: str, patience: float = 0.0) -> Entry | None:
        """The latest entry of an image key; while another process is asking, its end is awaited.

        Args:
            key: image key.
            patience: longest wait, seconds.

        Raises:
            HostedError: `in_progress`: another process is still asking after that time.
        """

        def look(execute: Execute) -> tuple[Entry | None, bool]:
            entry = self._latest(execute, key)
            return entry, entry is not None and self._going_on(execute, entry)

        deadline = time.monotonic() + patience
        while True:
            entry, going_on = self._rows.run(look)
            if not going_on:
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
        price, me, written = round(usd * _MICRO), self._rows.me(), False

        def claim(execute: Execute) -> bool:
            nonlocal written
            entry = self._latest(execute, key)
            if written and entry and entry.state == "asked" and entry.owner == me:
                return True  # it was committed, and the word of it was lost
            if entry and (self._going_on(execute, entry) or not may_ask(entry)):
                return False
            self._check_budget(self._spent(execute), price, max_usd)
            written = True
            values = {"state": "asked", "model": self._model, "micro_usd": price, "owner": me}
            if entry and entry.state == "unbilled":
                self._set(execute, key, **values, mode="", message="")
            else:
                self._add(execute, image_key=key, flow=flow, **values)
            return True

        return self._rows.run(claim, alone=True)

    def _check_budget(self, spent: int, price: int, max_usd: float) -> None:
        if spent + price > round(max_usd * _MICRO):
            raise HostedError(
                "budget_exhausted",
                f"{spent / _MICRO:.4f} USD of {max_usd:.4f} are spent and this image costs "
                f"{price / _MICRO:.4f}; raise limits.max_usd of model {self._model} to go on",
                billed=False,
            )

    # ---- after the call --------------------------------------------------------------------

    def fail(self, key: str, error: HostedError) -> None:
        """The request came to nothing; what may have been billed stays spent.

        A reply that could not be understood is kept beside the journal, and the message says where.
        """
        state = "closed" if error.billed else "unbilled"
        if error.reply:
            error.message += self._kept(key, error.reply)
        self._change(key, state=state, mode=error.mode, message=error.message)

    def _kept(self, key: str, reply: bytes) -> str:
        path = self.folder / "odd" / key[:2] / key
        try:
            _write_whole(path, reply)
        except OSError as error:
            return f"; the reply could not be kept: {error}"
        return f"; the reply is kept in {self.folder.name}/odd/{key[:2]}/{key}"

    def answer(self, key: str, facts: dict[str, Any], seconds: float) -> None:
        """The reply came, and names a link to the image."""
        self._change(key, state="answered", facts=json.dumps(facts), seconds=seconds)

    def receive(self, key: str, data: bytes, facts: dict[str, Any], seconds: float) -> None:
        """The image came: its bytes are stored whole, then the entry says so."""
        try:
            self._write(key, data)
        except OSError as error:
            raise BackendError(
                f"a paid image cannot be stored in {self.folder}: {error}; make it writable"
            ) from error
        self._hand_over(key, facts=json.dumps(facts), seconds=seconds)

    def read(self, key: str) -> bytes:
        """The bytes of a received image, as they came.

        Raises:
            HostedError: they were deleted.
        """
        try:
            return self._reply(key).read_bytes()
        except OSError as error:
            if (data := self._rows.reply(key)) is not None:
                return data
            raise HostedError(
                "reply_lost", f"{self._reply(key)} was paid for and is gone", billed=True
            ) from error

    def spent(self) -> float:
        """USD that were, or may have been, billed to this model."""
        return self._rows.run(self._spent) / _MICRO

    def ends(self) -> dict[str, int]:
        """How many requests of this model ended how: by failure mode, else by state."""
        rows = self._rows.run(
            lambda execute: execute(
                "SELECT coalesce(nullif(mode, ''), state), count(*) FROM asks "
                "WHERE model = ? GROUP BY 1 ORDER BY 2 DESC, 1",
                (self._model,),
            )
        )
        return {str(end): int(count) for end, count in rows}

    # ---- inside ----------------------------------------------------------------------------

    def _recovered(self, key: str, entry: Entry | None) -> Entry | None:
        """An entry whose bytes were stored by a process that died before it could say so."""
        unsaid = entry is not None and entry.state in ("asked", "answered")
        if not unsaid or not self._reply(key).is_file():
            return entry
        self._hand_over(key)
        return self._rows.run(lambda execute: self._latest(execute, key))

    def _hand_over(self, key: str, **values: Any) -> None:
        """Say that an image was received whose bytes lie here, and store them where all find them.

        They stay here until that is done: a database that is away loses nothing that was paid for.
        """
        path = self._reply(key)
        data = path.read_bytes() if self._rows.holds_replies else b""

        def received(execute: Execute) -> None:
            self._set(execute, key, state="received", **values)
            self._rows.keep_reply(execute, key, data)

        self._rows.run(received, alone=True)
        if self._rows.holds_replies:
            path.unlink(missing_ok=True)

    def _reply(self, key: str) -> Path:
        return self.folder / "replies" / key[:2] / key

    def _write(self, key: str, data: bytes) -> None:
        _write_whole(self._reply(key), data)

    def _change(self, key: str, **values: Any) -> None:
        self._rows.run(lambda execute: self._set(execute, key, **values), alone=True)

    def _latest(self, execute: Execute, key: str) -> Entry | None:
        rows = execute(
            "SELECT state, mode, message, facts, seconds, owner FROM asks "
            "WHERE image_key = ? ORDER BY id DESC LIMIT 1",
            (key,),
        )
        if not rows:
            return None
        state, mode, message, facts, seconds, owner = rows[0]
        return Entry(state, mode, message, json.loads(facts), seconds, owner)

    def _add(self, execute: Execute, **values: Any) -> None:
        values["at"] = f"{datetime.now(UTC):%Y-%m-%d %H:%M:%S}"
        places = ", ".join("?" * len(values))
        execute(
            f"INSERT INTO asks ({', '.join(values)}) VALUES ({places})",  # noqa: S608 - names are our own
            tuple(values.values()),
        )

    def _set(self, execute: Execute, key: str, **values: Any) -> None:
        columns = ", ".join(f"{name} = ?" for name in values)
        execute(
            f"UPDATE asks SET {columns} WHERE id = "  # noqa: S608 - names are our own
            "(SELECT max(id) FROM asks WHERE image_key = ?)",
            (*values.values(), key),
        )

    def _spent(self, execute: Execute) -> int:
        rows = execute(
            "SELECT coalesce(sum(micro_usd), 0) FROM asks WHERE model = ? AND state != 'unbilled'",
            (self._model,),
        )
        return int(rows[0][0])

    def _going_on(self, execute: Execute, entry: Entry) -> bool:
        """Whether another living process is asking; this one asks for an image one at a time."""
        return (
            entry.state == "asked"
            and not self._rows.is_mine(entry.owner)
            and self._rows.is_alive(execute, entry.owner)
        )


def _write_whole(path: Path, data: bytes) -> None:
    with whole_file(path) as temporary, temporary.open("wb") as file:
        file.write(data)
        file.flush()
        os.fsync(file.fileno())
