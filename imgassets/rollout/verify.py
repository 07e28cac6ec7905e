"""Whether history and flags are what these commands wrote, and what is still to be settled."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from imgassets.rollout.record import Record, read_record
from imgassets.rollout.settle import repair_of, stale_of, tampering
from imgassets.storage.rollout_files import RolloutFiles


@dataclass(frozen=True)
class Verified:
    """What was found.

    Attributes:
        entries: how many lines the history has.
        head: hash of the last line; noted elsewhere, it proves that nothing before it was changed.
        tampering: what something else than these commands changed, in words.
        unsettled: what a process that was cut off left, in words; the next command settles it.
    """

    entries: int
    head: str
    tampering: tuple[str, ...]
    unsettled: tuple[str, ...]

    def to_dict(self) -> dict[str, Any]:
        """JSON-serialisable."""
        return {
            "entries": self.entries,
            "head": self.head,
            "tampering": list(self.tampering),
            "unsettled": list(self.unsettled),
        }


def verify(files: RolloutFiles, head: str = "") -> Verified:
    """Check every line by its hash, the chain, and every flag against its last line.

    Args:
        head: a hash that `verify` printed before: that line must still be there.

    Raises:
        OSError: the history cannot be read.
    """
    record = read_record(files)
    found = [*tampering(record)]
    if head and head not in (entry.hash for entry in record.written.entries):
        found.append(f"history.jsonl: no line has the hash {head}: it was written anew since")
    written = record.written
    return Verified(len(written.entries), written.head, tuple(found), tuple(_unsettled(record)))


def _unsettled(record: Record) -> list[str]:
    told = [
        f"{e.event} of {e.endpoint} by {e.by} at {e.at} is in the flag and not in the history: it "
        "was cut off, or the line was deleted"
        for e in record.pending
    ]
    _, lost = record.lost
    if lost or (record.written.torn and not record.pending):
        told.append(lost or "the last line was cut off")
    told += [
        f"{last.event} of {endpoint} to {last.stage} is in the history and not in the flag: it was "
        "cut off"
        for endpoint in record.endpoints
        if (last := record.last(endpoint))
        and (repair_of(record, endpoint) or stale_of(record, endpoint))
    ]
    return told
