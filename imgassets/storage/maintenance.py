"""Care of the image store: how large it is, whether it is whole, and what nobody refers to.

An image is kept as long as anything beside the store names it: an image table, a verdict, a
report, a baseline. What names an image is found by its key, wherever it stands, so a new kind of
document needs no change here.
"""

from __future__ import annotations

import re
import shutil
import time
import uuid
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from imgassets.storage.image_store import CorruptEntryError, ImageStore
from imgassets.storage.project_home import ProjectHome

_KEY = re.compile(rb"(?<![0-9a-f])[0-9a-f]{64}(?![0-9a-f])")
_TEMPORARY = "[0-9a-f][0-9a-f]/.tmp-*"  # of a write or deletion that did not end
_HALF_A_TABLE = ".*.[0-9]*"  # `.NAME.PROCESS`
#: Younger entries are left alone: a run that is going on has not written its tables yet.
GRACE_SECONDS = 24 * 3600.0


class UnreadableReferenceError(RuntimeError):
    """A file that may refer to images cannot be read, so nothing may be deleted."""


@dataclass(frozen=True)
class Stats:
    """What is in the store.

    Attributes:
        images: entries.
        bytes: of all their files.
        by_flow: entries by flow.
        unreadable: entries whose record cannot be read.
        quarantined: entries found harmed and moved away.
        leftovers: unfinished writes of killed runs; they count for nothing.
    """

    images: int
    bytes: int
    by_flow: dict[str, int]
    unreadable: int
    quarantined: tuple[str, ...]
    leftovers: int

    def to_dict(self) -> dict[str, Any]:
        """JSON-serialisable."""
        return dict(self.__dict__) | {"quarantined": list(self.quarantined)}


@dataclass(frozen=True)
class Verified:
    """What became of a look at every byte: entries seen, and harmed ones, now in quarantine."""

    images: int
    harmed: tuple[str, ...]
    quarantined: tuple[str, ...]

    def to_dict(self) -> dict[str, Any]:
        """JSON-serialisable."""
        return {
            "images": self.images,
            "harmed": list(self.harmed),
            "quarantined": list(self.quarantined),
        }


@dataclass(frozen=True)
class Garbage:
    """What nothing refers to.

    Attributes:
        images: keys of entries to delete.
        bytes: what deleting them frees.
        leftovers: unfinished writes to delete.
        kept: entries that are referred to, or too young to tell.
    """

    images: tuple[str, ...]
    bytes: int
    leftovers: tuple[Path, ...]
    kept: int

    def to_dict(self) -> dict[str, Any]:
        """JSON-serialisable."""
        return {
            "images": list(self.images),
            "bytes": self.bytes,
            "leftovers": len(self.leftovers),
            "kept": self.kept,
        }


def stats(store: ImageStore) -> Stats:
    """Count what is in the store; reads records, no image."""
    by_flow: dict[str, int] = {}
    total = size = unreadable = 0
    for key in sorted(store.keys()):
        total += 1
        size += _size(store, key)
        try:
            flow = str(store.record(key).request.get("flow", "unknown"))
            by_flow[flow] = by_flow.get(flow, 0) + 1
        except (CorruptEntryError, KeyError):
            unreadable += 1
    return Stats(total, size, by_flow, unreadable, quarantined(store), len(_leftovers(store)))


def verify(store: ImageStore) -> Verified:
    """Check every image against the hash it was stored with; harmed ones go to quarantine.

    The next `imgassets validate` makes them again.
    """
    keys = sorted(store.keys())
    harmed = tuple(key for key in keys if not _intact(store, key))
    return Verified(len(keys), harmed, quarantined(store))


def quarantined(store: ImageStore) -> tuple[str, ...]:
    """Names of what is in quarantine: image keys, with a number where one came back."""
    folder = store.root / "quarantine"
    return tuple(sorted(p.name for p in folder.iterdir())) if folder.is_dir() else ()


