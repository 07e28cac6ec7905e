"""Copies of stored images on this machine, up to a size: what was used longest ago goes first."""

from __future__ import annotations

import hashlib
import os
import uuid
from contextlib import suppress
from pathlib import Path

#: Room is made for this share of the limit at once, so that it is rarely looked for.
_ROOM = 0.1


class FileCache:
    """Files by the SHA-256 of what they hold. Safe for several processes at once."""

    def __init__(self, folder: Path, limit: int) -> None:
        """
        Args:
            folder: made when the first file is kept; may be deleted at any time.
            limit: bytes; 0 keeps nothing.
        """
        self._folder, self._limit = folder, limit
        self._left: float | None = None  # bytes until room is looked for; not known at first

    def path(self, sha256: str) -> Path:
        """Where a file is, or would be."""
        return self._folder / sha256[:2] / f"{sha256}.png"

    def read(self, sha256: str) -> bytes | None:
        """A file's bytes, checked; None where it is not here. One that was harmed is deleted."""
        if not self._limit:
            return None
        path = self.path(sha256)
        try:
            data = path.read_bytes()
        except OSError:
            return None
        if hashlib.sha256(data).hexdigest() != sha256:
            path.unlink(missing_ok=True)
            return None
        with suppress(OSError):
            os.utime(path)
        return data

    def keep(self, sha256: str, data: bytes) -> None:
        """Keep a copy; where the disk is full or read-only, none is kept and nothing is lost."""
        if len(data) > self._limit * _ROOM:
            return
        path = self.path(sha256)
        temporary = path.with_name(f".{uuid.uuid4().hex}")
        with suppress(OSError):
            path.parent.mkdir(parents=True, exist_ok=True)
            try:
                temporary.write_bytes(data)
                temporary.replace(path)
            finally:
                temporary.unlink(missing_ok=True)
            self._make_room(len(data))

    def _make_room(self, written: int) -> None:
        if self._left is not None and self._left >= written:
            self._left -= written
            return
        found = [(path.stat(), path) for path in self._folder.glob("*/*")]
        total = sum(status.st_size for status, _ in found)
        wanted = self._limit * (1 - _ROOM) if total > self._limit * (1 - _ROOM / 2) else total
        for status, path in sorted(found, key=lambda one: one[0].st_mtime):
            if total <= wanted:
                break
            path.unlink(missing_ok=True)
            total -= status.st_size
        # Other processes write as well: each looks again after a part of the room.
        self._left = max(0.0, self._limit - total) * _ROOM
