"""Scores of all machines: each batch is an object `scores/TIME-ID.parquet` that never changes.

A machine takes in what others made, into its own SQLite file, before it looks for what is missing.
Many small batches are put together by `store gc`: the new object is written first, then the old
ones are deleted. So every row is in an object at any moment, whatever is killed, and whoever finds
that a batch is gone lists again and finds the one that holds its rows.
"""

from __future__ import annotations

import io
import time
import uuid
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from imgassets.storage.known_records import KnownRecords
from imgassets.storage.object_place import Listed, ObjectPlace, in_threads

if TYPE_CHECKING:  # a plan of images takes in no scores
    import pyarrow as pa

_SCORES = "scores/"
_COLUMNS = ("key", "image_key", "image_sha256", "found", "problem", "hash")
#: Bytes of a large object (tens of thousands of rows): as many are read at once.
_LARGE = 8 * 2**20
#: Small objects that are worth putting together.
_MANY = 20
Row = tuple[bytes, bytes, bytes, str, str, bytes]


@dataclass(frozen=True)
class SharedScores:
    """Rows of scores in the store.

    Attributes:
        place: where they are.
        taken: which objects were read here.
    """

    place: ObjectPlace
    taken: KnownRecords

    def send(self, rows: Sequence[Row]) -> None:
        """Keep rows for all machines, all or none of them.

        Raises:
            StoreError: the store cannot be written.
        """
        import pyarrow as pa

        if rows:
            columns = dict(zip(_COLUMNS, map(list, zip(*rows, strict=True)), strict=True))
            self._write(pa.table(columns), f"{time.time_ns() // 10**6:014d}")

    def new(self) -> Iterator[tuple[list[str], list[Row]]]:
        """Objects that were not taken in here, some at a time, with their rows.

        One request for every thousand objects, and one for each that is new.
        """
        seen = self.taken.notices()
        while new := [one for one in self.place.listed(_SCORES) if one.name not in seen]:
            gone = False
            for part in _groups(new):
                found = in_threads(self.place.read, part)
                yield part, [row for data in found if data for row in _rows(data)]
                gone = gone or None in found
            seen.update(one.name for one in new)
            if not gone:  # else another object holds their rows by now
                return

    def put_together(self) -> tuple[int, int]:
        """Write many small objects as few large ones; returns how many there were, and are.

        Safe while others read, write or do the same: nobody deletes an object whose rows are not
        in one that was written before. Objects that cannot be read stay where they are.

        Raises:
            StoreError: the store cannot be read or written.
        """
        seen, before, after = self.taken.notices(), 0, 0
        for names in self._worth_it():
            read = zip(names, map(_table, in_threads(self.place.read, names)), strict=True)
            whole = {name: table for name, table in read if table is not None}
            if len(whole) < 2:
                continue
            made = self._write(_latest(whole.values()), _time_of(max(whole)))
            if whole.keys() <= seen:  # nothing in it is new here
                self.taken.took_in([made])
            self.place.delete(list(whole))
            before, after = before + len(whole), after + 1
        return before, after

    def small(self) -> int:
        """How many objects `put_together` would read."""
        return sum(map(len, self._worth_it()))

    def _worth_it(self) -> list[list[str]]:
        """Names of small objects, in groups that make a large one each."""
        small = [one for one in self.place.listed(_SCORES) if one.size < _LARGE / 2]
        return list(_groups(small)) if len(small) >= _MANY else []

    def _write(self, table: pa.Table, at: str) -> str:
        """A new object; returns its name."""
        import pyarrow.parquet as pq

        name, data = f"{_SCORES}{at}-{uuid.uuid4().hex}.parquet", io.BytesIO()
        pq.write_table(table, data, compression="zstd")
        self.place.write(name, data.getvalue())
        return name


def _groups(objects: Iterable[Listed]) -> Iterator[list[str]]:
    """Names in the order of time, in groups of about the bytes of a large object."""
    group, size = list[str](), 0
    for one in sorted(objects, key=lambda listed: listed.name):
        if group and size + one.size > _LARGE:
            yield group
            group, size = [], 0
        group.append(one.name)
        size += one.size
    if group:
        yield group


def _time_of(name: str) -> str:
    return name.removeprefix(_SCORES).partition("-")[0]


def _latest(tables: Iterable[pa.Table]) -> pa.Table:
    """Tables below each other; of several rows of one key the last one."""
    import pyarrow as pa

    together = pa.concat_tables(tables)
    rows = {key: row for row, key in enumerate(together["key"].to_pylist())}
    return together.take(pa.array(rows.values()))


def _rows(data: bytes) -> list[Any]:
    """The rows of an object; none where it is no table, whose scores are made again."""
    table = _table(data)
    if table is None:
        return []
    return list(zip(*(column.to_pylist() for column in table.columns), strict=True))


def _table(data: bytes | None) -> pa.Table | None:
    """An object as it was written; None where it is gone, or is none of ours."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    try:
        return pq.read_table(io.BytesIO(data), columns=list(_COLUMNS)) if data else None
    except (OSError, pa.ArrowException):
        return None
