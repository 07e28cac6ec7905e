"""A pilot from beginning to end: serve, warm up, replay, look at what came back, keep it."""

from __future__ import annotations

import os
import shutil
from datetime import UTC, datetime
from pathlib import Path

from imgassets.documents.contract import Endpoint
from imgassets.documents.folder import FolderModel
from imgassets.documents.pilot import Pilot as PilotDocument
from imgassets.documents.project import Project
from imgassets.pilot.due import due_requests
from imgassets.pilot.images import Kept
from imgassets.pilot.load import Tell, Where, put_under_load
from imgassets.pilot.picture import picture
from imgassets.pilot.quality import measured_under_load, quality
from imgassets.pilot.result import IMAGES, PICTURE, Pilot, PilotResult, read_pilot
from imgassets.pilot.server import PilotError
from imgassets.pilot.simulated import offline_service
from imgassets.pilot.state import fingerprints, same_traffic
from imgassets.storage.image_store import store_of
from imgassets.storage.project_home import home_of
from imgassets.storage.whole_file import write_whole


def run_pilot(
    project: Project, endpoint: str, model: str, where: Where, document: PilotDocument, tell: Tell
) -> tuple[Pilot, Path]:
    """Replay a pilot's traffic against a model; the result, and the folder it is kept in.

    Traffic other than the contract's is kept apart, so that it takes no place of a pilot that
    decides.

    Raises:
        PilotError: the model cannot be served, or a flow can be made nowhere.
        InvalidDocumentsError: the trace cannot be replayed.
        NoArrivalsError: nothing arrives.
    """
    contract = project.endpoint(endpoint)
    _refuse(project, model, where)
    share_of = 1 if where.url or contract.traffic is None else contract.traffic.workers
    dues = due_requests(project, contract, document, model, where.device, share_of)
    tried = contract.pilot is None or _replayed(document) != _replayed(contract.pilot)
    target = home_of(project.root).pilot(endpoint, model, tried)
    folder = target.parent / f".{model}.{os.getpid()}"
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    try:
        begun = _begun(project, contract, model, where, document, share_of)
        load = load_in_words(contract, document, len(dues))
        answers, memory = put_under_load(
            project, f"{endpoint}/{model}", where, document.timeout_seconds, dues, folder, tell
        )
        tell(f"{endpoint}/{model}: looking at what came back", None, None)
        store = store_of(home_of(project.root))
        rows = Kept(folder / IMAGES, store, contract, project.model(model)).rows(answers)
        pilot = Pilot(result=begun.model_copy(update={"load": load}), requests=rows)
        pilot = _completed(project, pilot, memory)
        pilot = _judged(project, pilot, folder, target.parent / contract.incumbent, where.device)
        pilot.write(folder)
        write_whole(folder / PICTURE, picture(pilot))
        _put_in_place(folder, target)
    finally:
        shutil.rmtree(folder, ignore_errors=True)
    return pilot, target


def _begun(
    project: Project,
    contract: Endpoint,
    model: str,
    where: Where,
    document: PilotDocument,
    share_of: int,
) -> PilotResult:
    """What is known before the traffic begins."""
    traffic, home = contract.traffic, home_of(project.root)
    batch = traffic.batch if where.url and traffic else project.model(model).batch_size
    return PilotResult(
        endpoint=contract.endpoint,
        model=model,
        url=where.url,
        device=where.device,
        started=datetime.now(UTC).isoformat(timespec="seconds"),
        workers=traffic.workers if where.url and traffic else 1,
        share_of=share_of,
        fingerprints=fingerprints(project, contract.endpoint, model, document, where.device),
        service=tuple(offline_service(home, contract.endpoint, model)),
        batch=max(1, batch),
    )


def load_in_words(contract: Endpoint, document: PilotDocument, requests: int) -> str:
    """What is replayed, in a few words."""
    if document.trace is not None:
        return f"{requests} requests of {document.trace}"
    rate = contract.traffic.busiest_hour if contract.traffic else 0
    kind = document.arrivals.kind.replace("_", "/")
    return f"{requests} requests, {kind} arrivals at {rate:g} an hour"


def _refuse(project: Project, model: str, where: Where) -> None:
    """What cannot be put under load, or must not be by mistake.

    Raises:
        PilotError: it is so.
    """
    document = project.model(model)
    if isinstance(document, FolderModel):
        raise PilotError(f"{model} is a folder of images; there is nothing to put under load")
    if document.once_only and not where.url:
        raise PilotError(
            f"{model} is hosted: `imgassets serve` would answer from its journal of paid requests. "
            "Name the provider's address by --url; every request is paid"
        )


def _replayed(document: PilotDocument) -> PilotDocument:
    return document.model_copy(update={"ceilings": None})


def _completed(project: Project, pilot: Pilot, memory: float | None) -> Pilot:
    price = project.model(pilot.result.model).price
    seconds = max(row.done for row in pilot.requests)
    delivered = sum(not row.failure for row in pilot.requests)
    rented = None
    if price.usd_per_hour is not None and delivered:
        rented = price.usd_per_hour * seconds / 3600 * pilot.result.workers / delivered
    update = {"seconds": seconds, "memory_mib": memory, "usd_rented": rented}
    return pilot.model_copy(update={"result": pilot.result.model_copy(update=update)})


def _judged(project: Project, pilot: Pilot, folder: Path, incumbent: Path, device: str) -> Pilot:
    """With the criteria on its images, beside the incumbent's under the same traffic."""
    contract = project.endpoint(pilot.result.endpoint)
    mine, theirs, when = measured_under_load(project, pilot, folder, device), None, ""
    if pilot.result.model != contract.incumbent:
        other = read_pilot(incumbent)
        if other is not None and same_traffic(pilot, other):
            theirs = measured_under_load(project, other, incumbent, device)
            when = other.result.started
    rows = quality(project, pilot, mine, theirs)
    update = {"quality": rows, "compared_with": when}
    return pilot.model_copy(update={"result": pilot.result.model_copy(update=update)})


def _put_in_place(folder: Path, target: Path) -> None:
    """The new one takes the place of the old one, which is there until then."""
    old = target.parent / f".{target.name}.old"
    shutil.rmtree(old, ignore_errors=True)
    if target.exists():
        target.rename(old)
    folder.rename(target)
    shutil.rmtree(old, ignore_errors=True)
