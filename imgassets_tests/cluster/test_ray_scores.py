"""Scores by actors of a real Ray cluster of two nodes: equal to one process, whatever is killed."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from imgassets_tests.cluster.conftest import played, without_settings
from imgassets_tests.cluster.ray_scores import SCORED, SEEDS
from imgassets_tests.engines import through_dagster
from imgassets_tests.integration.small import same_tables

pytestmark = pytest.mark.cluster


@pytest.fixture
def folder(ray_folder: Path, request: pytest.FixtureRequest) -> Path:
    """One a test, with a short name."""
    made = ray_folder / str(len(request.node.name))
    made.mkdir()
    return made


def test_tables_equal_those_of_one_process_though_a_scorer_is_killed(folder: Path) -> None:
    """Two workers with a GPU each hold both cores while they make, and leave them to scorers."""
    root = through_dagster.write(folder / "alone", seeds=SEEDS)
    subprocess.run(
        [sys.executable, "-m", "imgassets_tests.engines.through_dagster", str(root), *SCORED],
        env=without_settings() | {"IMGASSETS_PROJECT": str(root)},
        check=True,
        capture_output=True,
    )
    found = played("ray_scores", "a_scorer_is_killed", folder)
    assert (found["code"], found["makers"], found["nodes"], found["left"]) == (0, 2, 2, 0)
    assert found["makers_while_scoring"] == 0
    assert found["kept"] < found["scores"]
    assert same_tables(folder / "alone", folder / "shared")
    assert through_dagster.files(folder / "alone") == through_dagster.files(folder / "shared")


def test_an_actor_that_hangs_or_is_stopped_costs_no_other_image(folder: Path) -> None:
    found = played("ray_scores", "an_actor_hangs", folder)
    statuses = list(found["hung"].values())
    assert found["stopped"] == ["ok"]
    assert sorted(statuses) == ["machine_error", "ok", "ok", "ok"]
    assert found["hung"]["4000000"] == "machine_error"
    assert found["left"] == 0
