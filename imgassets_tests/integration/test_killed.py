"""SIGKILL in the middle of generation; run again: it goes on, and the tables come out equal."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pandas as pd

from imgassets.storage.image_store import ImageStore
from imgassets_tests.conftest import write_project
from imgassets_tests.integration.conftest import Finished, read_table

#: Measured when an image was made, so they differ between any two runs.
MEASURED = ["seconds", "peak_memory_mib"]
STAGES = ["generated", "edited", "upscaled", "composition", "typography", "artefacts"]


def start(root: Path) -> subprocess.Popen[bytes]:
    environment = os.environ | {
        "IMGASSETS_PROJECT": str(root),
        "DAGSTER_HOME": str(root / ".imgassets" / "dagster"),
    }
    environment.pop("IMGASSETS_HOME", None)
    return subprocess.Popen(
        [sys.executable, "-m", "imgassets.cli.main", "validate"],
        env=environment,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )


def test_a_killed_run_goes_on_and_ends_as_an_undisturbed_one(
    tmp_path: Path, finished: Finished
) -> None:
    write_project(tmp_path)
    store = ImageStore(tmp_path / ".imgassets" / "images")
    process = start(tmp_path)
    deadline = time.monotonic() + 400
    while not any(store.keys()):
        assert process.poll() is None, "the run ended before its first image"
        assert time.monotonic() < deadline
        time.sleep(0.02)
    process.send_signal(signal.SIGKILL)
    process.wait()
    kept = {key: store.path(key).stat().st_mtime_ns for key in list(store.keys())}
    assert kept

    assert start(tmp_path).wait(timeout=500) in (0, 1)

    for key, when in kept.items():
        assert store.path(key).stat().st_mtime_ns == when, "a finished image was made again"
    for model in ("prod", "fast"):
        for stage in STAGES:
            mine = read_table(tmp_path, "cards", model, stage).drop(
                columns=MEASURED, errors="ignore"
            )
            theirs = finished.table("cards", model, stage).drop(columns=MEASURED, errors="ignore")
            pd.testing.assert_frame_equal(
                mine.drop(columns="reason", errors="ignore"),
                theirs.drop(columns="reason", errors="ignore"),
            )
