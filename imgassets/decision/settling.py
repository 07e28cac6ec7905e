"""What would settle criteria that are undecided: more data, a limit in the contract, or a mend."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

from imgassets.decision.formatting import capitalized
from imgassets.documents.failures import NEVER_ASKED, NOT_THE_MODELS
from imgassets.documents.yardstick import mode_of

#: A row of the comparison as `Comparison.records` gives it.
Row = Mapping[str, Any]


def needed(open_rows: Sequence[Row]) -> tuple[int | None, int | None]:
    """Prompts, or seeds a prompt, that the most demanding of some open criteria needs.

    None as soon as one of them cannot be settled so.
    """

    def largest(key: str) -> int | None:
        values = [row[key] for row in open_rows]
        if not values or any(v is None for v in values):
            return None
        return math.ceil(max(values))

    return largest("needed_prompts"), largest("needed_seeds")


def what_settles(open_rows: Sequence[Row], alone: bool) -> str:
    """A sentence on what would settle some open criteria.

    Args:
        open_rows: undecided, the hardest to settle first; what stands in its way is told alone.
        alone: whether the model is the incumbent, which is compared with nobody.
    """
    first = open_rows[0]
    if _at_fault(first):
        return "Mend that first, then validate again."
    if not first["next_alpha"]:
        return "The contract plans no further look at this comparison (`decision.looks`)."
    if first["remedy"]:
        return str(first["remedy"])
    if any(unmeasured(row, alone) for row in open_rows):
        return "Measure more first: all models on the same prompts and seeds."
    prompts, seeds = needed(open_rows)
    if prompts is None:
        return "No practical number of further prompts would settle it."
    plural = "prompt" if prompts == 1 else "prompts"
    either = f", or {seeds} seeds a prompt," if seeds is not None else ""
    return capitalized(f"about {prompts:,} further {plural}{either} would settle it.")


def unmeasured(row: Row, alone: bool) -> bool:
    """Whether too little was measured for any error bar, so that no number can be planned."""
    if row["hard"]:  # undecided: nothing was measured, or the model was never asked
        return row["estimate"] is None or row["state"] == "undecided"
    unpaired = row["margin"] is not None and not alone and not row["n_pairs"]
    return row["lower"] is None or unpaired


def not_the_models(row: Row) -> bool:
    """Whether the row tells of failures that nobody can hold against the model."""
    return _mode(row) in NOT_THE_MODELS and row["n_failed"] > 0


def _at_fault(row: Row) -> bool:
    """Whether documents or the machine must be mended before any number can say more."""
    return not_the_models(row) and _mode(row) not in NEVER_ASKED


def _mode(row: Row) -> str:
    return mode_of(str(row["metric"]))