def garbage(store: ImageStore, home: ProjectHome, *, older_than: float = GRACE_SECONDS) -> Garbage:
    """Entries that nothing in `home` refers to, directly or as the source of another image.

    Args:
        store: looked through.
        home: everything made by the project; the store may be a part of it.
        older_than: seconds; younger entries are kept.

    Raises:
        UnreadableReferenceError: a table cannot be read, so what it refers to is unknown.
    """
    kept = with_sources(store, referenced_keys(home))
    before = time.time() - older_than
    entries = sorted(store.keys())
    unused = tuple(
        k for k in entries if k not in kept and store.path(k).parent.stat().st_mtime < before
    )
    return Garbage(
        unused,
        sum(_size(store, key) for key in unused),
        tuple(
            path
            for path in (*_leftovers(store), *sorted(home.tables.rglob(_HALF_A_TABLE)))
            if path.stat().st_mtime < before
        ),
        len(entries) - len(unused),
    )


def delete(store: ImageStore, found: Garbage) -> None:
    """Delete what `garbage` found.

    An entry is first renamed as unfinished writes are: if the deletion is interrupted, what is
    left of it is no entry, is in nobody's way, and goes with the next `gc`.
    """
    for key in found.images:
        entry = store.path(key).parent
        shutil.rmtree(entry.rename(entry.with_name(f".tmp-{uuid.uuid4().hex}")))
    for path in found.leftovers:
        shutil.rmtree(path) if path.is_dir() else path.unlink()


def referenced_keys(home: ProjectHome) -> set[str]:
    """Every image key that a file names, wherever it stands in it.

    Raises:
        UnreadableReferenceError: a file cannot be read.
    """
    keys: set[str] = set()
    for path in _documents(home):
        try:
            keys.update(_keys_in(path))
        except (OSError, pa.ArrowException) as error:
            raise UnreadableReferenceError(
                f"{path} cannot be read, so the images it refers to are unknown and none is "
                "deleted; run `imgassets validate` to make it again, or delete the file"
            ) from error
    return keys


def with_sources(store: ImageStore, keys: set[str]) -> set[str]:
    """Keys, with those of the images they were made from, and so on."""
    kept: set[str] = set()
    waiting = set(keys)
    while waiting:
        kept |= waiting
        waiting = {s for key in waiting if (s := _source(store, key)) and s not in kept}
    return kept


def _source(store: ImageStore, key: str) -> str | None:
    try:
        return store.record(key).request.get("source")
    except (KeyError, CorruptEntryError):
        return None


def _documents(home: ProjectHome) -> Iterator[Path]:
    """All files of a project's home but images and scores, Dagster's own, and harmed ones."""
    aside = {home.images, home.dagster, home.facets, home.quarantine, home.selftest.folder}
    for path in sorted(home.folder.rglob("*")):
        of_scores = path.parent == home.folder and path.name.startswith(home.scores.name)
        if path.is_file() and not of_scores and aside.isdisjoint(path.parents):
            yield path


def _keys_in(path: Path) -> Iterator[str]:
    if path.suffix != ".parquet":
        yield from (match.decode() for match in _KEY.findall(path.read_bytes()))
        return
    table = pq.read_table(path)
    for name in table.column_names:
        if pa.types.is_string(table[name].type) or pa.types.is_large_string(table[name].type):
            text = "\n".join(v for v in table[name].unique().to_pylist() if v)
            yield from (match.decode() for match in _KEY.findall(text.encode()))


def _intact(store: ImageStore, key: str) -> bool:
    """Whether an entry is unharmed; one without a record counts as harmed as well."""
    if store.has(key):
        return store.intact(key)
    store.quarantine(key)
    return False


def _size(store: ImageStore, key: str) -> int:
    return sum(p.stat().st_size for p in store.path(key).parent.iterdir())


def _leftovers(store: ImageStore) -> list[Path]:
    return sorted(store.root.glob(_TEMPORARY))
