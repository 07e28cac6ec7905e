"""The embedded model on a real Ray cluster of two nodes: an actor and the head are killed."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from imgassets_tests.cluster.conftest import played, without_settings
from imgassets_tests.engines import through_dagster

pytestmark = pytest.mark.cluster


@pytest.fixture(scope="module")
def alone(ray_folder: Path) -> dict[str, bytes]:
    """The images that one process makes."""
    root = through_dagster.write(ray_folder / "alone", seeds=20, steps=8)
    subprocess.run(
        [sys.executable, "-m", "imgassets_tests.engines.through_dagster", str(root)],
        env=without_settings() | {"IMGASSETS_PROJECT": str(root)},
        check=True,
        capture_output=True,
    )
    made = through_dagster.files(root)
    assert len(made) == 80
    return made


def kills(scene: str, folder: Path) -> tuple[dict[str, Any], dict[str, bytes]]:
    """What was found, and the images that are in the project afterwards."""
    place = folder / scene[:4]
    place.mkdir()
    return played("ray_cluster", scene, place), through_dagster.files(place / "shared")


def test_an_actor_that_is_killed_costs_no_image(ray_folder: Path, alone: dict[str, bytes]) -> None:
    found, made = kills("an_actor_is_killed", ray_folder)
    assert found == {"code": 0, "actors": 2, "nodes": 2, "left": 0}
    assert made == alone


def test_the_head_is_killed_and_a_plain_run_again_ends_equal(
    ray_folder: Path, alone: dict[str, bytes]
) -> None:
    found, made = kills("the_head_is_killed", ray_folder)
    assert found["heads"] == 1
    assert found["first"] != 0
    assert "the Ray cluster ray://127.0.0.1:6379 is lost" in found["said"]
    assert "run the same command again" in found["said"]
    assert found["ended"] < 60
    assert 8 <= found["kept"] < 80
    assert (found["code"], found["made_again"]) == (0, 0)
    assert made == alone
