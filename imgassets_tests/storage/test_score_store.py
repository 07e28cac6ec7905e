"""Scores are kept whole while several processes write; what was harmed counts as never made."""

from __future__ import annotations

import os
import signal
import sqlite3
import subprocess
import sys
from pathlib import Path

import pytest

from imgassets.storage.image_store import StoreError
from imgassets.storage.score_store import KeptScores, ScoreStore


def store_in(folder: Path) -> ScoreStore:
    return ScoreStore(folder / "scores.sqlite", folder / "quarantine")


def kept(number: int, value: float = 1.0) -> KeptScores:
    key = f"{number:064x}"
    return KeptScores(key, key[::-1], "ab" * 32, (("composition.correct", value, "ok", ""),))


def test_what_is_put_is_read_and_only_that(tmp_path: Path) -> None:
    store = store_in(tmp_path)
    assert store.read([kept(1).key]) == {}
    store.put([kept(1), kept(2, 0.5)], {"cards/composition": [0.5, 1.5]})
    assert store.read([kept(n).key for n in (1, 2, 3)]) == {
        kept(1).key: kept(1),
        kept(2).key: kept(2, 0.5),
    }
    assert store.known([kept(2).key, kept(3).key]) == {kept(2).key}
    assert store.seconds() == {"cards/composition": 1.0}


def test_more_keys_than_a_statement_takes(tmp_path: Path) -> None:
    store = store_in(tmp_path)
    rows = [kept(n) for n in range(1203)]
    store.put(rows, {})
    assert len(store.read([row.key for row in rows])) == 1203


def test_a_harmed_row_counts_as_never_made_and_is_swept_away(tmp_path: Path) -> None:
    store = store_in(tmp_path)
    store.put([kept(1), kept(2)], {})
    with sqlite3.connect(store.file) as database:
        changed = "UPDATE scores SET found = replace(found, '1.0', '0.0') WHERE key = ?"
        database.execute(changed, (bytes.fromhex(kept(1).key),))
    assert store.read([kept(1).key, kept(2).key]).keys() == {kept(2).key}
    assert store.verify() == (2, 1)
    assert store.verify() == (1, 0)


def test_a_file_that_is_no_database_is_set_aside(tmp_path: Path) -> None:
    store = store_in(tmp_path)
    store.file.write_bytes(b"no database at all" * 1000)
    assert store.read([kept(1).key]) == {}
    store.put([kept(1)], {})
    assert store.read([kept(1).key])
    assert [p.name for p in (tmp_path / "quarantine").iterdir()] == ["scores.sqlite.0"]


def test_scores_of_images_that_are_gone_are_forgotten(tmp_path: Path) -> None:
    store = store_in(tmp_path)
    store.put([kept(1), kept(2)], {})
    assert store.forget([kept(1).image_key, "0" * 64]) == 1
    assert store.read([kept(1).key, kept(2).key]).keys() == {kept(2).key}


def test_a_store_that_cannot_be_written_says_what_to_do(tmp_path: Path) -> None:
    store = ScoreStore(tmp_path / "scores.sqlite", tmp_path / "quarantine")
    store.file.mkdir()
    with pytest.raises(StoreError, match="run again: scores that were made are kept"):
        store.put([kept(1)], {})


WRITER = """
import sys
from pathlib import Path
from imgassets_tests.storage.test_score_store import kept, store_in
store = store_in(Path(sys.argv[1]))
for number in range(int(sys.argv[2]), 10**6, 2):
    store.put([kept(number)], {})
    print(number, flush=True)
"""


def test_nothing_that_was_put_is_lost_when_writers_are_killed(tmp_path: Path) -> None:
    """Two processes write at once and are killed in the middle."""
    writers = [
        subprocess.Popen(
            [sys.executable, "-c", WRITER, str(tmp_path), str(first)],
            stdout=subprocess.PIPE,
            text=True,
        )
        for first in (0, 1)
    ]
    said = []
    for writer in writers:
        assert writer.stdout is not None
        said += [int(writer.stdout.readline()) for _ in range(20)]
    for writer in writers:
        os.kill(writer.pid, signal.SIGKILL)
        rest = writer.communicate()[0].split("\n")
        said += [int(line) for line in rest[:-1] if line]
    store = store_in(tmp_path)
    assert store.read([kept(n).key for n in said]).keys() == {kept(n).key for n in said}
    assert store.verify()[1] == 0
