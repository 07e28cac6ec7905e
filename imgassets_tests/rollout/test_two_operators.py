"""Several operators at once: the history stays a chain, and exactly one takes each step."""

from __future__ import annotations

import multiprocessing
import os
import random
import signal
import time
from collections import Counter
from pathlib import Path

from imgassets.rollout import steps
from imgassets.rollout.entries import Entry
from imgassets.rollout.record import read_record
from imgassets.rollout.verify import verify
from imgassets.storage.rollout_files import RolloutFiles
from imgassets_tests.rollout.factories import at, begin, files_in, open_gates, step

_FORK = multiprocessing.get_context("fork")
STAGES = [1.0, 10.0, 50.0, 100.0]


def _promote_all(files: RolloutFiles, by: str, ready) -> None:  # type: ignore[no-untyped-def]
    """Take every step that is still to be taken, as fast as possible."""
    ready.wait()
    while True:
        last = at(files).last
        assert last is not None
        later = [stage for stage in STAGES if stage > last.percent]
        if not later:
            return
        try:
            steps.promote(files, step(by=by), later[0], open_gates(), last)
        except steps.ChangedMeanwhileError:
            continue


def test_each_step_is_taken_once(tmp_path: Path) -> None:
    files = files_in(tmp_path)
    begin(files)
    ready = _FORK.Barrier(6)
    operators = [
        _FORK.Process(target=_promote_all, args=(files, f"operator-{i}", ready)) for i in range(6)
    ]
    for operator in operators:
        operator.start()
    for operator in operators:
        operator.join()
        assert operator.exitcode == 0
    told = [entry.percent for entry in read_record(files).entries]
    assert told == [0.0, *STAGES]
    found = verify(files)
    assert (found.tampering, found.unsettled) == ((), ())


def anything(files: RolloutFiles, by: str, seed: int) -> None:
    """Start, promote, freeze and revert at random until killed."""
    choose = random.Random(seed)
    while True:
        last = at(files).last
        try:
            _one(files, by, last, choose)
        except (steps.ChangedMeanwhileError, steps.NoRolloutError):
            continue


def _one(files: RolloutFiles, by: str, last: Entry | None, choose: random.Random) -> None:
    if last is None or not last.running:
        steps.start(files, step(by=by), ("prod", "fast"), "shadow", open_gates(), last)
    elif choose.random() < 0.3:
        steps.revert(files, step(by=by))
    elif choose.random() < 0.3:
        (steps.unfreeze if last.frozen else steps.freeze)(files, step(by=by))
    else:
        later = [stage for stage in STAGES if stage > last.percent] or [100.0]
        steps.promote(files, step(by=by), later[0], open_gates(), last)


def test_operators_that_are_killed_at_any_moment_leave_a_whole_record(tmp_path: Path) -> None:
    files = files_in(tmp_path)
    begin(files)
    choose = random.Random(5)
    for round_ in range(20):
        pair = [
            _FORK.Process(target=anything, args=(files, f"op-{i}", 10 * round_ + i))
            for i in range(2)
        ]
        for operator in pair:
            operator.start()
        time.sleep(choose.uniform(0.02, 0.25))
        for operator in pair:
            assert operator.pid is not None
            os.kill(operator.pid, signal.SIGKILL)
            operator.join()
        seen = read_record(files)
        flag = seen.in_flag("cards")
        assert flag is not None
        assert not verify(files).tampering
        settled = steps.settled(files, "eve", step().now)
        last = settled.last("cards")
        assert last is not None
        assert last.traffic() == flag.traffic()
        assert settled.entries[: len(seen.written.entries)] == seen.written.entries
        found = verify(files)
        assert (found.tampering, found.unsettled) == ((), ())
    done = Counter(entry.event for entry in read_record(files).entries)
    assert {"start", "promote", "revert"} <= set(done)
    assert steps.revert(files, step()).last is not None
