"""What people's answers add to the comparison: a row a criterion, and how far reasons were seen."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

from imgassets.decision.agreement import agreement
from imgassets.decision.heard import Heard
from imgassets.decision.paired_scores import Measured
from imgassets.decision.review_reasons import directed_pairs, reasons
from imgassets.decision.review_size import likely_size
from imgassets.documents.decision_contract import DecisionContract
from imgassets.metrics.families import by_people

#: A row of the comparison that is being made; numbers that do not exist are NaN.
Row = dict[str, Any]


def with_answers(row: Row, said: Heard, endpoint: DecisionContract, model: str) -> Row:
    """The row of a criterion of family `review`, with who answered, and what would settle it.

    Args:
        row: from `rows.criterion_row`, with its look.
        said: what people said of the model's pairs.
        endpoint, model: whose.
    """
    flow, metric = row["flow"], row["metric"]
    mine = [answer for answer in said.answers if answer.flow == flow]
    known = agreement(said.drawn(flow), metric)
    row |= {
        "n_people": len({answer.who for answer in mine}),
        "n_answered": len({answer.pair for answer in mine}),
        "n_stale": said.stale,
        "agreement": math.nan if known is None else known,
    }
    if row["state"] != "undecided":
        return row
    needed, words = _to_add(row, endpoint, model)
    return row | {"needed_prompts": needed, "remedy": words}


def _to_add(row: Row, endpoint: DecisionContract, model: str) -> tuple[float, str]:
    """How many further pairs would settle it, and the sentence that says so."""
    planned = likely_size(endpoint, model, row["criterion"], row["look"])
    if math.isnan(row["estimate"]) and planned is not None:
        needed = float(planned.prompts or math.nan)
        words = "" if planned.prompts is None else (
            f"About {planned.prompts:,} pairs, one a prompt, would show it, if the truth is "
            f"{planned.shown_truth}."
        )  # fmt: skip
    else:
        needed = row["needed_prompts"]
        words = "" if math.isnan(needed) else (
            f"About {needed:,.0f} further pairs, each of another prompt, would settle it."
        )  # fmt: skip
    if not words:
        return math.nan, "No practical number of pairs would settle it."
    left = max(0, row["n_asked"] - row["n_prompts"])
    if needed > left:
        words += f" The contract's prompts give {left or 'no'} more: add prompts."
    return needed, words


def with_directed(
    rows: list[Row],
    endpoint: DecisionContract,
    candidate: Measured,
    incumbent: Measured,
    said: Heard,
) -> list[Row]:
    """The rows, those that send to people with how many of their pairs somebody answered on."""
    if not any(by_people(c.metric) for c in endpoint.criteria):
        return rows
    shown = directed_pairs(endpoint, reasons(rows), candidate, incumbent)
    return [_directed(row, said, shown.get(row["criterion"])) for row in rows]


def _directed(row: Row, said: Heard, pairs: Sequence[Any] | None) -> Row:
    if pairs is None:
        return row
    seen = {answer.candidate_key for answer in said.on(pairs)}
    return row | {"n_directed": len(pairs), "n_directed_answered": len(seen)}
