"""Care of the image store: how large it is, whether it is whole, and what nobody refers to.

An image is kept as long as anything beside the store names it: an image table, a verdict, a
report, a baseline. What names an image is found by its key, wherever it stands, so a new kind of
document needs no change here.
"""

from __future__ import annotations

import re
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from imgassets.storage.image_store import CorruptEntryError, ImageStore
from imgassets.storage.object_place import in_threads
from imgassets.storage.project_home import ProjectHome

_KEY = re.compile(rb"(?<![0-9a-f])[0-9a-f]{64}(?![0-9a-f])")
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
        unfinished: writes of the store that did not end, to delete.
        leftovers: tables that were not written to their end, to delete.
        kept: entries that are referred to, or too young to tell.
        before: what was written later (seconds since 1970) is left alone.
    """

    images: tuple[str, ...]
    bytes: int
    unfinished: tuple[str, ...]
    leftovers: tuple[Path, ...]
    kept: int
    before: float

    def to_dict(self) -> dict[str, Any]:
        """JSON-serialisable."""
        return {
            "images": list(self.images),
            "bytes": self.bytes,
            "leftovers": len(self.unfinished) + len(self.leftovers),
            "kept": self.kept,
        }


def stats(store: ImageStore) -> Stats:
    """Count what is in the store; reads records, no image."""
    by_flow: dict[str, int] = {}
    unreadable = 0
    found = store.entries.survey()
    keys = sorted(found.keys() & set(store.keys()))
    store.fetch_records(keys)
    for key in keys:
        try:
            flow = str(store.record(key).request.get("flow", "unknown"))
            by_flow[flow] = by_flow.get(flow, 0) + 1
        except (CorruptEntryError, KeyError):
            unreadable += 1
    size = sum(found[key].bytes for key in keys)
    unfinished = len(store.entries.leftovers())
    return Stats(len(keys), size, by_flow, unreadable, quarantined(store), unfinished)


def verify(store: ImageStore) -> Verified:
    """Check every image against the hash it was stored with; harmed ones go to quarantine.

    The next `imgassets validate` makes them again.
    """
    keys, source = sorted(store.keys()), store.at_source()
    whole = in_threads(lambda key: _intact(source, key), keys)
    harmed = tuple(key for key, one in zip(keys, whole, strict=True) if not one)
    return Verified(len(keys), harmed, quarantined(store))


def quarantined(store: ImageStore) -> tuple[str, ...]:
    """Names of what is in quarantine: image keys, with a number where one came back."""
    return tuple(store.entries.aside())


def garbage(store: ImageStore, home: ProjectHome, *, older_than: float = GRACE_SECONDS) -> Garbage:
    """Entries that nothing in `home` refers to, directly or as the source of another image.

    Args:
        store: looked through.
        home: everything made by the project; the store may be a part of it.
        older_than: seconds; younger entries are kept.

    Raises:
        UnreadableReferenceError: a table cannot be read, so what it refers to is unknown.
    """
    before = time.time() - older_than
    unfinished = _unfinished(store, before)
    entries = store.entries.survey()
    kept = with_sources(store, referenced_keys(home))
    unused = sorted(k for k, one in entries.items() if k not in kept and one.changed < before)
    half = sorted(home.tables.rglob(_HALF_A_TABLE))
    return Garbage(
        tuple(unused),
        sum(entries[key].bytes for key in unused),
        tuple(unfinished),
        tuple(path for path in half if path.stat().st_mtime < before),
        len(entries) - len(unused),
        before,
    )


def delete(store: ImageStore, found: Garbage) -> None:
    """Delete what `garbage` found.

    If the deletion is interrupted, what is left of an entry is no entry, is in nobody's way, and
    goes with a later `gc`.
    """
    store.entries.remove(found.images, found.unfinished)
    store.entries.remove((), _unfinished(store, found.before))  # what only those entries named
    for path in found.leftovers:
        path.unlink()


def _unfinished(store: ImageStore, before: float) -> list[str]:
    return [name for name, one in store.entries.leftovers().items() if one.changed < before]


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
    aside = {home.images, home.cache, home.dagster, home.facets, home.quarantine}
    aside.add(home.selftest.folder)
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
