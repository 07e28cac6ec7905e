"""Those who make and those who score share the cores of a cluster."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from imgassets.backends.generation import make_images
from imgassets.engines.choice import LocalProcesses, RayCluster
from imgassets.engines.making import Spread
from imgassets.engines.scoring import SpreadScores
from imgassets.engines.team import Team
from imgassets.engines.teams import Teams
from imgassets.engines.worker import versions_here
from imgassets.metrics.score_processes import ALL_CORES, START_SECONDS
from imgassets.storage.image_store import ImageStore
from imgassets_tests.engines.painting import ORDER, Painters, request


@pytest.fixture
def crew() -> Iterator[Painters]:
    painters = Painters(2, "cpu")
    yield painters
    painters.close()


def begun(setting: RayCluster, crew: Painters, folder: Path) -> Teams:
    """Teams whose two makers have made images."""
    teams = Teams(setting, "cpu")
    teams._makers = Team(crew, 2, versions_here())
    requests = [request(seed, 0.2) for seed in range(6)]
    spread, store = Spread(teams.making(), ORDER), ImageStore(folder)
    make_images(requests, store, spread, batch_size=1, progress=lambda *_: None)
    assert len(crew.pids()) == 2
    return teams


def test_makers_on_gpus_keep_their_cores_and_their_pipelines(
    crew: Painters, tmp_path: Path
) -> None:
    setting = RayCluster("auto", cpus=1.5, gpus=1.0)
    assert begun(setting, crew, tmp_path)._kept_by_makers(setting) == 4
    assert len(crew.pids()) == 2


def test_makers_on_cores_leave_them_and_begin_again(crew: Painters, tmp_path: Path) -> None:
    setting = RayCluster("auto")
    teams = begun(setting, crew, tmp_path / "first")
    assert teams._kept_by_makers(setting) == 0
    assert crew.pids() == []
    spread, store = Spread(teams.making(), ORDER), ImageStore(tmp_path / "second")
    _, made = make_images([request(9)], store, spread, batch_size=1, progress=lambda *_: None)
    assert made == 1


def test_no_cluster_is_asked_before_there_is_something_to_score() -> None:
    """Nothing answers at this address, and a table that is up to date needs no answer."""
    scorers = Teams(RayCluster("127.0.0.1:9"), "cpu").scoring()
    assert isinstance(scorers, SpreadScores)
    assert scorers.start_seconds == START_SECONDS


def test_processes_of_one_machine_leave_scoring_to_its_cores() -> None:
    assert Teams(LocalProcesses(4), "cpu").scoring() is ALL_CORES
