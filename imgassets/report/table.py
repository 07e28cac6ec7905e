"""The verdicts as a plain-text table for terminals."""

from __future__ import annotations

import textwrap
from collections.abc import Sequence

from imgassets.decision import Verdict

_WIDTH = 72


def verdict_table(verdicts: Sequence[Verdict]) -> str:
    """Endpoint, candidate, verdict, the criterion to look at first; then each one's sentence."""
    rows = [("ENDPOINT", "MODEL", "VERDICT", "DECIDED BY, OR CLOSEST")]
    for v in verdicts:
        role = f"{v.model} (incumbent)" if v.model == v.incumbent else v.model
        rows.append((v.endpoint, role, v.verdict, _telling(v)))
    widths = [max(len(row[i]) for row in rows) for i in range(4)]
    lines = [
        "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip()
        for row in rows
    ]
    lines.insert(1, "  ".join("-" * width for width in widths))
    lines.append("")
    for v in verdicts:
        lines.append(f"{v.endpoint} / {v.model}:")
        lines += textwrap.wrap(v.sentence, _WIDTH, initial_indent="  ", subsequent_indent="  ")
    return "\n".join(lines)


def _telling(verdict: Verdict) -> str:
    """The criterion to look at first."""
    return verdict.closest_criterion or next(iter(verdict.decided_by), "-")
