"""Scores of all machines: each batch is an object `scores/TIME-ID.parquet` that never changes.

A machine takes in what others made, into its own SQLite file, before it looks for what is missing.
"""

from __future__ import annotations

import io
import time
import uuid
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from imgassets.storage.known_records import KnownRecords
from imgassets.storage.object_place import ObjectPlace, in_threads

_SCORES = "scores/"
_COLUMNS = ("key", "image_key", "image_sha256", "found", "problem", "hash")
#: Segments that are read at once, and then put.
_AT_ONCE = 64
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
        import pyarrow.parquet as pq

        if not rows:
            return
        name = f"{_SCORES}{time.time_ns() // 10**6:014d}-{uuid.uuid4().hex}.parquet"
        columns = dict(zip(_COLUMNS, map(list, zip(*rows, strict=True)), strict=True))
        data = io.BytesIO()
        pq.write_table(pa.table(columns), data, compression="zstd")
        self.place.write(name, data.getvalue())

    def new(self) -> Iterator[tuple[list[str], list[Row]]]:
        """Objects that were not taken in here, some at a time, with their rows.

        One request for every thousand objects, and one for each that is new.
        """
        names = {one.name for one in self.place.listed(_SCORES)}
        new = sorted(names - self.taken.notices())
        for start in range(0, len(new), _AT_ONCE):
            part = new[start : start + _AT_ONCE]
            rows = [row for found in in_threads(self.place.read, part) for row in _rows(found)]
            yield part, rows


def _rows(data: bytes | None) -> list[Any]:
    """The rows of an object; none where it is gone or no table, whose scores are made again."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    try:
        table = pq.read_table(io.BytesIO(data or b""), columns=list(_COLUMNS))
    except (OSError, pa.ArrowException):
        return []
    return list(zip(*(column.to_pylist() for column in table.columns), strict=True))
