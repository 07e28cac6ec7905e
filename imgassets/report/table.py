"""The verdicts as a plain-text table for terminals."""

from __future__ import annotations

import textwrap
from collections.abc import Sequence

from imgassets.decision import Verdict
from imgassets.decision.formatting import capitalized
from imgassets.decision.names import name_of_row

_WIDTH = 72


def verdict_table(verdicts: Sequence[Verdict]) -> str:
    """Endpoint, candidate, verdict, the criterion to look at first; then each one's sentence.

    Which judges an endpoint rests on is said once, below its last model.
    """
    rows = [("ENDPOINT", "MODEL", "VERDICT", "DECIDED BY, OR CLOSEST")]
    for v in verdicts:
        role = f"{v.model} (incumbent)" if v.model == v.incumbent else v.model
        rows.append((v.endpoint, role, v.verdict, telling_name(v)))
    widths = [max(len(row[i]) for row in rows) for i in range(4)]
    lines = [
        "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip()
        for row in rows
    ]
    lines.insert(1, "  ".join("-" * width for width in widths))
    lines.append("")
    for v in verdicts:
        lines.append(f"{v.endpoint} / {v.model}:")
        lines += _wrapped(v.sentence)
    for endpoint, judges in judges_of(verdicts).items():
        lines.append(f"{endpoint}, judges:")
        lines += _wrapped(judges)
    return "\n".join(lines)


def judges_of(verdicts: Sequence[Verdict]) -> dict[str, str]:
    """Which judges each endpoint rests on, as a sentence; endpoints without any are left out."""
    found = {v.endpoint: v.judges for v in verdicts if v.judges}
    return {endpoint: f"{capitalized(judges)}." for endpoint, judges in found.items()}


def _wrapped(text: str) -> list[str]:
    return textwrap.wrap(text, _WIDTH, initial_indent="  ", subsequent_indent="  ")


def telling_name(verdict: Verdict) -> str:
    """The criterion to look at first, by a name that needs no contract beside it."""
    first = verdict.closest_criterion or next(iter(verdict.decided_by), None)
    found = (entry for entry in verdict.criteria if entry["criterion"] == first)
    entry = next(found, None)
    return (first or "-") if entry is None else name_of_row(entry)
