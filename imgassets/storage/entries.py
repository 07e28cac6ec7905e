"""Entries of named parts under a key, each there whole or not at all: what a store is built on.

To keep images elsewhere, write another class with these methods (one file, such as
`object_entries.py`) and let it pass `imgassets_tests/storage/test_entries.py`.
"""

from __future__ import annotations

import contextlib
import os
import shutil
import tempfile
import uuid
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar, Protocol

_TEMPORARY = ".tmp-"  # begins the name of a write or deletion that did not end
#: The last part of an entry is written at most this much later than the first.
_WRITE_SECONDS = 5.0


class StoreError(RuntimeError):
    """A store cannot be read or written; names it and what to do."""


@dataclass(frozen=True)
class Kept:
    """An entry or an unfinished write as the store tells of it.

    Attributes:
        bytes: of all parts.
        changed: when it was written, in seconds since 1970.
    """

    bytes: int
    changed: float


class Entries(Protocol):
    """Entries by key (64 hex digits). Safe for several processes at once.

    Attributes:
        near: whether reading all of some entries is cheap enough to do it to be sure of them.
    """

    near: ClassVar[bool]

    def put(self, key: str, parts: Mapping[str, bytes]) -> None:
        """Store an entry, unless a whole one is there already: whoever is first wins.

        Raises:
            OSError: it cannot be written (full disk, no permission); nothing is left of it.
            StoreError: the same, of a store that says itself what to do.
        """

    def has(self, key: str) -> bool:
        """Whether a whole entry is there; what its parts hold is not looked at."""

    def read(self, key: str, part: str) -> bytes:
        """One part.

        Raises:
            KeyError: there is no such entry, or it lacks the part.
        """

    def look(self, keys: Collection[str]) -> dict[str, bool]:
        """Those of some keys that have an entry, with whether it is certainly as it was written,
        as far as that can be known without reading it. Made for many keys at once.
        """

    def fetch(self, keys: Collection[str], part: str) -> None:
        """Bring a part of some entries near, many at once, since each will be read.

        Does nothing where entries are near anyway.
        """

    def set_aside(self, key: str) -> str:
        """Move an entry out of the way, for inspection, and return where it went.

        Nothing happens where it is gone, or where nothing can be moved.
        """

    def all_keys(self) -> Iterator[str]:
        """Keys of all entries, in no order worth relying on."""

    def survey(self) -> dict[str, Kept]:
        """All entries, with their size and age."""

    def leftovers(self) -> dict[str, Kept]:
        """Unfinished writes by name: they count for nothing; old ones may be removed."""

    def remove(self, keys: Sequence[str], leftovers: Sequence[str]) -> None:
        """Delete entries and unfinished writes.

        If it is interrupted, each entry is there whole or no entry any more; what is left of it is
        an unfinished write.
        """

    def aside(self) -> list[str]:
        """Names of what was set aside."""

    def at_source(self) -> Entries:
        """The same entries, read without copies that this machine may have of them."""


class FolderEntries:
    """Entries as folders of a folder: `ROOT/ab/ab12.../PART`, renamed into place when filled."""

    near: ClassVar[bool] = True

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
        temporary = Path(tempfile.mkdtemp(prefix=_TEMPORARY, dir=parent))
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

    def look(self, keys: Collection[str]) -> dict[str, bool]:
        """See `Entries`. File times tell; bits that rot on the disk leave no such trace."""
        return {key: sure for key in keys if (sure := self._untouched(key)) or self.has(key)}

    def _untouched(self, key: str) -> bool:
        # Asked of every image by every plan: joining paths as `Path` takes longer than looking.
        folder = f"{self.root}/{key[:2]}/{key}"
        try:
            first = os.stat(f"{folder}/{self._first}")  # noqa: PTH116
            last = os.stat(f"{folder}/{self._last}")  # noqa: PTH116
        except OSError:
            return False
        return 0 <= last.st_mtime - first.st_mtime <= _WRITE_SECONDS

    def fetch(self, keys: Collection[str], part: str) -> None:
        """See `Entries`: a folder is near."""

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

    def survey(self) -> dict[str, Kept]:
        """See `Entries`."""
        return {key: _kept(self.folder(key)) for key in self.all_keys()}

    def leftovers(self) -> dict[str, Kept]:
        """See `Entries`."""
        found = sorted(self.root.glob(f"[0-9a-f][0-9a-f]/{_TEMPORARY}*"))
        return {str(path): _kept(path) for path in found}

    def remove(self, keys: Sequence[str], leftovers: Sequence[str]) -> None:
        """See `Entries`: an entry is first renamed as unfinished writes are."""
        for key in keys:
            entry = self.folder(key)
            shutil.rmtree(entry.rename(entry.with_name(f"{_TEMPORARY}{uuid.uuid4().hex}")))
        for name in leftovers:
            shutil.rmtree(name)

    def aside(self) -> list[str]:
        """See `Entries`."""
        folder = self.root / "quarantine"
        return sorted(p.name for p in folder.iterdir()) if folder.is_dir() else []

    def at_source(self) -> Entries:
        """See `Entries`: there are no copies."""
        return self


def _kept(folder: Path) -> Kept:
    return Kept(sum(p.stat().st_size for p in folder.iterdir()), folder.stat().st_mtime)


def _write(path: Path, data: bytes) -> None:
    with path.open("wb") as file:
        file.write(data)
        file.flush()
        os.fsync(file.fileno())
