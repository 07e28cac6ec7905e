"""The store: whole or not at all, never overwritten, corruption found by hash."""

from __future__ import annotations

import os
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from imgassets.images.encoding import NonFiniteImageError, encode_png, quantize
from imgassets.storage.image_store import CorruptEntryError, ImageStore, StoreError

KEY = "ab" * 32


def picture(level: int) -> Image.Image:
    return Image.fromarray(np.full((8, 8, 3), level, np.uint8))


def put(store: ImageStore, level: int, key: str = KEY) -> None:
    store.put(
        key,
        picture(level),
        request={"seed": 1},
        seconds=0.5,
        peak_memory_mib=10.0,
        batch_size=4,
        made_at="2026-11-24T00:00:00+00:00",
    )


def test_an_image_comes_back_unharmed(tmp_path: Path) -> None:
    store = ImageStore(tmp_path)
    put(store, 7)
    assert store.has(KEY)
    assert (store.read_array(KEY) == 7).all()
    record = store.record(KEY)
    assert (record.request, record.seconds, record.width) == ({"seed": 1}, 0.5, 8)
    assert list(store.keys()) == [KEY]


def test_the_first_image_stays(tmp_path: Path) -> None:
    store = ImageStore(tmp_path)
    put(store, 7)
    put(store, 8)
    assert (store.read_array(KEY) == 7).all()


def test_a_changed_file_is_found_and_quarantined(tmp_path: Path) -> None:
    store = ImageStore(tmp_path)
    put(store, 7)
    os.utime(store.path(KEY).with_name("record.json"), (0, 0))  # looks rewritten, and is whole
    assert store.seems_intact(KEY)
    store.path(KEY).write_bytes(store.path(KEY).read_bytes()[:-1])
    assert not store.seems_intact(KEY)
    assert store.has(KEY), "a look changes nothing"
    with pytest.raises(CorruptEntryError):
        store.read(KEY)
    assert not store.intact(KEY)
    assert not store.has(KEY)
    assert (tmp_path / "quarantine" / KEY / "image.png").exists()
    put(store, 9)
    assert (store.read_array(KEY) == 9).all()


def test_a_missing_image_file_counts_as_corrupt(tmp_path: Path) -> None:
    store = ImageStore(tmp_path)
    put(store, 7)
    store.path(KEY).unlink()
    assert not store.intact(KEY)


def test_half_written_entries_are_invisible(tmp_path: Path) -> None:
    store = ImageStore(tmp_path)
    leftover = tmp_path / KEY[:2] / ".tmp-killed"
    leftover.mkdir(parents=True)
    (leftover / "image.png").write_bytes(b"half")
    assert not store.has(KEY)
    assert list(store.keys()) == []
    put(store, 7)
    assert store.intact(KEY)


def test_a_folder_without_a_record_is_put_aside_and_not_in_the_way(tmp_path: Path) -> None:
    store = ImageStore(tmp_path)
    put(store, 7)
    store.path(KEY).with_name("record.json").unlink()  # a deletion that was killed half way
    assert not store.intact(KEY)
    put(store, 8)
    assert (store.read_array(KEY) == 8).all()
    assert (tmp_path / "quarantine" / KEY / "image.png").exists()


@pytest.mark.parametrize("key", ["", "../../etc/passwd", "AB" * 32, "ab" * 31, "g" * 64])
def test_only_image_keys_become_paths(tmp_path: Path, key: str) -> None:
    with pytest.raises(ValueError, match="not an image key"):
        ImageStore(tmp_path).path(key)


def test_an_unwritable_store_says_so(tmp_path: Path) -> None:
    root = tmp_path / "store"
    root.write_text("a file where the folder should be")
    with pytest.raises(StoreError, match="finished images are kept"):
        put(ImageStore(root), 7)


def test_quantizing_rounds_to_nearest() -> None:
    pixels = np.array([[[0.0, 1.0, 127.6 / 255]]])
    assert np.asarray(quantize(pixels)).tolist() == [[[0, 255, 128]]]


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
@pytest.mark.parametrize("kind", [np.float16, np.float32, np.float64])
def test_one_non_finite_value_is_refused(value: float, kind: type) -> None:
    """A single bad value is enough, and its share is named."""
    pixels = np.zeros((10, 10, 3), kind)
    quantize(pixels)
    pixels[1, 2, 1] = value
    with pytest.raises(NonFiniteImageError, match=r"1 of 300 values \(0\.3%\)"):
        quantize(pixels)


def test_equal_pixels_give_equal_bytes() -> None:
    tagged = picture(3)
    tagged.info["dpi"] = (300, 300)
    assert encode_png(tagged) == encode_png(picture(3))


def test_no_temporary_folder_is_left(tmp_path: Path) -> None:
    put(ImageStore(tmp_path), 7)
    assert [path.name for path in (tmp_path / KEY[:2]).iterdir()] == [KEY]
