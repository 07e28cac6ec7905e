"""Batches on processes of their own: equal to one process, and what becomes of lost workers."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Iterator
from pathlib import Path

import pandas as pd
import psutil
import pytest

from imgassets.backends.base import DeviceError
from imgassets.backends.generation import make_images
from imgassets.backends.image_rows import MAKING_COLUMNS
from imgassets.engines import team
from imgassets.engines.crew import EngineError, Ready
from imgassets.engines.making import Spread
from imgassets.engines.patience import Patience
from imgassets.engines.team import Team
from imgassets.engines.worker import versions_here
from imgassets.requests import Request
from imgassets.storage.image_store import ImageStore
from imgassets_tests.engines.painting import (
    FAILS,
    HANGS,
    KILLS,
    ORDER,
    RAISES,
    Painters,
    painted,
    request,
)


@pytest.fixture
def crew() -> Iterator[Painters]:
    painters = Painters(2, "cpu")
    yield painters
    painters.close()


def made(requests: list[Request], team: Team, store: ImageStore, size: int = 2) -> pd.DataFrame:
    spread = Spread(team, ORDER)
    return make_images(requests, store, spread, batch_size=size, progress=lambda *_: None)[0]


def test_two_workers_make_what_one_process_makes(crew: Painters, tmp_path: Path) -> None:
    requests = [request(seed) for seed in (*range(9), FAILS)]
    told: list[tuple[int, int]] = []
    spread = Spread(Team(crew, 2, versions_here()), ORDER)
    alone, shared = ImageStore(tmp_path / "one"), ImageStore(tmp_path / "two")
    one, _ = make_images(requests, alone, painted, batch_size=2, progress=lambda *_: None)
    two, count = make_images(
        requests, shared, spread, batch_size=2, progress=lambda *now: told.append(now)
    )
    unequal = list(MAKING_COLUMNS)
    pd.testing.assert_frame_equal(one.drop(columns=unequal), two.drop(columns=unequal))
    assert list(two["status"]) == ["ok"] * 9 + ["non_finite"]
    assert (count, told) == (9, [(n, 10) for n in range(0, 11, 2)])
    for each in requests[:9]:
        key = each.image_key
        assert alone.path(key).read_bytes() == shared.path(key).read_bytes()


def test_both_workers_work_at_the_same_time(crew: Painters, tmp_path: Path) -> None:
    two, store = Team(crew, 2, versions_here()), ImageStore(tmp_path)
    made([request(seed) for seed in range(2)], two, store, 1)  # both have begun
    begun = time.monotonic()
    made([request(seed, 0.5) for seed in range(10, 16)], two, store, 1)
    assert time.monotonic() - begun < 2.5  # 6 times half a second is 3 s


def test_the_batch_of_a_killed_worker_is_given_to_another(crew: Painters, tmp_path: Path) -> None:
    killed: list[int] = []

    def kill(done: int, of: int) -> None:
        if done and not killed:
            killed.append(crew.pids()[0])
            os.kill(killed[0], signal.SIGKILL)

    store = ImageStore(tmp_path)
    spread = Spread(Team(crew, 2, versions_here()), ORDER)
    requests = [request(seed, 0.2) for seed in range(12)]
    table, count = make_images(requests, store, spread, batch_size=2, progress=kill)
    assert killed
    assert count == 12
    assert set(table["status"]) == {"ok"}


def test_an_image_that_kills_its_worker_is_a_failed_row_and_takes_no_other_along(
    crew: Painters, tmp_path: Path
) -> None:
    requests = [request(seed) for seed in (1, KILLS, 2, 3, 4, 5, KILLS + 1, 6)]
    table = made(requests, Team(crew, 2, versions_here()), ImageStore(tmp_path), 4)
    failed = table[table["status"] != "ok"]
    assert sorted(failed["seed"]) == [KILLS, KILLS + 1]
    assert set(failed["status"]) == {"machine_error"}
    assert failed["message"].str.contains("3 workers were lost .*signal 9").all()


def test_workers_that_all_die_end_the_run_with_advice(
    crew: Painters, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(team, "_MOST_IN_A_ROW", 2)
    requests = [request(KILLS + n) for n in range(30)]
    with pytest.raises(EngineError, match=r"workers in a row were lost.*use fewer workers"):
        made(requests, Team(crew, 2, versions_here()), ImageStore(tmp_path), 1)


def test_what_concerns_all_images_is_raised_as_in_one_process(
    crew: Painters, tmp_path: Path
) -> None:
    two = Team(crew, 2, versions_here())
    with pytest.raises(DeviceError, match="device cuda is not here"):
        made([request(RAISES), *(request(n, 0.2) for n in range(6))], two, ImageStore(tmp_path), 1)
    # The team goes on with the next asset, and mixes up nothing.
    table = made([request(n) for n in range(50, 60)], two, ImageStore(tmp_path), 1)
    assert set(table["status"]) == {"ok"}
    assert table["image_sha256"].nunique() == 10


def test_no_worker_stays_behind(crew: Painters, tmp_path: Path) -> None:
    two = Team(crew, 2, versions_here())
    made([request(seed, 0.05) for seed in range(6)], two, ImageStore(tmp_path), 1)
    pids = crew.pids()
    assert len(pids) == 2
    two.close()
    assert not [pid for pid in pids if psutil.pid_exists(pid)]


def test_a_worker_with_other_libraries_is_refused(crew: Painters) -> None:
    two = Team(crew, 2, versions_here())
    crew.wait = lambda seconds: [Ready(0, {"torch": "1.0"})]  # type: ignore[method-assign]
    with pytest.raises(EngineError, match=r"runs torch 1\.0 \(here .*install the same versions"):
        made([request(1)], two, ImageStore(Path("/unused")), 1)


def test_a_cluster_without_room_is_told(crew: Painters, tmp_path: Path) -> None:
    crew.start = lambda place: None  # type: ignore[method-assign]
    crew.wait = lambda seconds: time.sleep(0.01) or []  # type: ignore[method-assign, func-returns-value]
    with pytest.raises(EngineError, match="no worker began"):
        made([request(1)], Team(crew, 2, {}, Patience(begin=0.1)), ImageStore(tmp_path), 1)


def test_no_more_workers_are_started_than_there_are_batches(crew: Painters, tmp_path: Path) -> None:
    made([request(1), request(2)], Team(crew, 2, versions_here()), ImageStore(tmp_path), 2)
    assert len(crew.pids()) == 1


def test_a_worker_that_hangs_is_ended_and_its_image_fails_alone(
    crew: Painters, tmp_path: Path
) -> None:
    requests = [request(seed) for seed in (1, 2, 3, HANGS, 4, 5)]
    two = Team(crew, 2, versions_here(), Patience(first=1.0, later=1.0))
    begun = time.monotonic()
    table = made(requests, two, ImageStore(tmp_path))
    assert time.monotonic() - begun < 30
    failed = table[table["status"] != "ok"]
    assert list(failed["seed"]) == [HANGS]
    assert set(failed["status"]) == {"machine_error"}
    assert failed["message"].str.contains("3 workers were lost .*no answer within 1 s").all()


def test_the_batch_of_a_stopped_worker_is_given_to_another(crew: Painters, tmp_path: Path) -> None:
    """It holds its connection open, and says nothing more."""
    stopped: list[int] = []

    def stop(done: int, of: int) -> None:
        if done and not stopped:
            stopped.append(crew.pids()[0])
            os.kill(stopped[0], signal.SIGSTOP)

    spread = Spread(Team(crew, 2, versions_here(), Patience(first=3.0, later=1.0)), ORDER)
    requests = [request(seed, 0.2) for seed in range(12)]
    table, _ = make_images(requests, ImageStore(tmp_path), spread, batch_size=2, progress=stop)
    assert set(table["status"]) == {"ok"}
    assert not psutil.pid_exists(stopped[0])
