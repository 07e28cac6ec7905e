"""Entries as objects in a bucket: `blobs/SHA256` first, then `records/KEY.json`.

Objects cannot be renamed, so the record is what makes an entry: it is created last, on the
condition that there is none, and names its blobs by their hash. Of several writers one creates it;
the others read what that one wrote, and their blobs wait for `imgassets store gc`.

    blobs/ab/ab12...       parts of entries, by their SHA-256
    records/KEY.json       the entries
    state/store.json       made with the store; another version of it means another store
    state/removed/...      notices of entries that were taken out, for copies on other machines
    quarantine/KEY/...     harmed entries

A record is never changed. So what a machine once knew of it stays true until a notice says that it
was taken out, and one listing of `state/` answers for any number of images.
"""

from __future__ import annotations

import hashlib
import json
import time
import uuid
from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, ClassVar, Self

from imgassets.documents.environment import cache_bytes
from imgassets.storage.conditional_create import check_promise
from imgassets.storage.entries import Kept, StoreError
from imgassets.storage.file_cache import FileCache
from imgassets.storage.known_records import KnownRecords
from imgassets.storage.object_place import ObjectPlace, in_threads, place_at

_STATE, _MARK, _REMOVED = "state/", "state/store.json", "state/removed/"
_RECORDS, _BLOBS, _ASIDE = "records/", "blobs/", "quarantine/"
_DAY = 24 * 3600.0
#: Notices are kept for longer than a machine believes what it knows without having looked.
_NOTICES_KEPT, _BELIEVED = 60 * _DAY, 30 * _DAY
#: So many keys are asked for one by one before all are listed, a thousand a request.
_WORTH_LISTING = 20
_TRIES = 5


