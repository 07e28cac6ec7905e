"""`imgassets pilot`."""

from __future__ import annotations

import os
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from imgassets.cli.options import NOT_OK, OK, Device, DeviceWord, Json, show, valid_project
from imgassets.cli.progress import Quiet, shown

if TYPE_CHECKING:
    from imgassets.documents.contract import Endpoint
    from imgassets.documents.pilot import Pilot
    from imgassets.documents.project import Project

#: The key that is sent to `--url`, where the model's document names no variable of its own.
_KEY = "IMGASSETS_PILOT_KEY"
_GAMMA, _ON, _OFF = 4.0, 10.0, 30.0


class ShapeWord(StrEnum):
    """How requests arrive."""

    POISSON = "poisson"
    GAMMA = "gamma"
    ON_OFF = "on_off"


TheEndpoint = Annotated[str, typer.Option(metavar="E", help="The endpoint whose traffic it is.")]
Models = Annotated[
    list[str],
    typer.Option(
        metavar="M",
        help="Only this one; may be repeated. Without it all models, the incumbent first.",
    ),
]
Trace = Annotated[
    str | None,
    typer.Option(
        metavar="FILE", help="Replay this trace (docs/pilot.md) instead of the contract's."
    ),
]
Shape = Annotated[
    ShapeWord | None,
    typer.Option(
        help="Draw arrivals of this shape at the rate of `traffic.busiest_hour`: gamma with "
        f"burstiness {_GAMMA:g}, on_off with {_ON:g} s on and {_OFF:g} s off."
    ),
]
Length = Annotated[
    float | None, typer.Option(min=1, help="How long requests come in, with a shape.")
]
Url = Annotated[
    str,
    typer.Option(
        metavar="URL",
        help="A server of the OpenAI images protocol, such as https://HOST/v1. Without it "
        "`imgassets serve` is started. The key is taken from the model's variable, or from "
        f"${_KEY}.",
    ),
]


def pilot(
    endpoint: TheEndpoint,
    model: Models = [],
    trace: Trace = None,
    shape: Shape = None,
    seconds: Length = None,
    url: Url = "",
    device: Device = DeviceWord.AUTO,
    quiet: Quiet = False,
    json: Json = False,
) -> int:
    """Replay production-like traffic against a served model.

    Sends the contract's `pilot:` (a trace, or a shape at the busiest hour's rate) in an open loop,
    so latency counts from when each request was due. Prints latencies, failures, cost, memory and
    the quality of the images that came back, beside the incumbent and the simulated queue. Exit 0
    when every ceiling of the contract holds, 1 when one does not, 2 on bad input.
    """
    project = valid_project()
    contract = _contract(project, endpoint)
    document = _document(contract, trace, shape, seconds)
    models = _models(contract, model)
    _check_url(url)
    found, good = [], True
    for name in models:
        data, text, holds = _one(project, contract, name, document, (url, device, quiet))
        found.append((data, text))
        good = good and holds
    show(json, [data for data, _ in found], "\n\n".join(text for _, text in found))
    return OK if good else NOT_OK


def _one(
    project: Project, contract: Endpoint, model: str, document: Pilot, how: tuple[str, str, bool]
) -> tuple[object, str, bool]:
    """`(as JSON, as text, whether it holds)`."""
    from imgassets.backends.device import choose_device
    from imgassets.pilot.ceilings import holds
    from imgassets.pilot.load import Where
    from imgassets.pilot.result import PICTURE, read_pilot
    from imgassets.pilot.run import run_pilot
    from imgassets.pilot.state import same_traffic
    from imgassets.pilot.text import as_json, as_text
    from imgassets.storage.ownership import ready_home

    url, device, quiet = how
    ready_home(project.root)
    where = Where(choose_device(device)[0], url, _key(project, model) if url else "")
    with shown(quiet, keep=True) as tell:
        pilot, folder = run_pilot(project, contract.endpoint, model, where, document, tell)
    beside = None
    if model != contract.incumbent:
        beside = read_pilot(folder.parent / contract.incumbent)
        beside = beside if beside and same_traffic(pilot, beside) else None
    ceilings, alpha = document.ceilings, contract.decision.alpha
    good, _ = holds(pilot, ceilings, alpha)
    text = as_text(pilot, ceilings, alpha, beside)
    text += f"\npicture: {folder / PICTURE}"
    if not quiet:
        text += f"\nnext: {_next(contract, model, document, good, beside is not None)}"
    return as_json(pilot, ceilings, alpha, str(folder)), text, good


