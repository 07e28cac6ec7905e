"""Typography by letter height: the reader's own errors, and a model's, in the same buckets.

A reader gets worse as letters get smaller, so a typography score means little without the height
of the letters. `ocr_floor.json` holds what the reader gets wrong on clean rendered text; it is made
by `imgassets_tests/benchmarks/typography_accuracy.py` and is data, not configuration.
"""

from __future__ import annotations

import functools
import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from imgassets.metrics.formulas.typography_text import compare

#: Lower bounds of the buckets of letter height, in pixels; the last one is open.
BUCKETS = (0, 7, 9, 11, 14, 20, 28, 40, 56)
_FLOOR = Path(__file__).with_name("ocr_floor.json")


@dataclass(frozen=True)
class Floor:
    """What the reader itself gets wrong on clean text of one bucket of letter height.

    Attributes:
        lower: smallest letter height in pixels.
        lines: how many rendered lines were read.
        misread: share of the lines not read exactly, 0..1.
        cer: character error rate, 0..1.
        cer_upper: its 95 % upper bound (Clopper and Pearson, characters taken as independent);
            what a few hundred characters without an error still allow.
    """

    lower: int
    lines: int
    misread: float
    cer: float
    cer_upper: float


@dataclass(frozen=True)
class HeightRow:
    """Means over the lines of one bucket; directions as in `typography_text.compare`."""

    lower: int
    lines: int
    exact: float
    words: float
    ned: float
    cer: float


def bucket(height: float) -> int:
    """The lower bound of the bucket a letter height (pixels) falls into.

    Raises:
        ValueError: a negative height.
    """
    if height < 0:
        raise ValueError(f"letter height must not be negative, got {height}")
    return max(lower for lower in BUCKETS if lower <= height)


@functools.cache
def floors() -> dict[int, Floor]:
    """The reader's floor of every bucket, by lower bound."""
    rows = json.loads(_FLOOR.read_text(encoding="utf-8"))["floors"]
    return {row["lower"]: Floor(**row) for row in rows}


def floor(height: float) -> Floor:
    """The reader's floor at a letter height in pixels."""
    return floors()[bucket(height)]


def by_height(lines: Iterable[tuple[float, str, str]]) -> list[HeightRow]:
    """A table of scores by letter height.

    Args:
        lines: `(letter height in pixels, text asked for, text read)` of each line.

    Returns:
        One row for each bucket that has lines, smallest letters first. CER is over all characters
        of the bucket (sum of distances / sum of lengths), the others are means over its lines.
    """
    groups: dict[int, list[tuple[str, str]]] = {}
    for height, asked, read in lines:
        groups.setdefault(bucket(height), []).append((asked, read))
    return [_row(lower, groups[lower]) for lower in sorted(groups)]


def _row(lower: int, pairs: Sequence[tuple[str, str]]) -> HeightRow:
    values = [compare(asked, read) for asked, read in pairs]
    lengths = [len(asked) for asked, _ in pairs]
    errors = sum(v["typography.cer"] * n for v, n in zip(values, lengths, strict=True))
    exact, words, ned = (
        sum(v[f"typography.{name}"] for v in values) / len(values)
        for name in ("exact", "words", "ned")
    )
    return HeightRow(lower, len(pairs), exact, words, ned, errors / sum(lengths))
