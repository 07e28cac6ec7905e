"""What becomes of flags and history that a killed process left apart.

A step forward is written into the history first, a step back into the flag first. Whatever comes
next finds the two apart and settles it by one rule: **what applications see stays as it is, and the
history tells it.** So a repair moves no user. What was changed by hand is no such case: it stays as
it is, `verify` tells of it, and nothing goes forward until it is put right.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime

from imgassets.rollout.entries import NO_STAGE, Entry, at_words
from imgassets.rollout.flag_file import FlagFile
from imgassets.rollout.flags import with_flags
from imgassets.rollout.history import History
from imgassets.rollout.record import Record, read_record
from imgassets.storage.rollout_files import RolloutFiles

#: Steps whose line stands in the history before the flag is written.
_HISTORY_FIRST = ("start", "promote", "finish", "unfreeze")


class TamperedError(RuntimeError):
    """Flags or history were changed by something else than these commands; says where."""


def settle(files: RolloutFiles, by: str, now: datetime) -> Record:
    """Read flags and history, and bring them to agree where a process was cut off. Needs the lock.

    Raises:
        OSError: they cannot be read or written.
    """
    found = record = read_record(files)
    for endpoint in record.endpoints:
        repair = repair_of(record, endpoint)
        if repair is not None:
            if repair.event == "repair":
                repair = repair.model_copy(update={"at": at_words(now), "by": by})
            record = record.with_entry(record.following(repair))
    if record.pending:
        History(files.history).append(record.pending)
    elif record.written.torn:  # the very first line: no flag was ever written
        History(files.history).cut()
    stale = {e: last for e in record.endpoints if (last := stale_of(record, e))}
    if stale:
        FlagFile(files).write(with_flags(record.document, stale))
    return read_record(files) if stale or record.pending or record.written.torn else found


def repair_of(record: Record, endpoint: str) -> Entry | None:
    """An entry that tells of a step forward that never reached the flag; None where there is none.

    Its place and time are still to be filled in.
    """
    last, carried = record.last(endpoint), record.in_flag(endpoint)
    if last is None:
        return None
    lost_at, lost = record.lost
    if lost_at == endpoint and carried == last:
        return _back_to(last, last, lost)
    if carried is not None and _went_back_alone(record, endpoint, carried):
        return carried.model_copy(update={"before": last.stage})
    told = f"{last.event} to {last.stage} by {last.by} was cut off before the flag was written"
    if not _is_cut_off(record, endpoint, last, carried):
        return None
    return _back_to(last, carried, told)


def _went_back_alone(record: Record, endpoint: str, carried: Entry) -> bool:
    """Whether a flag was taken back without the lock while another process went on writing.

    Its line belongs behind an earlier one than the last, so it is told anew behind the last.
    """
    known = {"", *(entry.hash for entry in record.entries)}
    sound = carried.endpoint == endpoint and carried.previous in known
    return sound and carried.event == "revert" and carried.hash not in known


def _is_cut_off(record: Record, endpoint: str, last: Entry, carried: Entry | None) -> bool:
    """Whether the flag is the one before the last step forward."""
    mine = record.of(endpoint)
    if last.event not in _HISTORY_FIRST or record.flag_fault:
        return False
    if len(mine) == 1:
        return endpoint not in record.flags
    return carried == mine[-2]


def _back_to(last: Entry, seen: Entry | None, reason: str) -> Entry:
    """What is true where the flag is still that of an earlier entry; none was ever written."""
    return last.model_copy(
        update={
            "event": "repair",
            "incumbent": seen.incumbent if seen else last.incumbent,
            "candidate": seen.candidate if seen else last.candidate,
            "before": last.stage,
            "stage": seen.stage if seen else NO_STAGE,
            "percent": seen.percent if seen else 0.0,
            "frozen": bool(seen and seen.frozen),
            "verdict": "",
            "reason": reason,
        }
    )


def stale_of(record: Record, endpoint: str) -> Entry | None:
    """The entry of a repair that is in the history and not yet in the flag, which sends alike."""
    last, carried = record.last(endpoint), record.in_flag(endpoint)
    if (
        last is None
        or last.event not in ("repair", "revert")
        or carried == last
        or record.flag_fault
    ):
        return None
    absent = endpoint not in record.flags and not last.running
    alike = carried is not None and carried.traffic() == last.traffic()
    return last if absent or alike else None


def tampering(record: Record) -> Iterator[str]:
    """What no process of ours can have left, in words with file and line."""
    yield from (f"history.jsonl: {fault}" for fault in record.written.faults)
    if record.flag_fault:
        yield f"flags.json: {record.flag_fault}"
        return
    for endpoint in record.endpoints:
        last, carried = record.last(endpoint), record.in_flag(endpoint)
        if (
            last is None
            or carried == last
            or repair_of(record, endpoint)
            or stale_of(record, endpoint)
        ):
            continue
        yield f"flags.json: {endpoint}: {_difference(record, endpoint, last, carried)}"
    for name in record.flags:
        carried = record.in_flag(name)
        if carried is not None and name not in record.endpoints:
            yield (
                f"flags.json: {name}: it was written by line {carried.number} of a history, and "
                "that line is gone"
            )


def _difference(record: Record, endpoint: str, last: Entry, carried: Entry | None) -> str:
    told = f"the history says {last.stage} since line {last.number}"
    if endpoint not in record.flags:
        return f"{told}, and the flag is gone"
    if carried is None:
        return f"{told}, and the flag was changed by hand"
    if carried.endpoint != endpoint:
        return f"{told}, and the flag is that of {carried.endpoint}"
    if carried in record.entries:
        return f"{told}, and the flag is that of line {carried.number}: an old file was put back"
    return f"{told}, and the flag was written by a line that is gone"


def refuse_tampered(record: Record) -> None:
    """Raises TamperedError if anything was changed by hand."""
    found = list(tampering(record))
    if found:
        raise TamperedError(
            "flags and history do not agree, so nothing goes forward: "
            + "; ".join(found)
            + "; put the files back, or `imgassets rollout revert` writes a flag anew"
        )