def _next(contract: Endpoint, model: str, document: Pilot, good: bool, compared: bool) -> str:
    asked = contract.pilot is not None and document == contract.pilot
    if not asked:
        return (
            "write this traffic and its ceilings into the contract's `pilot:`, so that a rollout "
            "can ask for it (docs/pilot.md)"
        )
    if model != contract.incumbent and not compared:
        return (
            f"imgassets pilot --endpoint {contract.endpoint} --model {contract.incumbent}   "
            "(then the incumbent's stands beside it)"
        )
    if good:
        return "nothing; this pilot holds until a document, a weight or a library changes"
    return "mend what does not hold, or ask for less by `pilot.ceilings`, and run it again"


def _contract(project: Project, endpoint: str) -> Endpoint:
    if endpoint not in project.endpoints:
        known = ", ".join(project.endpoints)
        raise LookupError(f"no endpoint {endpoint!r} in contracts/endpoints; there are: {known}")
    return project.endpoint(endpoint)


def _models(contract: Endpoint, chosen: list[str]) -> list[str]:
    for name in chosen:
        if name not in contract.models:
            known = ", ".join(contract.models)
            raise LookupError(f"{name!r} is no model of {contract.endpoint}; there are: {known}")
    return [name for name in contract.models if not chosen or name in chosen]


def _document(
    contract: Endpoint, trace: str | None, shape: ShapeWord | None, seconds: float | None
) -> Pilot:
    """The contract's pilot with what the command line says instead."""
    from imgassets.documents.pilot import Pilot

    if trace and (shape or seconds):
        raise typer.BadParameter("a trace says its times by itself; drop --shape and --seconds")
    known = contract.pilot
    if known is None and not (trace or seconds):
        raise typer.BadParameter(
            f"the contract of {contract.endpoint} has no `pilot`; add one (docs/pilot.md), or give "
            "--trace, or --seconds"
        )
    if not (trace or shape or seconds) and known is not None:
        return known
    said = known.model_dump(exclude_unset=True) if known else {}
    if trace:
        said = {k: v for k, v in said.items() if k not in ("shape", "seconds", "requests", "flows")}
        return Pilot.model_validate(said | {"trace": _from_root(trace)})
    if contract.traffic is None:
        raise typer.BadParameter(f"the contract of {contract.endpoint} has no `traffic`: no rate")
    said.pop("trace", None)
    if shape:
        said["shape"] = _SHAPES[shape]
    if seconds:
        said = {k: v for k, v in said.items() if k != "requests"} | {"seconds": seconds}
    return Pilot.model_validate(said)


_SHAPES = {
    ShapeWord.POISSON: {"kind": "poisson"},
    ShapeWord.GAMMA: {"kind": "gamma", "burstiness": _GAMMA},
    ShapeWord.ON_OFF: {"kind": "on_off", "on_seconds": _ON, "off_seconds": _OFF},
}


def _from_root(trace: str) -> str:
    """A path of the command line as the project's root sees it."""
    path = Path(trace)
    return str(path.resolve()) if path.is_file() else trace


def _check_url(url: str) -> None:
    from urllib.parse import urlsplit

    from imgassets.documents.addresses import is_loopback

    if not url:
        return
    parts = urlsplit(url)
    if parts.scheme not in ("http", "https") or not parts.hostname or "@" in parts.netloc:
        raise typer.BadParameter("--url: give an address such as https://HOST/v1, without a key")
    if parts.scheme == "http" and not is_loopback(parts.hostname):
        raise typer.BadParameter("--url: plain http would send prompts and key in the clear")


def _key(project: Project, model: str) -> str:
    named = getattr(project.model(model), "api_key_variable", None)
    return os.environ.get(named or _KEY, "").strip()
