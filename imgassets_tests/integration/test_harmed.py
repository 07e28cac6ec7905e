"""Harmed files are found by their hash, moved to quarantine, told, and made again."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

import pytest

from imgassets.storage.image_store import ImageStore
from imgassets_tests.integration.small import Done, same_tables, validated


@pytest.fixture
def copy(small: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.delenv("IMGASSETS_HOME", raising=False)
    shutil.copytree(small, tmp_path, dirs_exist_ok=True)
    return tmp_path


def flip_a_byte(path: Path) -> None:
    data = bytearray(path.read_bytes())
    data[len(data) // 2] ^= 0xFF
    path.write_bytes(bytes(data))


def an_image(root: Path, flow: str = "upscale") -> Path:
    store = ImageStore(root / ".imgassets" / "images")
    keys = (k for k in sorted(store.keys()) if store.record(k).request["flow"] == flow)
    return store.path(next(keys))


def test_a_harmed_image_is_quarantined_and_made_again(
    copy: Path, small: Path, caplog: pytest.LogCaptureFixture
) -> None:
    path = an_image(copy)
    flip_a_byte(path)
    done: Done = validated(copy)
    assert done.planned.images == {"upscale": 1}
    assert [why for why in done.planned.must.values() if "were harmed" in why]
    aside = copy / ".imgassets" / "images" / "quarantine" / path.parent.name / "image.png"
    assert aside.is_file()
    assert path.is_file()
    assert f"image {path.parent.name[:12]} is not what was stored" in caplog.text
    assert same_tables(copy, small)


def test_a_table_cut_short_is_quarantined_and_made_again(
    copy: Path, small: Path, caplog: pytest.LogCaptureFixture
) -> None:
    path = copy / ".imgassets" / "tables" / "cards" / "fast" / "composition.parquet"
    whole = path.read_bytes()
    path.write_bytes(whole[:-100])
    done = validated(copy)
    assert "cards/fast/composition" in done.planned.must
    assert sum(done.images.values()) == 0
    aside = copy / ".imgassets" / "quarantine" / "tables" / "cards" / "fast" / path.name
    assert aside.read_bytes() == whole[:-100]
    assert "composition.parquet is not what was written" in caplog.text
    assert same_tables(copy, small)


def test_a_lost_table_of_requests_is_made_again_with_those_of_its_branch(
    copy: Path, small: Path
) -> None:
    (copy / ".imgassets" / "tables" / "cards" / "fast" / "requests_edit.parquet").unlink()
    done = validated(copy)
    assert done.assets == {f"cards/fast/requests_{f}" for f in ("generate", "edit", "upscale")}
    assert done.planned.must["cards/fast/requests_upscale"] == (
        "made together with cards/fast/requests_edit"
    )
    assert same_tables(copy, small)


def test_rot_that_leaves_no_trace_is_found_when_it_is_read(copy: Path, small: Path) -> None:
    path = an_image(copy)
    times = path.stat()
    flip_a_byte(path)
    os.utime(path, ns=(times.st_atime_ns, times.st_mtime_ns))
    assert validated(copy).planned.assets == {}, "nothing looks out of date, nothing is read"
    assert not ImageStore(copy / ".imgassets" / "images").intact(path.parent.name)
    assert {f: n for f, n in validated(copy).images.items() if n} == {"upscale": 1}
    assert same_tables(copy, small)
