"""Copies of stored images: right or not there, and never more than allowed."""

from __future__ import annotations

import hashlib
import os
from pathlib import Path

import pytest

from imgassets.documents.environment import PlaceError, cache_bytes, store_url
from imgassets.storage.file_cache import FileCache


def keep(cache: FileCache, number: int, age: float = 0.0) -> str:
    data = number.to_bytes(2) * 500
    sha256 = hashlib.sha256(data).hexdigest()
    cache.keep(sha256, data)
    if age and cache.path(sha256).exists():
        seconds = 1.7e9 - age
        os.utime(cache.path(sha256), (seconds, seconds))
    return sha256


def test_what_was_used_longest_ago_goes_first(tmp_path: Path) -> None:
    kept = [keep(FileCache(tmp_path, 20_000), n, age=100.0 - n) for n in range(16)]
    assert FileCache(tmp_path, 20_000).read(kept[0]) is not None  # used, so young again
    for n in range(16, 60):
        kept.append(keep(FileCache(tmp_path, 20_000), n))
        files = list(tmp_path.glob("*/*"))
        assert sum(path.stat().st_size for path in files) <= 20_000
    assert len(files) >= 15
    cache = FileCache(tmp_path, 20_000)
    assert cache.read(kept[1]) is None
    assert cache.read(kept[-1]) is not None


def test_a_harmed_copy_is_none_and_goes(tmp_path: Path) -> None:
    cache = FileCache(tmp_path, 10**6)
    sha256 = keep(cache, 1)
    cache.path(sha256).write_bytes(b"harmed")
    assert cache.read(sha256) is None
    assert not cache.path(sha256).exists()


def test_a_limit_of_nothing_keeps_nothing(tmp_path: Path) -> None:
    assert FileCache(tmp_path, 0).read(keep(FileCache(tmp_path, 0), 1)) is None
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    "address",
    ["", "bucket", "ftp://bucket/a", "s3://", "file://", "s3:///a", "s3://us:pw-SECRET@bucket/a"],
)
def test_an_address_that_is_none_is_refused(address: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("IMGASSETS_STORE", address)
    with pytest.raises(PlaceError, match=r"\$IMGASSETS_STORE") as raised:
        store_url()
    assert "pw-SECRET" not in str(raised.value)


@pytest.mark.parametrize("size", ["", "-1", "ten", "nan", "inf"])
def test_a_size_that_is_none_is_refused(size: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("IMGASSETS_CACHE_GB", size)
    with pytest.raises(PlaceError, match="gigabytes"):
        cache_bytes()
