"""Batches of scores in a store: put together, and no row is lost whoever reads or is killed."""

from __future__ import annotations

import random
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from imgassets.storage import shared_scores
from imgassets.storage.project_home import ProjectHome
from imgassets.storage.score_store import KeptScores, ScoreStore, score_store_of
from imgassets.storage.shared_scores import SharedScores
from imgassets_tests.s3_servers import on_a_server

Machine = Callable[[str], ScoreStore]
BATCHES = 24


@pytest.fixture(params=["file", on_a_server("seaweedfs"), on_a_server("moto")])
def machine(
    request: pytest.FixtureRequest,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    place_url: Callable[[str], str],
) -> Machine:
    """The scores as a machine with a home of that name sees them."""
    monkeypatch.setenv("IMGASSETS_STORE", place_url(request.param))
    return lambda name: score_store_of(ProjectHome(tmp_path / name))


def score(number: int, value: float = 1.0) -> KeptScores:
    found = (("a.metric", value, "", ""),)
    return KeptScores(f"{number:064x}", f"{number:064x}", "ab" * 32, found)


def put_batches(store: ScoreStore, first: int = 0, count: int = BATCHES) -> list[str]:
    """A batch a score; returns their keys."""
    for number in range(first, first + count):
        store.put([score(number)], {})
    return [score(number).key for number in range(first, first + count)]


def shared(store: ScoreStore) -> SharedScores:
    assert store.shared is not None
    return store.shared


def objects(store: ScoreStore) -> list[str]:
    return sorted(one.name for one in shared(store).place.listed("scores/"))


def test_many_batches_become_one_that_all_machines_read(machine: Machine) -> None:
    keys = put_batches(machine("one"))
    before = machine("two")
    assert before.known(keys) == set(keys)
    assert machine("one").put_together(dry_run=True) == (BATCHES, 0)
    assert machine("one").put_together() == (BATCHES, 1)
    assert len(objects(before)) == 1
    for name in ("one", "two", "new"):
        assert machine(name).read(keys) == {key: score(n) for n, key in enumerate(keys)}
    assert machine("one").put_together() == (0, 0)


def test_few_batches_stay(machine: Machine) -> None:
    put_batches(machine("one"), count=19)
    assert machine("one").put_together() == (0, 0)
    assert len(objects(machine("one"))) == 19


def test_of_a_score_that_was_made_anew_the_newer_one_counts(machine: Machine) -> None:
    keys = put_batches(machine("one"))
    time.sleep(0.01)
    machine("one").put([score(3, 0.25)], {})
    machine("one").put_together()
    assert machine("new").read(keys)[keys[3]] == score(3, 0.25)


def test_who_puts_together_what_it_has_not_seen_takes_it_in_later(machine: Machine) -> None:
    """Another machine puts a batch between the look at what is new and the putting together."""
    one = machine("one")
    keys = put_batches(one)
    one.known(keys)
    keys += put_batches(machine("two"), first=100, count=1)
    assert one.put_together() == (BATCHES + 1, 1)
    assert machine("one").known(keys) == set(keys)


def test_a_reader_that_saw_the_old_list_loses_nothing(
    machine: Machine, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It reads batch by batch; after the first, another machine puts all of them together."""
    keys = put_batches(machine("one"))
    with monkeypatch.context() as small:
        small.setattr(shared_scores, "_LARGE", 1)
        reader = shared(machine("new")).new()
        found = [row[0].hex() for row in next(reader)[1]]
        small.undo()
        machine("one").put_together()
        small.setattr(shared_scores, "_LARGE", 1)
        rest = [row[0].hex() for _, rows in reader for row in rows]
    assert len(found) == 1
    assert set(found + rest) == set(keys)


def test_a_harmed_batch_stays_and_costs_the_others_nothing(machine: Machine) -> None:
    keys = put_batches(machine("one"))
    place, first = shared(machine("one")).place, objects(machine("one"))[0]
    place.write(first, (place.read(first) or b"")[:-30])
    assert machine("one").put_together() == (BATCHES - 1, 1)
    assert first in objects(machine("one"))
    assert machine("new").known(keys) == set(keys[1:])


PUTS_TOGETHER = """
import sys
from pathlib import Path
from imgassets.storage.project_home import ProjectHome
from imgassets.storage.score_store import score_store_of
store = score_store_of(ProjectHome(Path(sys.argv[1])))
print("ready", flush=True)
sys.stdin.readline()
print(*store.shared.put_together(), flush=True)
"""


def puts_together(folder: Path) -> subprocess.Popen[str]:
    """A process that begins when it is told a line."""
    return subprocess.Popen(
        [sys.executable, "-c", PUTS_TOGETHER, str(folder)],
        stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
    )  # fmt: skip


def begin(process: subprocess.Popen[str]) -> None:
    assert process.stdin is not None
    assert process.stdout is not None
    process.stdout.readline()
    process.stdin.write("\n")
    process.stdin.flush()


def test_nothing_is_lost_when_it_is_killed(machine: Machine, tmp_path: Path) -> None:
    chance = random.Random(7)
    keys: list[str] = []
    for turn in range(5):
        keys += put_batches(machine("one"), first=100 * turn)
        process = puts_together(tmp_path / "killed")
        begin(process)
        time.sleep(chance.uniform(0, 0.25))
        process.send_signal(signal.SIGKILL)
        process.communicate()
        assert machine(f"reader-{turn}").known(keys) == set(keys)
    machine("one").put_together()
    assert machine("new").known(keys) == set(keys)


def test_nothing_is_lost_when_two_do_it_at_once_while_others_write(
    machine: Machine, tmp_path: Path
) -> None:
    keys = put_batches(machine("one"), count=60)
    both = [puts_together(tmp_path / f"p{n}") for n in range(2)]
    for process in both:
        begin(process)
    keys += put_batches(machine("two"), first=1000)
    for process in both:
        process.communicate()
        assert process.returncode == 0
    assert machine("new").known(keys) == set(keys)
    machine("one").put_together()
    assert machine("newer").known(keys) == set(keys)
