"""Workers that are Ray actors, anywhere in a cluster: a GPU each makes images, a core scores them.

Plain Ray Core is enough: an actor keeps its pipeline loaded, which Ray's tasks do not.
`dagster-ray` places Dagster's steps and runs on a cluster, and one image asset is one step.
"""

from __future__ import annotations

import logging
import os
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from imgassets.backends.device import Device
from imgassets.engines.choice import RayCluster
from imgassets.engines.crew import Done, EngineError, Event, Failed, Lost, Ready
from imgassets.engines.process_worker import Serving, portable
from imgassets.engines.score_worker import ScoreWorker
from imgassets.engines.worker import Worker


class RayActors:
    """A crew of actors; `worker` is the class of each."""

    worker: type[Serving] = Worker

    def __init__(self, cluster: RayCluster, device: Device) -> None:
        """
        Args:
            cluster: where it is, and what a worker needs.
            device: what workers make images on.

        Raises:
            EngineError: Ray is not installed, or no cluster answers there.
        """
        self._ray = _connected(cluster.address)
        gpus = cluster.gpus if cluster.gpus is not None else float(device == "cuda")
        self._needs = {"num_cpus": cluster.cpus, "num_gpus": gpus}
        self.workers = cluster.workers or self._room(gpus, cluster.cpus)
        self._order: tuple[Any, Any] = (None, None)  # and where Ray keeps it
        self._actors: dict[int, Any] = {}
        self._awaited: dict[Any, tuple[int, type[Ready | Done]]] = {}

    def start(self, place: int) -> None:
        """See `Crew`."""
        remote = self._ray.remote(self.worker).options(max_restarts=0, **self._needs)
        self._actors[place] = remote.remote()
        self._awaited[self._actors[place].versions.remote()] = (place, Ready)

    def give(self, place: int, order: Any, task: Any) -> None:
        """See `Crew`; an order may be large, so each machine gets it once."""
        if order is not self._order[0]:
            self._order = (order, self._ray.put(order))
        self._awaited[self._actors[place].make.remote(self._order[1], task)] = (place, Done)

    def wait(self, seconds: float) -> Sequence[Event]:
        """See `Crew`."""
        awaited = list(self._awaited)
        first, rest = self._ray.wait(awaited, num_returns=1, timeout=seconds)
        more = self._ray.wait(rest, num_returns=len(rest), timeout=0)[0] if first and rest else []
        return [self._heard(ref) for ref in [*first, *more]]

    def end(self, place: int) -> None:
        """See `Crew`."""
        self._ray.kill(self._actors.pop(place))
        self._awaited = {ref: what for ref, what in self._awaited.items() if what[0] != place}

    def close(self) -> None:
        """See `Crew`; the connection stays, for the run's other workers."""
        for actor in self._actors.values():
            self._ray.kill(actor)
        self._actors, self._awaited, self._order = {}, {}, (None, None)

    def _heard(self, ref: Any) -> Event:
        place, kind = self._awaited.pop(ref)
        errors = self._ray.exceptions
        try:
            return kind(place, self._ray.get(ref))
        except errors.RayTaskError as error:
            return Failed(place, portable(error.cause if error.cause else error))
        except errors.RayError as error:
            # A lost result counts as a lost worker: the actor is ended so that its place is free.
            self._ray.kill(self._actors.pop(place))
            return Lost(place, " ".join(str(error).split())[:300])

    def _room(self, gpus: float, cpus: float) -> int:
        """How many workers the cluster has room for, if it is idle."""
        has = self._ray.cluster_resources()
        needs = (("GPU", gpus), ("CPU", cpus))
        room = int(min((has.get(kind, 0) / need for kind, need in needs if need), default=1))
        if room < 1:
            raise EngineError(
                f"the Ray cluster has {has.get('CPU', 0):g} CPUs and {has.get('GPU', 0):g} GPUs, "
                f"and a worker needs {cpus:g} and {gpus:g}; add a node, or change `cpus` and "
                "`gpus` in $IMGASSETS_ENGINE"
            )
        return room


class RayScorers(RayActors):
    """A crew of actors that score images."""

    worker = ScoreWorker

    def __init__(self, cluster: RayCluster) -> None:
        """As many as the cluster has cores; no GPU. Raises as `RayActors`."""
        super().__init__(replace(cluster, workers=0, cpus=1.0, gpus=0.0), "cpu")


def _connected(address: str) -> Any:
    try:
        import ray
        import ray.exceptions
    except ImportError as error:
        raise EngineError(
            "IMGASSETS_ENGINE names a Ray cluster, and Ray is not installed here; "
            "pip install 'imgassets[cluster]', or unset IMGASSETS_ENGINE"
        ) from error
    os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")  # nothing leaves unasked
    if ray.is_initialized():
        return ray
    try:
        ray.init(address=address, log_to_driver=False, logging_level=logging.ERROR)
    except (ConnectionError, RuntimeError, ValueError) as error:
        raise EngineError(
            f"no Ray cluster answers at {address}: {' '.join(str(error).split())[:300]}; start one "
            "with `ray start --head` on this machine, or correct $IMGASSETS_ENGINE; with "
            "RAY_AUTH_MODE=token the token must be the cluster's"
        ) from error
    return ray
