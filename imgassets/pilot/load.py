"""Putting a served model under the traffic of a pilot."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Iterable, Sequence
from contextlib import asynccontextmanager, nullcontext
from dataclasses import dataclass
from pathlib import Path

from imgassets.backends.device import Device
from imgassets.backends.generation import Make
from imgassets.backends.registry import postprocess_maker, upscale_maker
from imgassets.documents.project import Project
from imgassets.flows import FLOWS, FlowName, MadeBy
from imgassets.pilot.client import Client
from imgassets.pilot.due import Due, warm_up
from imgassets.pilot.replay import Answered, Clock, replay
from imgassets.pilot.result import LOG
from imgassets.pilot.server import PilotError, Server

#: Loading weights, at worst; nothing of it is measured.
_WARM_UP_SECONDS, _WARM_UP_TRIES = 600.0, 3
#: Told (what is done, how much, of how much).
Tell = Callable[[str, int | None, int | None], None]


@dataclass(frozen=True)
class Where:
    """Where a model is served.

    Attributes:
        device: device class, of the server that is started and of image keys.
        url: an address that ends in `/v1`; empty starts `imgassets serve`.
        key: sent there; empty sends none.
    """

    device: Device
    url: str = ""
    key: str = ""


def put_under_load(
    project: Project,
    branch: str,
    where: Where,
    timeout: float,
    dues: Sequence[Due],
    folder: Path,
    tell: Tell,
) -> tuple[list[Answered], float | None]:
    """Serve, warm up, replay: `(answers, highest memory of the server in MiB)`.

    Args:
        project: the documents.
        branch: `ENDPOINT/MODEL`.
        where: an address, or nothing.
        timeout: seconds for one reply.
        dues: the traffic.
        folder: of the pilot; the log of a server that is started goes there.
        tell: told what is done.

    Raises:
        PilotError: the model cannot be served, or a flow can be made nowhere.
    """
    model = branch.rpartition("/")[2]
    tell(f"{branch}: starting", None, None)
    own = None if where.url else Server(project.root, model, where.device, folder / LOG)
    with own or nullcontext():
        url = own.url if own else where.url.rstrip("/")
        client = Client(url, project.model(model), timeout, Clock(), where.key)
        answers = asyncio.run(
            _replayed(client, project, where.device, dues, bool(own), branch, tell)
        )
    if own is not None and where.device == "cpu":
        return answers, own.peak_mib
    told = [s.memory for a in answers for s in a.steps if s.memory]
    return answers, max(told, default=None)


async def _replayed(
    client: Client,
    project: Project,
    device: Device,
    dues: Sequence[Due],
    ours: bool,
    branch: str,
    tell: Tell,
) -> list[Answered]:
    async with _ready(client, project, device, {s.flow for due in dues for s in due.steps}):
        tell(f"{branch}: warming up", None, None)
        await _warm(client, warm_up(dues), ours)
        what = f"{branch}: under load"
        return await replay(dues, client.ask, client.clock, lambda n, of: tell(what, n, of))


@asynccontextmanager
async def _ready(
    client: Client, project: Project, device: Device, flows: Iterable[FlowName]
) -> AsyncIterator[None]:
    """The client, with what makes here what the server does not make."""
    try:
        client.offered = await client.flows()
        client.makers = {
            flow: _maker_here(flow, project, client, device)
            for flow in flows
            if flow not in client.offered
        }
        yield
    finally:
        await client.close()


def _maker_here(flow: FlowName, project: Project, client: Client, device: Device) -> Make:
    match FLOWS[flow].made_by:
        case MadeBy.STEPS:
            return postprocess_maker(project.root)
        case MadeBy.UPSCALER:
            return upscale_maker(project.root, client.model, device)
        case MadeBy.BACKEND:
            raise PilotError(
                f"the server does not make flow {flow}, which is asked for; let the pilot start "
                "`imgassets serve` (without --url), or leave the flow out of `pilot.flows`"
            )


async def _warm(client: Client, dues: Sequence[Due], ours: bool) -> None:
    """Have weights loaded before anything counts.

    Raises:
        PilotError: a server of ours cannot make an image at all.
    """
    timeout, client.timeout = client.timeout, max(client.timeout, _WARM_UP_SECONDS)
    for due in dues:
        for _ in range(_WARM_UP_TRIES):
            (answered,) = await replay([due], client.ask, client.clock)
            last = answered.steps[-1]
            if not last.failure:
                break
        else:
            if ours:
                raise PilotError(f"no image of flow {last.request.flow} came: {last.message}")
    client.timeout = timeout
