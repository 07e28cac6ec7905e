"""The log: nothing acknowledged is lost, nothing is counted twice."""

from __future__ import annotations

import itertools
import os
import random
import signal
import sqlite3
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from imgassets.documents.problems import Problem
from imgassets.rollout.outcome_lines import Outcome
from imgassets.rollout.outcomes import PATIENCE, OutcomeLog
from imgassets.storage.image_store import StoreError

START = datetime(2026, 11, 27, 12, tzinfo=UTC)


def outcome(name: str, status: str = "ok", minutes: float = 0, **fields: object) -> Outcome:
    at = START + timedelta(minutes=minutes)
    return Outcome(**{"id": name, "at": at, "arm": "candidate", "status": status, **fields})


@pytest.fixture
def log(tmp_path: Path) -> OutcomeLog:
    return OutcomeLog(tmp_path / "outcomes" / "headline.sqlite")


def test_an_id_counts_once_and_the_first_word_holds(log: OutcomeLog) -> None:
    first = log.append([outcome("a"), outcome("b", "timed_out"), outcome("a")])
    assert (first.new, first.known, first.differing) == (2, 1, ())
    again = log.append([outcome("a", "blank"), outcome("c")])
    assert (again.new, again.known, again.differing) == (1, 1, ("a",))
    counts = log.counts(START, START + timedelta(hours=1))
    assert (counts.candidate.requests, counts.candidate.failures) == (3, 1)
    assert log.failures(START) == {"candidate": {"timed_out": 1}, "incumbent": {}}


def test_a_begun_request_without_an_outcome_fails_once_patience_ends(log: OutcomeLog) -> None:
    log.append([outcome("a", "started"), outcome("b", "started")])
    early = log.counts(START, START + PATIENCE)
    late = log.counts(START, START + PATIENCE + timedelta(seconds=1))
    assert early.candidate.requests == 0
    assert (late.candidate.requests, late.candidate.failures, late.candidate.unreported) == (
        2,
        2,
        2,
    )
    log.append([outcome("a"), outcome("b", "started")])
    mended = log.counts(START, START + 2 * PATIENCE).candidate
    assert (mended.requests, mended.failures, mended.unreported) == (2, 1, 1)


def test_a_start_that_arrives_after_its_end_changes_nothing(log: OutcomeLog) -> None:
    log.append([outcome("a")])
    log.append([outcome("a", "started")])
    assert log.counts(START, START + 2 * PATIENCE).candidate.unreported == 0


def test_counts_keep_to_their_stretch_of_time(log: OutcomeLog) -> None:
    log.append([outcome(str(i), minutes=i, arm="incumbent") for i in range(10)])
    until = START + timedelta(minutes=7)
    now = START + timedelta(hours=1)
    assert log.counts(START + timedelta(minutes=3), now, until=until).incumbent.requests == 4
    assert log.requests("incumbent", START + timedelta(minutes=3)) == 7
    assert log.latest("incumbent") == START + timedelta(minutes=9)
    assert log.latest("candidate") is None


def test_slow_requests_and_users_who_try_again_are_counted(log: OutcomeLog) -> None:
    tries = [outcome(f"u{i}", "blank", user="ada", seconds=9) for i in range(4)]
    log.append([*tries, outcome("x", "blank", user="bob"), outcome("y", seconds=2)])
    arm = log.counts(START, START + timedelta(hours=1), seconds=8).candidate
    assert (arm.slow, arm.timed) == (4, 5)
    assert arm.clumping == pytest.approx((16 + 1) / 5)


def test_lines_that_are_no_outcomes_are_kept_as_they_came(log: OutcomeLog) -> None:
    problem = Problem("f.jsonl", 3, "arm", "wanted: one of", "mend it")
    for _ in range(2):
        log.append([], [problem], ["{...}"])
    assert log.refused() == 1


def test_a_damaged_log_is_told_and_left_where_it_is(log: OutcomeLog) -> None:
    log.file.parent.mkdir()
    log.file.write_bytes(b"not a database, " * 64)
    with pytest.raises(StoreError, match="restore it from a backup"):
        log.append([outcome("a")])
    assert log.file.read_bytes().startswith(b"not a database")


def write_until_killed(log: OutcomeLog, said: int, run: int) -> None:
    """Appends five outcomes at a time, and names them once they are acknowledged."""
    for number in itertools.count():
        names = [f"{run}-{number}-{i}" for i in range(5)]
        log.append([outcome(name) for name in names])
        os.write(said, (" ".join(names) + "\n").encode())


def killed_writer(log: OutcomeLog, run: int, seconds: float) -> list[str]:
    """What a process acknowledged that was killed soon after its first word."""
    read, write = os.pipe()
    child = os.fork()
    if child == 0:
        try:
            write_until_killed(log, write, run)
        finally:
            os._exit(1)
    os.close(write)
    with os.fdopen(read) as words:
        first = words.readline()
        time.sleep(seconds)
        os.kill(child, signal.SIGKILL)
        os.waitpid(child, 0)
        return [name for line in (first + words.read()).split("\n")[:-1] for name in line.split()]


def test_no_acknowledged_outcome_is_lost_in_20_kills(log: OutcomeLog) -> None:
    rng, acknowledged = random.Random(5), set[str]()
    for run in range(20):
        acknowledged.update(killed_writer(log, run, rng.uniform(0, 0.1)))
    with sqlite3.connect(log.file) as database:
        kept = [row[0] for row in database.execute("SELECT id FROM outcomes")]
    assert len(acknowledged) >= 100
    assert acknowledged <= set(kept)
    assert len(kept) == len(set(kept))
    again = log.append([outcome(name) for name in sorted(acknowledged)])
    assert again.new == 0
