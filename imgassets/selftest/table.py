"""The self-test in words: what was planted, what came of it, and what was not caught."""

from __future__ import annotations

from imgassets.selftest.catalogue import Fault
from imgassets.selftest.detection import Detection, Rate
from imgassets.selftest.run import SelfTest

COLUMNS = ("fault", "kind", "strength", "what is planted", "verdict", "criterion that caught it",
           "detected", "by NO-GO")  # fmt: skip


def rows(found: SelfTest) -> list[list[str]]:
    """One row a fault, in the order of `COLUMNS`."""
    return [_row(fault, detection) for fault, detection in found.found]


def _row(fault: Fault, found: Detection) -> list[str]:
    return [
        fault.name,
        fault.kind,
        fault.strength,
        fault.what,
        found.verdict,
        found.criterion or "-",
        percent(found.caught),
        f"{found.no_go.value:.0%}",
    ]


def percent(rate: Rate) -> str:
    """`98.5 % (95.7 to 99.5)`."""
    low, high = rate.interval
    return f"{100 * rate.value:.1f} % ({100 * low:.1f} to {100 * high:.1f})"


def in_words(found: SelfTest) -> str:
    """A table for a terminal, and the sums below it."""
    table = [list(COLUMNS), *rows(found)]
    widths = [max(len(row[i]) for row in table) for i in range(len(COLUMNS))]
    lines = ["  ".join(c.ljust(w) for c, w in zip(row, widths, strict=True)).rstrip()
             for row in table]  # fmt: skip
    return "\n".join([*lines, "", *sums(found)])


def sums(found: SelfTest) -> list[str]:
    """What a reader wants to know first."""
    strong = [d for f, d in found.found if f.strength == "strong"]
    caught = sum(d.caught.value >= 0.95 for d in strong)
    missed = [f"{f.name} ({f.strength})" for f, d in found.found if d.caught.value < 0.95]
    return [
        f"{caught} of {len(strong)} strong faults are caught in at least 95 % of "
        f"{found.false_no_go.draws} draws.",
        f"Not caught as often: {', '.join(missed) or 'none'}.",
        f"Healthy model, other seeds: NO-GO in {percent(found.false_no_go)}, REVIEW in "
        f"{percent(found.false_review)}, GO at every endpoint in {percent(found.go)}.",
    ]
