"""Looking after the store: nothing that anybody refers to is ever deleted."""

from __future__ import annotations

import json
import os
import time
from pathlib import Path

import pandas as pd
import pytest
from PIL import Image

from imgassets.cli.main import main
from imgassets.storage import maintenance
from imgassets.storage.image_store import ImageStore
from imgassets.storage.project_home import ProjectHome

KEYS = [f"{digit}" * 64 for digit in "abcdef"]
OLD = time.time() - 3 * 24 * 3600


@pytest.fixture
def home(tmp_path: Path) -> Path:
    """A home with six old images: b to f are made from the one before."""
    store = ImageStore(tmp_path / "images")
    for index, key in enumerate(KEYS):
        request = {"flow": "edit", "source": KEYS[index - 1]} if index else {"flow": "generate"}
        store.put(
            key,
            Image.new("RGB", (4, 4), (index, 0, 0)),
            request=request,
            seconds=1.0,
            peak_memory_mib=1.0,
            batch_size=1,
            made_at="2026-11-24T00:00:00+00:00",
        )
        os.utime(store.path(key).parent, (OLD, OLD))
    return tmp_path


def store_of(home: Path) -> ImageStore:
    return ImageStore(home / "images")


def refer(home: Path, *keys: str) -> Path:
    path = home / "tables" / "cards" / "prod" / "generated.parquet"
    path.parent.mkdir(parents=True, exist_ok=True)
    pd.DataFrame({"image_key": keys, "seed": range(len(keys))}).to_parquet(path)
    return path


def test_stats_count_by_flow(home: Path) -> None:
    found = maintenance.stats(store_of(home))
    assert (found.images, found.by_flow) == (6, {"generate": 1, "edit": 5})
    assert found.bytes > 6 * 60


def test_what_a_table_refers_to_is_kept_with_its_sources(home: Path) -> None:
    refer(home, KEYS[2])
    found = maintenance.garbage(store_of(home), ProjectHome(home))
    assert found.images == tuple(KEYS[3:])
    assert found.kept == 3


@pytest.mark.parametrize(
    "name", ["reports/cards/report.html", "baselines/a.json", "v/verdict.json"]
)
def test_any_document_that_names_an_image_keeps_it(home: Path, name: str) -> None:
    path = home / name
    path.parent.mkdir(parents=True)
    path.write_text(json.dumps({"images": [f"img/{KEYS[0]}.png"]}))
    assert maintenance.garbage(store_of(home), ProjectHome(home)).images == tuple(KEYS[1:])


def test_young_images_are_left_alone(home: Path) -> None:
    os.utime(store_of(home).path(KEYS[0]).parent)
    assert KEYS[0] not in maintenance.garbage(store_of(home), ProjectHome(home)).images


def test_half_a_table_of_a_killed_run_goes_once_it_is_old(home: Path) -> None:
    table = refer(home, *KEYS)
    half = table.with_name(f".{table.name}.4711")
    half.write_bytes(table.read_bytes()[:20])
    assert maintenance.garbage(store_of(home), ProjectHome(home)).leftovers == ()
    os.utime(half, (0, 0))
    found = maintenance.garbage(store_of(home), ProjectHome(home))
    assert found.leftovers == (half,)
    maintenance.delete(store_of(home), found)
    assert table.is_file()
    assert not half.exists()


def test_an_interrupted_deletion_leaves_no_entry_and_goes_with_the_next(
    home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    store = store_of(home)
    refer(home, *KEYS[:5])
    found = maintenance.garbage(store, ProjectHome(home))
    assert found.images == (KEYS[5],)

    def killed_half_way(path: Path) -> None:
        (path / "record.json").unlink()
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr("imgassets.storage.entries.shutil.rmtree", killed_half_way)
        with pytest.raises(KeyboardInterrupt):
            maintenance.delete(store, found)
    assert sorted(store.keys()) == KEYS[:5]
    assert maintenance.stats(store).leftovers == 1
    maintenance.delete(store, maintenance.garbage(store, ProjectHome(home), older_than=-1.0))
    assert maintenance.stats(store).leftovers == 0


def test_a_damaged_table_stops_the_deletion(home: Path) -> None:
    table = refer(home, *KEYS)
    table.write_bytes(table.read_bytes()[:-20])
    with pytest.raises(
        maintenance.UnreadableReferenceError, match=r"generated\.parquet cannot be read"
    ):
        maintenance.garbage(store_of(home), ProjectHome(home))


def test_a_harmed_image_is_found_and_shown_in_quarantine(home: Path) -> None:
    store = store_of(home)
    store.path(KEYS[1]).write_bytes(b"no image")
    found = maintenance.verify(store)
    assert found.harmed == found.quarantined == (KEYS[1],)
    assert maintenance.stats(store).quarantined == (KEYS[1],)
    assert maintenance.verify(store).harmed == ()


def test_the_command(
    home: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("IMGASSETS_HOME", str(home))
    refer(home, KEYS[0])
    assert main(["store", "stats"]) == 0
    assert "6 image(s)" in capsys.readouterr().out
    assert main(["store", "gc", "--dry-run"]) == 0
    assert capsys.readouterr().out.startswith("5 image(s) would be deleted")
    assert len(list(store_of(home).keys())) == 6
    assert main(["store", "gc", "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["images"] == KEYS[1:]
    assert list(store_of(home).keys()) == KEYS[:1]
    store_of(home).path(KEYS[0]).write_bytes(b"no image")
    assert main(["store", "verify"]) == 1
    assert KEYS[0] in capsys.readouterr().out
