"""Entries of named parts under a key, each there whole or not at all: what a store is built on.

To keep images elsewhere, write another class with these methods (one file, such as `s3_entries.py`)
and let it pass `imgassets_tests/storage/test_entries.py`.
"""

from __future__ import annotations

import contextlib
import os
import shutil
import tempfile
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Protocol

#: The last part of an entry is written at most this much later than the first.
_WRITE_SECONDS = 5.0


class Entries(Protocol):
    """Entries by key (64 hex digits). Safe for several processes at once."""

    def put(self, key: str, parts: Mapping[str, bytes]) -> None:
        """Store an entry, unless a whole one is there already: whoever is first wins.

        Raises:
            OSError: it cannot be written (full disk, no permission); nothing is left of it.
        """

    def has(self, key: str) -> bool:
        """Whether a whole entry is there; what its parts hold is not looked at."""

    def read(self, key: str, part: str) -> bytes:
        """One part.

        Raises:
            KeyError: there is no such entry, or it lacks the part.
        """

    def untouched(self, key: str) -> bool:
        """Whether an entry is there and certainly as it was written, as far as that can be known
        without reading it; False where only reading can tell.
        """

    def set_aside(self, key: str) -> str:
        """Move an entry out of the way, for inspection, and return where it went.

        Nothing happens where it is gone, or where nothing can be moved.
        """

    def all_keys(self) -> Iterator[str]:
        """Keys of all entries, in no order worth relying on."""


class FolderEntries:
    """Entries as folders of a folder: `ROOT/ab/ab12.../PART`, renamed into place when filled."""

    def __init__(self, root: Path, first: str, last: str) -> None:
        """
        Args:
            root: made when the first entry is put.
            first: the part of an entry that is written first.
            last: the part that makes an entry whole; a folder without it is none.
        """
        self.root, self._first, self._last = root, first, last

    def folder(self, key: str) -> Path:
        """Where an entry is, or would be."""
        return self.root / key[:2] / key

    def put(self, key: str, parts: Mapping[str, bytes]) -> None:
        """See `Entries`."""
        parent = self.folder(key).parent
        parent.mkdir(parents=True, exist_ok=True)
        temporary = Path(tempfile.mkdtemp(prefix=".tmp-", dir=parent))
        try:
            for name, data in parts.items():
                _write(temporary / name, data)
            try:
                self._place(temporary, key)
            except OSError:
                # A folder without its last part is no entry: an interrupted deletion, or copy of
                # the store, leaves such. It would be in the way at every run.
                self.set_aside(key)
                self._place(temporary, key)
        finally:
            shutil.rmtree(temporary, ignore_errors=True)

    def _place(self, temporary: Path, key: str) -> None:
        """Rename a filled folder into place, unless another process was first."""
        try:
            temporary.rename(self.folder(key))
        except OSError:
            if not self.has(key):
                raise

    def has(self, key: str) -> bool:
        """See `Entries`."""
        return (self.folder(key) / self._last).is_file()

    def read(self, key: str, part: str) -> bytes:
        """See `Entries`."""
        try:
            return (self.folder(key) / part).read_bytes()
        except FileNotFoundError:
            raise KeyError(key) from None

    def untouched(self, key: str) -> bool:
        """See `Entries`. File times tell; bits that rot on the disk leave no such trace."""
        # Asked of every image by every plan: joining paths as `Path` takes longer than looking.
        folder = f"{self.root}/{key[:2]}/{key}"
        try:
            first = os.stat(f"{folder}/{self._first}")  # noqa: PTH116
            last = os.stat(f"{folder}/{self._last}")  # noqa: PTH116
        except OSError:
            return False
        return 0 <= last.st_mtime - first.st_mtime <= _WRITE_SECONDS

    def set_aside(self, key: str) -> str:
        """See `Entries`: to `ROOT/quarantine`."""
        target = self.root / "quarantine" / key
        suffix = 0
        while target.exists():
            suffix += 1
            target = target.with_name(f"{key}.{suffix}")
        with contextlib.suppress(OSError):  # another process was first, or the disk is read-only
            target.parent.mkdir(parents=True, exist_ok=True)
            self.folder(key).rename(target)
        return str(target)

    def all_keys(self) -> Iterator[str]:
        """See `Entries`."""
        for folder in self.root.glob("[0-9a-f][0-9a-f]/*"):
            if not folder.name.startswith("."):
                yield folder.name


def _write(path: Path, data: bytes) -> None:
    with path.open("wb") as file:
        file.write(data)
        file.flush()
        os.fsync(file.fileno())
