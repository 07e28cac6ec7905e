"""A swap from end to end, in simulated time: a planted fault, kills, and two of everybody."""

from __future__ import annotations

import os
import random
import signal
import sqlite3
import time
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path

import pytest

from imgassets.rollout.looks import looks_of
from imgassets.rollout.record import read_record
from imgassets.rollout.threshold import level_of
from imgassets.rollout.verify import verify
from imgassets_tests.rollout.staged_swap import (
    BEGIN,
    ENDPOINT,
    OUTCOMES,
    STEP,
    Application,
    Swap,
    planted,
)

#: Three at each stage, and some after the way back.
HOURS = 12
LENIENT = {**OUTCOMES, "failures": {"margin": 0.04}}


def last_of(swap: Swap) -> str:
    last = read_record(swap.files).last(ENDPOINT)
    assert last is not None
    return f"{last.event} {last.stage} by {last.by}: {last.reason}"


def test_a_fault_at_10_percent_takes_the_rollout_back_by_itself(tmp_path: Path) -> None:
    swap = Swap(tmp_path, fails=planted(["10", "50"], 6.0))
    moments = list(swap.run(hours=HOURS))
    assert swap.stages() == ["start shadow", "promote 1", "promote 10", "revert none"]
    assert last_of(swap).startswith("revert none by watch: the candidate fails in ")
    (reverted,) = [m for m in moments if m.watched.done]
    assert reverted.watched.stage == "10"
    assert reverted.now - BEGIN < timedelta(hours=11)
    later = swap.log.counts(reverted.now + STEP, moments[-1].now)
    assert later.candidate.requests == 0
    assert later.incumbent.requests > 1000
    assert not verify(swap.files, "").tampering


def test_equal_models_reach_100_percent(tmp_path: Path) -> None:
    swap = Swap(tmp_path, requests=300, outcomes=LENIENT)
    list(swap.run(hours=18))
    promoted = ["promote 1", "promote 10", "promote 50", "promote 100"]
    assert swap.stages() == ["start shadow", *promoted]


def test_on_breach_freeze_stops_and_takes_nothing_back(tmp_path: Path) -> None:
    swap = Swap(tmp_path, fails=planted(["10"], 6.0), outcomes={**OUTCOMES, "on_breach": "freeze"})
    moments = list(swap.run(hours=HOURS))
    assert swap.stages()[-1] == "freeze 10"
    assert [m.watched.done for m in moments if m.watched.done] == ["freeze"]


def test_reports_that_stop_hold_the_stage(tmp_path: Path) -> None:
    swap = Swap(tmp_path, requests=300, outcomes=LENIENT)
    moments = list(swap.run(hours=4.5))
    assert swap.stages()[-1] == "promote 1"
    now = moments[-1].now + timedelta(hours=12)
    held = swap.watcher.look(now)
    assert held.hold.startswith("nothing came of the candidate's arm since")
    assert swap.promote("ada", now) == "closed"


def killed_after(work: Callable[[int], None], seconds: float) -> list[int]:
    """Numbers that a process told before it was killed; one that ended by itself is not killed."""
    read, write = os.pipe()
    child = os.fork()
    if child == 0:
        try:
            work(write)
        finally:
            os._exit(0)
    os.close(write)
    with os.fdopen(read) as words:
        first = words.readline()
        time.sleep(seconds)
        os.kill(child, signal.SIGKILL)
        os.waitpid(child, 0)
        return [int(line) for line in (first + words.read()).split("\n")[:-1]]


def test_killed_at_ten_moments_it_ends_as_if_nothing_had_been(tmp_path: Path) -> None:
    swap = Swap(tmp_path, fails=planted(["10", "50"], 6.0))
    rng, done = random.Random(7), 0

    def work(write: int) -> None:
        for moment in swap.run(hours=HOURS, first=done):
            os.write(write, f"{moment.number}\n".encode())

    for _ in range(10):
        done = max([done, *(number + 1 for number in killed_after(work, rng.uniform(0, 2)))])
        assert not verify(swap.files, "").tampering
    list(swap.run(hours=HOURS, first=done))
    assert swap.stages()[-1] == "revert none"
    assert swap.stages().count("revert none") == 1
    assert [s for s in swap.stages() if "repair" not in s][:2] == ["start shadow", "promote 1"]
    assert_each_step_counted_once(swap)
    assert_no_look_spent_twice(swap)


