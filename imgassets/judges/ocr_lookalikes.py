"""Which characters the reader takes for which others: measured, not listed.

`ocr_lookalikes.json` is made by `imgassets_tests/benchmarks/typography_lookalikes.py`, which shows
the reader every character in several fonts and sizes. It is data, not configuration. What it costs
(errors it lets pass) is in docs/metrics/typography.md.
"""

from __future__ import annotations

import functools
import json
from pathlib import Path
from typing import Any

from imgassets.documents.visible_text import comparable

#: From this share of the times a character was shown in one place (among letters, in codes, in
#: drawn scenes) on, a confusion is blamed on the reader and not on the model.
LEAST_SHARE = 0.1
#: Letters read in the other case when alone, from this share on, differ by size alone.
_LEAST_BY_SIZE = 0.25
_TABLE = Path(__file__).with_name("ocr_lookalikes.json")


@functools.cache
def table() -> dict[str, Any]:
    """The measured document; see the benchmark for its fields."""
    document: dict[str, Any] = json.loads(_TABLE.read_text(encoding="utf-8"))
    return document


@functools.cache
def readings() -> dict[str, frozenset[str]]:
    """What each character asked for may be read as, in comparable form.

    A character that is dropped (read as nothing) is not among them: that cannot be told from one
    that was never drawn. Nor is a letter in the other case: its height decides (`ocr_case`).
    """
    found: dict[str, set[str]] = {}
    for row in table()["confused"]:
        shown, read = row["shown"], comparable(row["read"])
        known = not read or read.casefold() == comparable(shown).casefold()
        if row["times"] / row["of"] >= LEAST_SHARE and not known:
            found.setdefault(shown, set()).add(read)
    return {shown: frozenset(reads) for shown, reads in found.items()}


@functools.cache
def size_letters() -> frozenset[str]:
    """Letters whose case shows in their size alone, both cases."""
    shown = (row["shown"] for row in table()["case_by_size"]
             if row["times"] / row["of"] >= _LEAST_BY_SIZE)  # fmt: skip
    return frozenset(c for letter in shown for c in (letter.lower(), letter.upper()))
