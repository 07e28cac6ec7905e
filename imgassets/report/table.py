"""The verdicts as a plain-text table for terminals."""

from __future__ import annotations

import textwrap
from collections.abc import Sequence

from imgassets.decision import Verdict

_WIDTH = 72


def verdict_table(verdicts: Sequence[Verdict]) -> str:
    """Endpoint, candidate, verdict, and the criterion that decided it; then each one's sentence."""
    rows = [("ENDPOINT", "MODEL", "VERDICT", "DECIDED BY")]
    for v in verdicts:
        role = f"{v.model} (incumbent)" if v.model == v.incumbent else v.model
        rows.append((v.endpoint, role, v.verdict, v.decided_by[0] if v.decided_by else "-"))
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
