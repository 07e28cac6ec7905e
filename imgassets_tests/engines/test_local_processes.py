"""The embedded model on two processes through Dagster, and what is left when the run is ended."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import psutil
import pytest

from imgassets.requests import stacked
from imgassets_tests.engines import through_dagster
from imgassets_tests.integration.conftest import read_table

WORKER = "imgassets.engines.process_worker"


@pytest.fixture(autouse=True)
def no_settings(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("IMGASSETS_HOME", "IMGASSETS_ENGINE", "DAGSTER_HOME"):
        monkeypatch.delenv(name, raising=False)


def workers_of(process: psutil.Process) -> list[psutil.Process]:
    found = []
    for child in process.children(recursive=True):
        try:
            if WORKER in child.cmdline():
                found.append(child)
        except psutil.Error:
            continue
    return found


def test_images_and_tables_of_two_processes_equal_those_of_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = {}
    for engine in ("local", "local:2"):
        root = through_dagster.write(tmp_path / engine.replace(":", ""), seeds=5)
        monkeypatch.setenv("IMGASSETS_PROJECT", str(root))
        monkeypatch.setenv("IMGASSETS_ENGINE", engine)
        through_dagster.make(root)
        stages = [read_table(root, "cards", "fast", stage) for stage in ("generated", "edited")]
        table = stacked(stages)
        assert (table["seconds"] > 0).all()
        assert (table["peak_memory_mib"] > 50).all()
        assert set(table["batch_size"]) == {4}
        unequal = ["seconds", "peak_memory_mib"]
        made[engine] = (through_dagster.files(root), table.drop(columns=unequal))
    one, two = made.values()
    assert len(one[0]) == 20
    assert one[0] == two[0]
    assert one[1].equals(two[1])
    assert not workers_of(psutil.Process())


def begun(root: Path, store_has: Callable[[], bool]) -> subprocess.Popen[bytes]:
    process = subprocess.Popen(
        [sys.executable, "-m", "imgassets_tests.engines.through_dagster", str(root)],
        env=os.environ | {"IMGASSETS_ENGINE": "local:2", "IMGASSETS_PROJECT": str(root)},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    deadline = time.monotonic() + 300
    while not store_has():
        assert process.poll() is None, "the run ended before its first image"
        assert time.monotonic() < deadline
        time.sleep(0.05)
    return process


@pytest.mark.parametrize("ending", [signal.SIGINT, signal.SIGKILL])
def test_no_worker_outlives_a_run_that_is_ended(tmp_path: Path, ending: signal.Signals) -> None:
    root = through_dagster.write(tmp_path / "p", seeds=100, steps=8)
    process = begun(root, lambda: any(through_dagster.store(root).keys()))
    workers = workers_of(psutil.Process(process.pid))
    assert len(workers) == 2
    process.send_signal(ending)
    process.wait(60)
    _, alive = psutil.wait_procs(workers, timeout=10)
    assert not alive
    assert 0 < len(through_dagster.files(root)) < 400
