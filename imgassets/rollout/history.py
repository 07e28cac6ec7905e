"""The history of all flags: JSON lines that are only ever appended, each chained to the last."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from pydantic import ValidationError

from imgassets.rollout.entries import Entry
from imgassets.rollout.lock import held
from imgassets.storage.whole_file import sync_folder

_PATIENCE = 1.0


class MovedOnError(RuntimeError):
    """Another process has written a line since the history was read."""


@dataclass(frozen=True)
class Written:
    """A history as it lies on disk.

    Attributes:
        entries: its lines, those that can be read.
        faults: what is wrong with lines that stand between others, in words; empty where nothing.
        torn: the last line where its end was never written; empty where there is none.
        length: bytes of all whole lines.
    """

    entries: tuple[Entry, ...]
    faults: tuple[str, ...]
    torn: bytes
    length: int

    @property
    def head(self) -> str:
        """The hash of the last line; empty where there is none."""
        return self.entries[-1].hash if self.entries else ""


@dataclass(frozen=True)
class History:
    """The file of the history."""

    path: Path

    def read(self) -> Written:
        """All of it; an absent file is an empty history. Raises OSError."""
        try:
            content = self.path.read_bytes()
        except FileNotFoundError:
            content = b""
        *lines, torn = content.split(b"\n")
        entries: list[Entry] = []
        faults: list[str] = []
        before: Entry | None = None
        for number, line in enumerate(lines, 1):
            entry = read_entry(line)
            if entry is None:
                faults.append(f"line {number} is no entry of a history")
                continue
            faults += _faults(entry, before, number)
            entries.append(entry)
            before = entry
        return Written(tuple(entries), tuple(faults), torn, len(content) - len(torn))

    def append(self, entries: Sequence[Entry]) -> None:
        """Add lines, and wait until they are on disk.

        What a write that was cut off left of a last line goes: `settle` has seen it before. The
        file has a lock of its own, for a way back that did not wait for that of the folder.

        Raises:
            MovedOnError: the history does not end where the lines begin.
            OSError: it cannot be written.
        """
        if not entries:
            return
        text = "".join(f"{entry.model_dump_json()}\n" for entry in entries).encode()
        new = not self.path.exists()
        descriptor = os.open(self.path, os.O_WRONLY | os.O_CREAT, 0o664)
        try:
            if not held(descriptor, _PATIENCE):
                raise BlockingIOError(f"another process is writing {self.path}")
            written = self.read()
            if written.head != entries[0].previous:
                raise MovedOnError("the history moved on meanwhile")
            os.ftruncate(descriptor, written.length)
            _write_all(descriptor, text, written.length)
            os.fsync(descriptor)
        finally:
            os.close(descriptor)
        if new:
            sync_folder(self.path.parent)

    def cut(self) -> None:
        """Take a torn last line away. Raises OSError."""
        os.truncate(self.path, self.read().length)


def read_entry(line: bytes) -> Entry | None:
    """An entry from a line; None where it is none."""
    try:
        return Entry.model_validate_json(line)
    except ValidationError:
        return None


def _write_all(descriptor: int, data: bytes, at: int) -> None:
    done = 0
    while done < len(data):
        done += os.pwrite(descriptor, data[done:], at + done)


def _faults(entry: Entry, before: Entry | None, line: int) -> list[str]:
    if entry.hash != entry.true_hash:
        return [f"line {line} was changed: its hash is not that of its content"]
    if entry.previous != (before.hash if before else ""):
        after = f"line {line - 1}" if line > 1 else "nothing"
        return [f"line {line} does not follow {after}: a line was dropped, inserted or moved"]
    if entry.number != (before.number if before else 0) + 1:
        return [f"line {line} has the number {entry.number}"]
    return []
