"""Any change remakes exactly what it touches: images and assets counted, row by row.

`pytest -s` shows the rows of the table in docs/incremental.md.
"""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from imgassets.metrics.families import FAMILIES
from imgassets_tests.conftest import edit_file
from imgassets_tests.integration.rows import ALL_OF_FAST, ROWS, Change, Row, edit, fast
from imgassets_tests.integration.small import Done, validated


def show(change: str, done: Done) -> None:
    """A row of the measured table."""
    images = " | ".join(str(n) for n in of_flows(done))
    print(
        f"\n| {change} | {images} | {len(done.planned.assets)} | {len(done.assets)} "
        f"| {done.checks} |"
    )


def of_flows(done: Done) -> tuple[int, ...]:
    """Images by the flows of the small project; it has no other."""
    return tuple(done.images[flow] for flow in ("generate", "edit", "upscale"))


def changed(small: Path, to: Path, change: Change) -> Done:
    """A copy of the validated project, changed and validated again."""
    shutil.copytree(small, to, dirs_exist_ok=True)
    change(to)
    return validated(to)


@pytest.mark.parametrize("row", ROWS, ids=[row.change.replace(" ", "-") for row in ROWS])
def test_a_change_remakes_what_it_touches(
    row: Row, small: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("IMGASSETS_HOME", raising=False)
    monkeypatch.setitem(FAMILIES, "typography", FAMILIES["typography"])
    done = changed(small, tmp_path, row.make)
    show(row.change, done)
    assert of_flows(done) == row.images
    assert done.planned.to_dict()["images"] == done.images
    assert sum(done.planned.scores.values()) == done.scores
    assert row.scores is None or done.scores == row.scores
    assert set(row.must) <= done.assets <= set(row.must) | set(row.may)
    assert done.assets <= set(done.planned.assets)
    assert set(done.planned.must) <= done.assets
    assert bool(done.checks) == row.checks


def test_back_to_how_it_was_makes_no_image(small: Path, tmp_path: Path) -> None:
    there = changed(small, tmp_path, edit(fast, "{steps: 1,", "{steps: 2,"))
    assert sum(there.images.values()) == sum(ALL_OF_FAST)
    edit_file(fast(tmp_path), "{steps: 2,", "{steps: 1,")
    back = validated(tmp_path)
    show("back to how it was", back)
    assert sum(back.images.values()) == 0
    assert back.planned.images == {}
    assert not [key for key in back.assets if key.startswith("cards/prod")]
