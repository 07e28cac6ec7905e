"""Damaged JPEGs are refused when pixels are lost; what costs no pixel is no reason to refuse.

The campaign of `imgassets_tests.benchmarks.jpeg_damage` in small; its shares are in docs/inputs.md.
"""

from __future__ import annotations

from random import Random

import pytest

from imgassets.images import jpeg_scans
from imgassets.images.errors import RefusedError
from imgassets.images.normalize import normalize
from imgassets_tests.benchmarks.jpeg_damage import accepted, outcomes, whole_files
from imgassets_tests.images import jpegs

#: Changes that are always found.
CERTAIN = [
    "cut anywhere", "cut anywhere, the end in its place", "an error page in its place",
    "the rest is zeros", "a restart interval lost", "a scan lost",
]  # fmt: skip
KINDS = jpegs.kinds()


def test_whole_files_of_every_kind_are_accepted() -> None:
    assert all(map(accepted, KINDS.values()))
    assert whole_files()[1] == 0


@pytest.mark.parametrize("name", jpegs.HARMLESS)
def test_what_changes_no_pixel_is_accepted(name: str) -> None:
    for counts in outcomes({name: jpegs.HARMLESS[name]}, each=4).values():
        assert counts == {(True, True): 4}


@pytest.mark.parametrize("name", CERTAIN)
def test_lost_parts_are_found(name: str) -> None:
    for counts in outcomes({name: jpegs.LOSSES[name]}, each=4).values():
        assert counts[False, True] == 0


@pytest.mark.parametrize("harmless", [None, "stray bytes between markers", "zeros before the end"])
def test_changed_bytes_between_restart_markers_are_found(harmless: str | None) -> None:
    """Six of them; and a harmless warning before them hides none."""
    random, change = Random(3), jpegs.changed_bytes(6)
    whole = [data for kind, data in KINDS.items() if "restart" in kind]
    files = [change(data, random) for data in whole for _ in range(20)]
    if harmless:
        files = [jpegs.HARMLESS[harmless](data, random) for data in files]
    assert sum(map(accepted, files)) <= 6


@pytest.mark.parametrize(("name", "least"), [("20 bytes changed", 0.97), ("150 bytes lost", 0.95)])
def test_most_damage_is_found(name: str, least: float) -> None:
    found = outcomes({name: jpegs.LOSSES[name]}, each=6)
    lost = sum(c[False, False] + c[False, True] for c in found.values())
    assert sum(c[False, False] for c in found.values()) >= least * lost


def test_scans_are_counted_in_the_picture_alone() -> None:
    """A film behind it, or a thumbnail in its metadata, has the same bytes by chance."""
    film = b"\xff\xda" * 1000
    assert normalize(KINDS["4:2:0"] + film).image.size == (160, 160)
    assert len(jpeg_scans.read(KINDS["progressive"] + film).scans) == 10


def test_long_runs_of_anything_are_read_in_time() -> None:
    """No walk over markers takes more than one look at a byte."""
    for filler in (b"\xff", b"\0", b"\xff\0", b"\xff\xd0"):
        data = KINDS["4:2:0"][:-2] + filler * 2_000_000
        try:
            normalize(data)
        except RefusedError:
            continue
