"""The workers of a run: some make images, others score them, and they share the cluster's cores."""

from __future__ import annotations

import math
from collections.abc import Callable
from functools import partial

from imgassets.backends.device import Device
from imgassets.engines.choice import LocalProcesses, RayCluster
from imgassets.engines.crew import Crew
from imgassets.engines.crew_process import Counted, CrewProcess
from imgassets.engines.patience import Patience
from imgassets.engines.score_worker import scoring_versions
from imgassets.engines.scoring import SpreadScores
from imgassets.engines.team import Team
from imgassets.engines.worker import versions_here
from imgassets.metrics.score_processes import ALL_CORES, Others

#: A scorer loads little, and looks at few images at once.
_SCORING = Patience(first=600.0)


def on_cluster(setting: RayCluster, crew: Callable[[], Counted]) -> CrewProcess:
    """A crew of Ray's; Ray ends a process that lost its cluster, and that must not be the run's.

    Raises:
        EngineError: it cannot be had.
    """
    return CrewProcess(
        crew,
        f"the Ray cluster ray://{setting.address} is lost: its head, or the node of this machine, "
        "ended or cannot be reached; images that were stored are kept. Start the cluster again "
        "(`ray start --head`, then the other nodes), and run the same command again",
    )


class Teams:
    """Those who make and those who score, each begun when there is work for them.

    Only one side works at a time: an asset is made of images or of scores. The idle side gives its
    cores to the other, but workers on GPUs stay, since loading a pipeline takes long, as long as
    they leave a core.
    """

    def __init__(self, setting: LocalProcesses | RayCluster, device: Device) -> None:
        """
        Args:
            setting: from `$IMGASSETS_ENGINE`.
            device: what workers make images on.
        """
        self._setting, self._device = setting, device
        self._makers: Team | None = None
        self._scorers: Team | None = None
        self._scoring_crew: CrewProcess | None = None
        self._on_cluster: list[CrewProcess] = []

    def making(self) -> Team:
        """Workers that make images; none is started yet.

        Raises:
            EngineError: they cannot be had.
        """
        if self._scorers:
            self._scorers.close()
        if self._makers is None:
            crew, workers = self._making_crew()
            self._makers = Team(crew, workers, versions_here())
        return self._makers

    def scoring(self) -> Others:
        """What scores images: this machine's cores, or a cluster's when they are asked for."""
        if isinstance(self._setting, LocalProcesses):
            return ALL_CORES
        setting = self._setting
        return SpreadScores(
            lambda: self._scoring(setting), lambda: bool(self._scorers and self._scorers.begun)
        )

    def close(self) -> None:
        """End all workers."""
        for team in (self._makers, self._scorers):
            if team:
                team.close()
        while self._on_cluster:
            self._on_cluster.pop().quit()
        self._makers = self._scorers = self._scoring_crew = None

    def _making_crew(self) -> tuple[Crew, int]:
        """Who makes images, and how many they may be."""
        if isinstance(self._setting, LocalProcesses):
            from imgassets.engines.processes import Processes

            return Processes(self._setting.workers, self._device), self._setting.workers
        from imgassets.engines.ray_actors import RayActors

        crew = on_cluster(self._setting, partial(RayActors, self._setting, self._device))
        self._on_cluster.append(crew)
        return crew, crew.workers

    def _scoring(self, setting: RayCluster) -> Team:
        from imgassets.engines.ray_actors import RayScorers

        if self._scorers and self._scorers.begun:
            return self._scorers
        crew = self._scoring_crew
        if crew is None:
            crew = self._scoring_crew = on_cluster(setting, partial(RayScorers, setting))
            self._on_cluster.append(crew)
        cores = crew.workers
        free = cores - self._kept_by_makers(setting)
        if self._makers and free < 1:
            self._makers.close()
            free = cores
        most = min(free, setting.workers) if setting.workers else free
        self._scorers = Team(crew, most, scoring_versions(), _SCORING)
        return self._scorers

    def _kept_by_makers(self, setting: RayCluster) -> int:
        """Cores of workers on GPUs; those on cores alone end here."""
        if self._makers is None or not self._makers.begun:
            return 0
        if setting.gpus if setting.gpus is not None else self._device == "cuda":
            # Whole ones: half a core on each of two machines is none for a scorer.
            return math.ceil(setting.cpus) * self._makers.workers
        self._makers.close()
        return 0
