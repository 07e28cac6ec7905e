"""`imgassets rollout status`, `history` and `verify`: they only read, and need no lock."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from imgassets.cli.options import NOT_OK, OK, Endpoints, Json, show
from imgassets.cli.rollout_options import files_here

if TYPE_CHECKING:
    from imgassets.rollout.entries import Entry
    from imgassets.rollout.record import Record
    from imgassets.rollout.standing import Standing
    from imgassets.rollout.verify import Verified


def status(endpoint: Endpoints = [], json: Json = False) -> int:
    """Tell the stage, the percent and since when, of each endpoint.

    Exit 0 when flags and history agree, 1 when something changed them by hand or was cut off.
    """
    from imgassets.rollout.record import read_record
    from imgassets.rollout.standing import standing
    from imgassets.rollout.verify import verify as check

    files = files_here()
    record, wrong = read_record(files), check(files)
    found = [standing(record, name) for name in endpoint or record.endpoints]
    lines = [_line(at) + _last_look(record, at) for at in found] or ["no rollout was ever started"]
    told = {"endpoints": [at.to_dict() for at in found], **wrong.to_dict()}
    show(json, told, "\n".join([*lines, *_wrong(wrong)]))
    return NOT_OK if wrong.tampering or wrong.unsettled else OK


def history(endpoint: Endpoints = [], json: Json = False) -> int:
    """Print who changed which flag when, from what to what, and why."""
    from imgassets.rollout.record import read_record

    record = read_record(files_here())
    found = [e for e in record.entries if not endpoint or e.endpoint in endpoint]
    text = "\n".join(map(_told, found)) or "nothing was ever done"
    show(json, [entry.model_dump() for entry in found], text)
    return OK


def verify(
    head: Annotated[
        str,
        typer.Option(metavar="HASH", help="A hash printed before; that line must still be there."),
    ] = "",
    json: Json = False,
) -> int:
    """Find every change to history and flags that was not made by these commands.

    Checks each line's hash, the chain, and each flag against its last line. Whoever can write the
    files could write all of them anew: note the printed hash elsewhere, and give it as --head
    later. Exit 0 when all is as it was written, 1 when not.
    """
    from imgassets.rollout.verify import verify as check

    found = check(files_here(), head)
    lines = [*_wrong(found), f"{found.entries} line(s), head {found.head or 'none'}"]
    show(json, found.to_dict(), "\n".join(lines))
    return NOT_OK if found.tampering or found.unsettled else OK


def _wrong(found: Verified) -> list[str]:
    changed = [f"CHANGED: {fault}" for fault in found.tampering]
    return [*changed, *(f"unsettled: {what}" for what in found.unsettled)]


def _line(at: Standing) -> str:
    last = at.last
    if last is None:
        return f"{at.endpoint}: no rollout was ever started"
    if not last.running:
        return (
            f"{at.endpoint}: {last.incumbent} has all users ({last.event} by {last.by}, {last.at})"
        )
    frozen = ", FROZEN" if last.frozen else ""
    return (
        f"{at.endpoint}: {last.candidate} at stage {last.stage} ({last.percent:g} % of users) "
        f"since {at.since:%Y-%m-%d %H:%M} UTC{frozen}; incumbent {last.incumbent}"
    )


def _last_look(record: Record, at: Standing) -> str:
    """What the last look at production's outcomes came to; empty where none was taken."""
    from imgassets.documents.project import find_root
    from imgassets.rollout.looks import looks_of
    from imgassets.rollout.outcomes import log_of
    from imgassets.rollout.watch import stage_of
    from imgassets.storage.image_store import StoreError
    from imgassets.storage.project_home import home_of

    stage = stage_of(record, at.endpoint)
    log = log_of(home_of(find_root()), at.endpoint)
    if stage is None or not log.file.is_file():
        return ""
    try:
        taken = looks_of(log, stage.rollout)
    except StoreError as error:  # the stage is told all the same
        return f"\n  outcomes: {error}"
    if not taken:
        return "\n  outcomes: no look was taken yet"
    when, _, seen = taken[-1]
    return f"\n  outcomes, look {seen.look} at {when:%Y-%m-%d %H:%M}: {seen.state}: {seen.sentence}"


def _told(entry: Entry) -> str:
    return f"{entry.number:>4} {entry.endpoint} {entry.words}"
