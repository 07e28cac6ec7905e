"""Whole or not at all."""

from __future__ import annotations

from pathlib import Path

import pytest

from imgassets.storage.whole_file import whole_file, write_whole


def test_it_takes_the_place_of_what_was_there(tmp_path: Path) -> None:
    path = tmp_path / "a" / "b.txt"
    write_whole(path, "first")
    write_whole(path, "second é")
    assert path.read_text(encoding="utf-8") == "second é"
    assert list(path.parent.iterdir()) == [path]


def half_write(path: Path) -> None:
    with whole_file(path) as temporary:
        temporary.write_text("ha")
        raise OSError("the disk is full")


def test_a_write_that_fails_leaves_what_was_there_and_nothing_beside_it(tmp_path: Path) -> None:
    path = tmp_path / "b.txt"
    write_whole(path, "whole")
    with pytest.raises(OSError, match="disk is full"):
        half_write(path)
    assert path.read_text() == "whole"
    assert list(tmp_path.iterdir()) == [path]
