"""Which engine `$IMGASSETS_ENGINE` chooses, and which images an engine may spread."""

from __future__ import annotations

import os
from dataclasses import dataclass
from functools import partial
from urllib.parse import parse_qsl, urlsplit

from imgassets.backends.device import Device
from imgassets.documents.environment import PlaceError
from imgassets.documents.model import Model
from imgassets.documents.models import AnyModel, upscales_by_api
from imgassets.engines.team import Team
from imgassets.flows import FLOWS, FlowName, MadeBy

VARIABLE = "IMGASSETS_ENGINE"
_HOW = (
    "write local (this process), local:N (N processes here), ray://auto (the Ray cluster of this "
    "machine) or ray://HOST:PORT; after it ?workers=N, cpus=N and gpus=N say what workers of a "
    "cluster need"
)


@dataclass(frozen=True)
class LocalProcesses:
    """N processes of this machine."""

    workers: int


@dataclass(frozen=True)
class RayCluster:
    """A Ray cluster.

    Attributes:
        address: of its head, `HOST:PORT`, or `auto`.
        workers: how many; 0: as many as the cluster has room for.
        cpus: cores that a worker takes.
        gpus: GPUs that a worker takes; None: one where images are made on CUDA.
    """

    address: str
    workers: int = 0
    cpus: float = 1.0
    gpus: float | None = None


def engine_setting() -> LocalProcesses | RayCluster | None:
    """What `$IMGASSETS_ENGINE` says; None: make images in this process.

    Raises:
        PlaceError: it is no engine.
    """
    value = os.environ.get(VARIABLE, "local").strip()
    kind, _, rest = value.partition(":")
    if value == "local":
        return None
    try:
        if kind == "local":
            return LocalProcesses(_at_least_one(rest))
        if kind == "ray":
            return _cluster(value)
    except ValueError as error:
        raise PlaceError(f"${VARIABLE} is {value!r}: {error}; {_HOW}") from error
    raise PlaceError(f"${VARIABLE} is {value!r}, which is no engine; {_HOW}")


def _cluster(value: str) -> RayCluster:
    parts = urlsplit(value)
    if parts.netloc != "auto" and not (parts.hostname and parts.port):
        raise ValueError("the head's address has a host and a port")
    if "@" in parts.netloc or parts.path.strip("/") or parts.fragment:
        raise ValueError("an address has a host and a port, and nothing else")
    asked = dict(parse_qsl(parts.query, keep_blank_values=True, strict_parsing=bool(parts.query)))
    unknown = ", ".join(sorted(set(asked) - {"workers", "cpus", "gpus"}))
    if unknown:
        raise ValueError(f"there is no {unknown}")
    return RayCluster(
        parts.netloc,
        _at_least_one(asked["workers"]) if "workers" in asked else 0,
        _amount(asked.get("cpus", "1")),
        _amount(asked["gpus"]) if "gpus" in asked else None,
    )


def _at_least_one(text: str) -> int:
    if not text.isdecimal() or int(text) < 1:
        raise ValueError(f"{text!r} is no number of workers, 1 or more")
    return int(text)


def _amount(text: str) -> float:
    try:
        amount = float(text)
    except ValueError:
        amount = -1.0
    if not 0 <= amount < 1e6:
        raise ValueError(f"{text!r} is no number of cores or GPUs")
    return amount


def open_team(setting: LocalProcesses | RayCluster, device: Device) -> Team:
    """The workers of a setting; none is started yet.

    Raises:
        EngineError: they cannot be had.
    """
    if isinstance(setting, LocalProcesses):
        from imgassets.engines.processes import Processes

        return Team(Processes(setting.workers, device), setting.workers)
    from imgassets.engines.crew_process import CrewProcess
    from imgassets.engines.ray_actors import RayActors

    # Ray ends a process that has lost the head of its cluster; that must not be the run's.
    crew = CrewProcess(partial(RayActors, setting, device), lost_cluster(setting))
    return Team(crew, crew.workers)


def lost_cluster(setting: RayCluster) -> str:
    """What to say when a cluster is gone in the middle."""
    return (
        f"the Ray cluster ray://{setting.address} is lost: its head, or the node of this machine, "
        "ended or cannot be reached; images that were stored are kept. Start the cluster again "
        "(`ray start --head`, then the other nodes), and run the same command again"
    )


def can_be_spread(model: AnyModel, flow: FlowName) -> bool:
    """Whether images are made by what workers have: weights and processors.

    What asks another program or provider stays in one process, which has its queue, its journal
    and its budget.
    """
    match FLOWS[flow].made_by:
        case MadeBy.BACKEND:
            return isinstance(model, Model)
        case MadeBy.UPSCALER:
            return not upscales_by_api(model)
        case MadeBy.STEPS:
            return True
