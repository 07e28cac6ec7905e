"""The served model ends with the pilot, however that ends, and what is wrong with it is told."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import psutil
import pytest

from imgassets.pilot.server import PilotError, Server


def gone(pid: int, seconds: float) -> bool:
    until = time.monotonic() + seconds
    while time.monotonic() < until:
        if not psutil.pid_exists(pid) or psutil.Process(pid).status() == psutil.STATUS_ZOMBIE:
            return True
        time.sleep(0.1)
    return False


def test_it_serves_watches_memory_and_ends(project_root: Path, tmp_path: Path) -> None:
    with Server(project_root, "fast", "cpu", tmp_path / "log.jsonl") as server:
        time.sleep(0.5)
        assert server.url.endswith("/v1")
        assert 20 < server.peak_mib < 4000
    assert gone(server.pid, 1)


def test_a_server_that_ends_at_once_is_told_with_its_words(
    project_root: Path, tmp_path: Path
) -> None:
    with (
        pytest.raises(PilotError, match="no model 'nope'"),
        Server(project_root, "nope", "cpu", tmp_path / "log.jsonl"),
    ):
        raise AssertionError("it started")


HOLDER = """
import sys, time
from pathlib import Path
from imgassets.pilot.server import Server
with Server(Path(sys.argv[1]), "fast", "cpu", Path(sys.argv[2])) as server:
    print(server.pid, flush=True)
    time.sleep(120)
"""


def test_it_ends_where_the_pilot_is_killed(project_root: Path, tmp_path: Path) -> None:
    command = [sys.executable, "-c", HOLDER, str(project_root), str(tmp_path / "log.jsonl")]
    holder = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    assert holder.stdout is not None
    pid = int(holder.stdout.readline())
    os.kill(holder.pid, signal.SIGKILL)
    holder.wait()
    assert gone(pid, 20)