def assert_each_step_counted_once(swap: Swap) -> None:
    """Every request of every step has its outcome; no id is there twice."""
    with sqlite3.connect(swap.log.file) as database:
        ids = [row[0] for row in database.execute("SELECT id FROM outcomes")]
    assert len(ids) == len(set(ids))
    asked = {tuple(name.split("-")[:2]) for name in ids}
    assert len(asked) == HOURS * 6 * swap.requests


def assert_no_look_spent_twice(swap: Swap) -> None:
    """Looks are numbered without a gap, and together spend no more than alpha."""
    begun = read_record(swap.files).of(ENDPOINT)[0]
    looks = [found.look for _, _, found in looks_of(swap.log, begun.hash)]
    assert looks == list(range(1, len(looks) + 1))
    assert sum(level_of(n, swap.watcher.limits) for n in looks) <= swap.watcher.limits.alpha


def both_at_once(one: Callable[[], str], other: Callable[[], str]) -> list[str]:
    """What two processes came to that began in the same moment."""
    said = []
    start_read, start_write = os.pipe()
    for work in (one, other):
        read, write = os.pipe()
        if os.fork() == 0:
            try:
                os.close(start_write)
                os.read(start_read, 1)  # until the other end closes
                os.write(write, work().encode())
            finally:
                os._exit(0)
        os.close(write)
        said.append(os.fdopen(read))
    os.close(start_read)
    os.close(start_write)
    found = [words.read() for words in said]
    for words in said:
        words.close()
        os.wait()
    return found


@pytest.mark.parametrize("attempt", range(5))
def test_of_two_operators_at_once_one_promotes(tmp_path: Path, attempt: int) -> None:
    swap = Swap(tmp_path, requests=100, outcomes=LENIENT)
    moments = list(swap.run(hours=2.9))
    now = moments[-1].now + timedelta(minutes=10)
    found = both_at_once(lambda: swap.promote("ada", now), lambda: swap.promote("bob", now))
    assert sorted(found) in (["late", "promoted"], ["closed", "promoted"])
    assert swap.stages() == ["start shadow", "promote 1"]


def test_of_two_watchers_at_once_one_takes_it_back(tmp_path: Path) -> None:
    swap = Swap(tmp_path, fails=planted(["shadow"], 20.0))
    swap.begin()
    application = Application(swap.files, 400, swap.fails)
    for number in range(2):
        swap.take_in(application.step(number), BEGIN + (number + 1) * STEP)
    now = BEGIN + 2 * STEP
    found = both_at_once(
        lambda: swap.watcher.pass_once("one", now).done or "-",
        lambda: swap.watcher.pass_once("other", now).done or "-",
    )
    assert sorted(found) == ["-", "revert"]
    assert swap.stages() == ["start shadow", "revert none"]
    assert len(looks_of(swap.log, read_record(swap.files).of(ENDPOINT)[0].hash)) == 1


def test_a_breach_whose_watcher_was_killed_is_acted_on_by_the_next(tmp_path: Path) -> None:
    swap = Swap(tmp_path, fails=planted(["shadow"], 20.0))
    swap.begin()
    text = Application(swap.files, 400, swap.fails).step(0)
    swap.take_in(text, BEGIN + STEP)
    assert swap.watcher.look(BEGIN + STEP).breach
    assert swap.stages() == ["start shadow"]
    assert swap.watcher.pass_once("next", BEGIN + STEP).done == "revert"
    assert swap.watcher.pass_once("next", BEGIN + STEP).finding is None
