"""What every place for entries promises, whatever it is made of."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import ClassVar

import pytest

from imgassets.images.encoding import encode_png
from imgassets.storage.entries import Entries, FolderEntries, Kept
from imgassets.storage.image_store import CorruptEntryError, ImageStore
from imgassets.storage.object_entries import ObjectEntries
from imgassets_tests.s3_servers import on_a_server

KEY, OTHER = "a" * 64, "b" * 64
PARTS = {"image.png": b"pixels", "record.json": b"{}"}


class MemoryEntries:
    """Entries in a dictionary: another place, to see that the store needs no folder."""

    near: ClassVar[bool] = True

    def __init__(self) -> None:
        self.found: dict[str, dict[str, bytes]] = {}
        self.set_aside_ones: dict[str, dict[str, bytes]] = {}

    def put(self, key: str, parts: Mapping[str, bytes]) -> None:
        self.found.setdefault(key, dict(parts))

    def has(self, key: str) -> bool:
        return key in self.found

    def read(self, key: str, part: str) -> bytes:
        return self.found[key][part]

    def look(self, keys: Collection[str]) -> dict[str, bool]:
        return {key: False for key in keys if key in self.found}

    def fetch(self, keys: Collection[str], part: str) -> None:
        """All is near."""

    def set_aside(self, key: str) -> str:
        if key in self.found:
            self.set_aside_ones[key] = self.found.pop(key)
        return f"aside/{key}"

    def all_keys(self) -> Iterator[str]:
        return iter(list(self.found))

    def survey(self) -> dict[str, Kept]:
        return {
            key: Kept(sum(map(len, parts.values())), time.time())
            for key, parts in self.found.items()
        }

    def leftovers(self) -> dict[str, Kept]:
        return {}

    def remove(self, keys: Sequence[str], leftovers: Sequence[str]) -> None:
        for key in keys:
            del self.found[key]

    def aside(self) -> list[str]:
        return sorted(self.set_aside_ones)

    def at_source(self) -> Entries:
        return self


#: Where entries are tried: a name of `place_url`, or one of these.
PLACES = ["folder", "memory", "file", on_a_server("seaweedfs"), on_a_server("moto")]


@pytest.fixture(params=PLACES)
def entries(
    request: pytest.FixtureRequest, tmp_path: Path, place_url: Callable[[str], str]
) -> Entries:
    if request.param == "folder":
        return FolderEntries(tmp_path / "entries", "image.png", "record.json")
    if request.param == "memory":
        return MemoryEntries()
    url = place_url(request.param)
    return ObjectEntries.at(url, tmp_path / "cache", "image.png", "record.json")


def test_what_is_put_is_read_and_listed(entries: Entries) -> None:
    assert not entries.has(KEY)
    assert list(entries.all_keys()) == []
    entries.put(KEY, PARTS)
    assert entries.has(KEY)
    assert entries.read(KEY, "image.png") == b"pixels"
    assert list(entries.all_keys()) == [KEY]
    assert list(entries.look([KEY, OTHER])) == [KEY]


def test_what_is_not_there_raises(entries: Entries) -> None:
    entries.put(KEY, PARTS)
    for key, part in ((OTHER, "image.png"), (KEY, "nothing")):
        with pytest.raises(KeyError):
            entries.read(key, part)


def test_the_first_stays_also_among_many_at_once(entries: Entries) -> None:
    def put(number: int) -> None:
        entries.put(KEY, {"image.png": b"%d" % number, "record.json": b"%d" % number})

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(put, range(32)))
    first = entries.read(KEY, "image.png")
    put(99)
    assert entries.read(KEY, "image.png") == entries.read(KEY, "record.json") == first


def test_what_is_set_aside_is_gone_and_may_be_put_again(entries: Entries) -> None:
    entries.put(KEY, PARTS)
    assert KEY in entries.set_aside(KEY)
    assert not entries.has(KEY)
    entries.set_aside(KEY)  # gone already: nothing happens
    entries.put(KEY, PARTS)
    assert entries.has(KEY)


def test_what_is_removed_is_gone_and_its_remains_too(entries: Entries) -> None:
    entries.put(KEY, PARTS)
    entries.put(OTHER, {"image.png": b"other", "record.json": b"{}"})
    found = entries.survey()
    assert found.keys() == {KEY, OTHER}
    assert found[KEY].bytes >= len(b"pixels{}")
    assert abs(found[KEY].changed - time.time()) < 60
    assert entries.leftovers() == {}
    entries.remove([KEY], [])
    entries.remove([], list(entries.leftovers()))
    assert entries.look([KEY, OTHER]).keys() == {OTHER}
    assert entries.read(OTHER, "image.png") == b"other"
    assert (list(entries.all_keys()), entries.leftovers()) == ([OTHER], {})


def test_entries_of_equal_parts_do_not_lose_theirs_when_one_goes(entries: Entries) -> None:
    entries.put(KEY, PARTS)
    entries.put(OTHER, PARTS)
    entries.set_aside(KEY)
    assert entries.aside() == [KEY]
    entries.remove([], list(entries.leftovers()))
    assert entries.at_source().read(OTHER, "image.png") == b"pixels"


def test_a_touched_folder_is_told_without_reading(tmp_path: Path) -> None:
    entries = FolderEntries(tmp_path, "image.png", "record.json")
    entries.put(KEY, PARTS)
    assert entries.look([KEY]) == {KEY: True}
    os.utime(entries.folder(KEY) / "image.png", (1e9, 1e9))
    assert entries.look([KEY]) == {KEY: False}


def test_the_image_store_works_on_any_entries(entries: Entries, tmp_path: Path) -> None:
    store = ImageStore(tmp_path / "none", entries)
    image = store_image(store)
    assert store.read_bytes(KEY) == encode_png(image)
    assert store.seems_intact(KEY)
    entries.set_aside(KEY)
    entries.put(KEY, {"image.png": b"other", "record.json": record_of(store, tmp_path)})
    with pytest.raises(CorruptEntryError):
        store.read_bytes(KEY)
    assert not store.has(KEY)


def store_image(store: ImageStore) -> object:
    from PIL import Image

    image = Image.new("RGB", (8, 8), "red")
    store.put(KEY, image, request={}, seconds=0.1, peak_memory_mib=1.0, batch_size=1, made_at="now")
    return image


def record_of(store: ImageStore, tmp_path: Path) -> bytes:
    """The record that the store writes for the image, taken from another store."""
    beside = ImageStore(tmp_path / "beside")
    store_image(beside)
    return (beside.path(KEY).parent / "record.json").read_bytes()