@dataclass(frozen=True)
class ObjectEntries:
    """Entries by key in a place for objects; see `entries.Entries` for what the methods do.

    Attributes:
        place: where they are.
        known: what this machine knows of them.
        cache: copies of their blobs.
        first, last: the part that becomes a blob, and the part that is kept in the record.
    """

    near: ClassVar[bool] = False

    place: ObjectPlace
    known: KnownRecords
    cache: FileCache
    first: str
    last: str

    @classmethod
    def at(cls, url: str, cache: Path, first: str, last: str) -> Self:
        """Those of an address.

        Raises:
            PlaceError: the size of the cache is no number.
            StoreError: the place cannot be opened.
        """
        name = hashlib.sha256(url.encode()).hexdigest()[:16]
        known = KnownRecords(cache / f"known-{name}.sqlite")
        return cls(place_at(url), known, FileCache(cache / "images", cache_bytes()), first, last)

    def put(self, key: str, parts: Mapping[str, bytes]) -> None:
        """See `Entries`."""
        self._ready_to_write()
        blob, text = parts[self.first], parts[self.last]
        sha256 = hashlib.sha256(blob).hexdigest()
        # Written over what is there: that heals a harmed blob, and makes an old one young again.
        self.place.write(_blob(sha256), blob)
        record = _packed(sha256, text)
        for _ in range(_TRIES):
            if self.place.create(_record(key), record):
                self.known.keep({key: record})
                self.cache.keep(sha256, blob)
                return
            if self._asked(key):
                return  # another one was first
        raise StoreError(
            f"image store {self.place.url}: {_record(key)} can be neither created nor read; run "
            "again: finished images are kept"
        )

    def has(self, key: str) -> bool:
        """See `Entries`."""
        return self.place.exists(_record(key))

    def read(self, key: str, part: str) -> bytes:
        """See `Entries`."""
        sha256, text = self._unpacked(key, self._of(key))
        if part == self.last:
            return text
        if part != self.first:
            raise KeyError(key)
        data = self._blob(sha256)
        if data is not None and hashlib.sha256(data).hexdigest() == sha256:
            return data
        # Harmed, or what is known here is out of date: the entry may have been made anew.
        newer, _ = self._unpacked(key, self._asked(key))
        if newer != sha256:
            data = self._blob(newer)
        if data is None:
            raise KeyError(key)
        return data

    def look(self, keys: Collection[str]) -> dict[str, bool]:
        """See `Entries`: what was never taken out is as it was written."""
        if not keys or not self._take_in_notices():
            return {}
        there = self.known.among(keys)
        unsure = [key for key in dict.fromkeys(keys) if key not in there]
        if not unsure:
            return dict.fromkeys(there, True)
        if len(unsure) > _WORTH_LISTING + self.known.count() / 1000:
            for names in self.place.hashes(_RECORDS):
                self.known.add(map(_key, names))
        else:
            found = in_threads(self.has, unsure)
            self.known.add(key for key, one in zip(unsure, found, strict=True) if one)
        return dict.fromkeys(self.known.among(keys), True)

    def fetch(self, keys: Collection[str], part: str) -> None:
        """See `Entries`: records into what is known here, images into the cache."""
        lacking = [key for key in dict.fromkeys(keys) if self.known.record(key) is None]
        read = zip(lacking, in_threads(lambda k: self.place.read(_record(k)), lacking), strict=True)
        self.known.keep({key: record for key, record in read if record is not None})
        if part == self.first:
            in_threads(self._bring_blob, keys)

    def _bring_blob(self, key: str) -> None:
        record = self.known.record(key)
        sha256 = _sha256_in(record) if record else ""
        if sha256 and not self.cache.path(sha256).is_file():
            self._blob(sha256)

    def set_aside(self, key: str) -> str:
        """See `Entries`: to `quarantine/`. The blob stays, other entries may name it."""
        record = self.place.read(_record(key))
        target = f"{_ASIDE}{key}"
        if record is None:
            self.known.forget([key])
            return f"{self.place.url}/{target}"
        taken = len([name for name in self.aside() if name.split(".")[0] == key])
        target += f".{taken}" if taken else ""
        self.place.write(f"{target}/{self.last}", record)
        if sha256 := _sha256_in(record):
            self.place.copy(_blob(sha256), f"{target}/{self.first}")
        with self._noticed([key]):
            self.place.delete([_record(key)])
        return f"{self.place.url}/{target}"

    def all_keys(self) -> Iterator[str]:
        """See `Entries`: a request for every thousand."""
        return (_key(name) for names in self.place.hashes(_RECORDS) for name in names)

    def survey(self) -> dict[str, Kept]:
        """See `Entries`: lists all objects, and reads records that were not read here before."""
        records = {_key(found.name): found for found in self.place.listed(_RECORDS)}
        blobs = {_sha256(found.name): found.size for found in self.place.listed(_BLOBS)}
        self.fetch(list(records), self.last)
        return {
            key: Kept(found.size + blobs.get(self._names(key), 0), found.changed)
            for key, found in records.items()
        }

    def leftovers(self) -> dict[str, Kept]:
        """See `Entries`: blobs that no record names."""
        # Blobs first: one that is named by the time records are listed is not taken for one.
        blobs = list(self.place.listed(_BLOBS))
        keys = list(self.all_keys())
        self.fetch(keys, self.last)
        named = {self._names(key) for key in keys}
        return {
            found.name: Kept(found.size, found.changed)
            for found in blobs
            if _sha256(found.name) not in named
        }

    def remove(self, keys: Sequence[str], leftovers: Sequence[str]) -> None:
        """See `Entries`: records first. Their blobs are unfinished writes from then on."""
        if keys:
            with self._noticed(keys):
                self.place.delete([_record(key) for key in keys])
        self.place.delete(leftovers)
        old = time.time() - _NOTICES_KEPT
        self.place.delete([n.name for n in self.place.listed(_REMOVED) if n.changed < old])

    def aside(self) -> list[str]:
        """See `Entries`."""
        return self.place.folders(_ASIDE)

    def at_source(self) -> ObjectEntries:
        """See `Entries`."""
        return replace(self, known=KnownRecords(), cache=FileCache(Path(), 0))

    def _of(self, key: str) -> bytes:
        """An entry's record, as it is known here, or else as it is there."""
        return self.known.record(key) or self._asked(key)

    def _asked(self, key: str) -> bytes:
        """An entry's record as it is there; empty where there is none."""
        record = self.place.read(_record(key))
        if record is None:
            self.known.forget([key])
            return b""
        self.known.keep({key: record})
        return record

    def _unpacked(self, key: str, record: bytes) -> tuple[str, bytes]:
        """Its blob's hash, and the part that is kept in it; no hash where it was harmed."""
        if not record:
            raise KeyError(key)
        try:
            told = json.loads(record)
            return str(told["blob"]), str(told["record"]).encode()
        except (ValueError, TypeError, KeyError):
            return "", record  # whoever reads it finds that it is no record

    def _names(self, key: str) -> str:
        record = self.known.record(key)
        return _sha256_in(record) if record else ""

    def _blob(self, sha256: str) -> bytes | None:
        """A blob, from here or from there."""
        data = self.cache.read(sha256)
        if data is None:
            data = self.place.read(_blob(sha256))
            if data is not None and hashlib.sha256(data).hexdigest() == sha256:
                self.cache.keep(sha256, data)
        return data

    def _take_in_notices(self) -> bool:
        """Forget what was taken out since the last look; whether there is a store at all.

        One request, and one more for every new notice.
        """
        found = {one.name: one for one in self.place.listed(_STATE)}
        mark = found.pop(_MARK, None)
        if mark is None:
            return False
        looked = float(self.known.noted("looked") or 0)
        if self.known.noted("store") != mark.etag or time.time() - looked > _BELIEVED:
            self.known.forget_all()
            self.known.note("store", mark.etag)
            self.known.took_in(found)
        new = sorted(found.keys() - self.known.notices())
        for keys in in_threads(self.place.read, new):
            self.known.forget(json.loads(keys or b"[]"))
        self.known.took_in(new)
        self.known.note("looked", str(time.time()))
        return True

    @contextmanager
    def _noticed(self, keys: Sequence[str]) -> Iterator[None]:
        """Tell other machines that entries are taken out.

        Before, lest it is interrupted and nobody told them; and after, lest one looked in between
        and found them still there.
        """
        self._notice(keys)
        yield
        self._notice(keys)
        self.known.forget(keys)

    def _notice(self, keys: Sequence[str]) -> None:
        name = f"{_REMOVED}{uuid.uuid4().hex}.json"
        self.place.write(name, json.dumps(list(keys)).encode())

    def _ready_to_write(self) -> None:
        """Once a day on each machine: whether the server lets one win, and the store's mark."""
        tested = self.known.noted("promise")
        if tested and time.time() - float(tested) < _DAY:
            return
        check_promise(self.place)
        self.place.create(_MARK, json.dumps({"store": uuid.uuid4().hex}).encode())
        self._take_in_notices()
        self.known.note("promise", str(time.time()))


def _record(key: str) -> str:
    return f"{_RECORDS}{key}.json"


def _key(name: str) -> str:
    return name.removeprefix(_RECORDS).removesuffix(".json")


def _blob(sha256: str) -> str:
    return f"{_BLOBS}{sha256[:2]}/{sha256}.png"


def _sha256(name: str) -> str:
    return name.rsplit("/", 1)[-1].removesuffix(".png")


def _packed(sha256: str, text: bytes) -> bytes:
    return json.dumps({"blob": sha256, "record": text.decode()}).encode()


def _sha256_in(record: bytes) -> str:
    """The hash of the blob that a record names; empty where it is no record."""
    try:
        told: Any = json.loads(record)
        return str(told["blob"])
    except (ValueError, TypeError, KeyError):
        return ""
