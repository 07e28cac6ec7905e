"""Dagster on Postgres, images in a bucket, workers on Ray and a paid model: as on one machine."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from imgassets_tests.cluster.conftest import ALONE, without_settings

pytestmark = pytest.mark.cluster


def test_a_deployment_of_all_parts_equals_one_machine(ray_folder: Path, postgres: object) -> None:
    place = ray_folder / "all"
    place.mkdir()
    done = subprocess.run(
        [*ALONE, sys.executable, "-m", "imgassets_tests.cluster.together", str(place)],
        env=without_settings(),
        capture_output=True,
        text=True,
        timeout=500,
    )
    assert done.returncode == 0, done.stderr[-3000:]
    assert json.loads((place / "found.json").read_text()) == {
        "verdicts": True,
        "images": 16,
        "images equal": True,
        "tables equal": True,
        "paid": [8, 8, 8],
        "actors": 2,
        "runs in Postgres": True,
        "images here": False,
        "journal here": False,
        "events here": False,
    }
