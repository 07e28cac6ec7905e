"""The flags and their history as one record, read together."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Any

from imgassets.rollout.entries import Entry
from imgassets.rollout.flag_file import FlagFile
from imgassets.rollout.flags import FlagFileError, entry_of
from imgassets.rollout.history import History, Written, read_entry
from imgassets.storage.rollout_files import RolloutFiles

_ENDPOINT = re.compile(rb'"endpoint":"([a-z0-9-]+)"')
_SHOWN_BYTES = 200


@dataclass(frozen=True)
class Record:
    """Flags and history as they were read.

    Attributes:
        written: the history on disk.
        pending: entries that flags carry and the history lacks, because a step back was cut off.
        document: the file of flags; empty where there is none.
        flag_fault: why the file cannot be read; empty where it can.
    """

    written: Written
    pending: tuple[Entry, ...]
    document: Mapping[str, Any]
    flag_fault: str

    @property
    def entries(self) -> tuple[Entry, ...]:
        """All that was done, in order."""
        return self.written.entries + self.pending

    @property
    def endpoints(self) -> tuple[str, ...]:
        """All that ever had a rollout."""
        return tuple(dict.fromkeys(entry.endpoint for entry in self.entries))

    @property
    def flags(self) -> Mapping[str, Any]:
        """The flags of the file, by key; those of other tools among them."""
        return self.document.get("flags", {})

    def of(self, endpoint: str) -> tuple[Entry, ...]:
        """All that was done at an endpoint, in order."""
        return tuple(entry for entry in self.entries if entry.endpoint == endpoint)

    def last(self, endpoint: str) -> Entry | None:
        """The last entry of an endpoint; None where nothing was ever done."""
        return next((e for e in reversed(self.entries) if e.endpoint == endpoint), None)

    def in_flag(self, endpoint: str) -> Entry | None:
        """The entry that an endpoint's flag carries; None where it is absent or was changed."""
        return entry_of(self.flags.get(endpoint))

    def following(self, entry: Entry) -> Entry:
        """An entry as the next of the history."""
        last = self.entries[-1] if self.entries else None
        place = {"number": last.number + 1 if last else 1, "previous": last.hash if last else ""}
        return entry.model_copy(update=place).sealed()

    def with_entry(self, entry: Entry) -> Record:
        """The record with one entry more, as yet unwritten."""
        return replace(self, pending=(*self.pending, entry))

    @property
    def lost(self) -> tuple[str, str]:
        """A last line that was cut off and stands nowhere else: its endpoint, and words for it.

        Both are empty where there is none. It was a step forward, and no flag was written.
        """
        torn = self.written.torn
        if not torn or any(_line(entry).startswith(torn) for entry in self.pending):
            return "", ""
        found = _ENDPOINT.search(torn)
        endpoint = found[1].decode() if found else ""
        known = endpoint if endpoint in self.endpoints else next(iter(self.endpoints), "")
        return known, f"a line was cut off: {torn[:_SHOWN_BYTES].decode(errors='replace')}"


def read_record(files: RolloutFiles) -> Record:
    """Flags and history as they are; writes nothing, and needs no lock.

    Raises:
        OSError: the history cannot be read.
    """
    written = History(files.history).read()
    document: Mapping[str, Any] = {}
    fault = ""
    try:
        document = FlagFile(files).read()
    except FlagFileError as error:
        fault = str(error)
    carried = filter(None, map(entry_of, document.get("flags", {}).values()))
    return Record(written, _pending(written, carried), document, fault)


def _pending(written: Written, carried: Iterable[Entry]) -> tuple[Entry, ...]:
    """Entries that continue the chain, the last line among them if only its end is missing."""
    following = {entry.previous: entry for entry in carried}
    torn = read_entry(written.torn) if written.torn else None
    if torn is not None and torn.hash == torn.true_hash:
        following[torn.previous] = torn
    known, head, found = {entry.hash for entry in written.entries}, written.head, []
    while (entry := following.get(head)) and entry.hash not in known:
        found.append(entry)
        known.add(entry.hash)
        head = entry.hash
    return tuple(found)


def _line(entry: Entry) -> bytes:
    return entry.model_dump_json().encode()
