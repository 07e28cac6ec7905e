"""A crew in a process of its own: that process may end, and the run goes on."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path

import pytest

from imgassets.backends.base import DeviceError
from imgassets.engines.crew import EngineError, Event
from imgassets.engines.crew_process import CrewProcess
from imgassets.engines.team import Team
from imgassets.engines.worker import versions_here
from imgassets.storage.image_store import ImageStore
from imgassets_tests.engines.painting import Painters, request
from imgassets_tests.engines.test_team import made


class TwoPainters(Painters):
    def __init__(self) -> None:
        super().__init__(2, "cpu")
        self.workers = 2


class Cluster:
    """As Ray's: it cannot be had, raises, or ends its process with exit code 1."""

    workers = 1

    def start(self, place: int) -> None:
        if place == 1:
            raise DeviceError("device cuda is not here")
        os._exit(1)

    def give(self, place: int, order: object, task: object) -> None:
        """Nobody gives it anything."""

    def end(self, place: int) -> None:
        """Nothing to end."""

    def wait(self, seconds: float) -> Sequence[Event]:
        return []

    def close(self) -> None:
        """Nothing to end."""


def none_there() -> Cluster:
    raise EngineError("no cluster answers")


def test_it_does_what_the_crew_does_and_ends_with_it(tmp_path: Path) -> None:
    crew = CrewProcess(TwoPainters, "lost")
    team = Team(crew, crew.workers, versions_here())
    assert set(made([request(n) for n in range(4)], team, ImageStore(tmp_path))["status"]) == {"ok"}
    team.close()
    assert set(made([request(n) for n in range(9, 12)], team, ImageStore(tmp_path))["status"]) == {
        "ok"
    }
    crew.quit()
    assert crew._process.returncode == 0


def test_a_process_that_ends_by_itself_is_an_error_with_what_to_do() -> None:
    crew = CrewProcess(Cluster, "the cluster is lost; run again")
    crew.start(0)
    for _ in range(2):  # the next asset is told the same
        with pytest.raises(EngineError, match="the cluster is lost; run again"):
            crew.wait(1.0)
    crew.quit()


def test_what_a_crew_raises_is_raised_by_the_next_wait_alone() -> None:
    crew = CrewProcess(Cluster, "lost")
    crew.start(1)
    with pytest.raises(DeviceError, match="device cuda is not here"):
        crew.wait(1.0)
    assert crew.wait(1.0) == []
    crew.quit()


def test_a_crew_that_cannot_be_had_is_told_at_once() -> None:
    with pytest.raises(EngineError, match="no cluster answers"):
        CrewProcess(none_there, "lost")
