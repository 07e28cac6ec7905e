"""Whether people's answers close a review: by rule, never by a button.

A reason of a flow is answered when every gating criterion on people's answers of that flow has
passed, `review.accepted` among them, and somebody answered on each of the pairs that show it. A
reason of no flow needs that of all flows with such a criterion. Drift is never answered so: the
images that people saw are not the ones that the model makes now.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from imgassets.decision.formatting import amount, capitalized
from imgassets.decision.review_reasons import Reason
from imgassets.metrics.families import by_people
from imgassets.metrics.review import ACCEPTED

#: A row of the comparison as `Comparison.records` gives it.
Row = Mapping[str, Any]


@dataclass(frozen=True)
class Closing:
    """What people's answers make of the reasons to ask people.

    Attributes:
        open: reasons that are not answered.
        answered: those that are.
        by: who answered, on how much, and what they said; empty where nothing is answered.
        missing: sentences on what would answer the others; begins with a space where there is one.
        pairs: further pairs, each of another prompt, that people must answer on; None where that
            is not what is missing, or no practical number would do.
    """

    open: tuple[Reason, ...] = ()
    answered: tuple[Reason, ...] = ()
    by: str = ""
    missing: str = ""
    pairs: int | None = None


def closing(rows: Sequence[Row], found: Sequence[Reason]) -> Closing:
    """What people's answers close.

    Args:
        rows: of the comparison.
        found: from `review_reasons.reasons`.
    """
    asked = [row for row in rows if by_people(row["metric"]) and row["severity"] == "gating"]
    if not any(row["metric"] == ACCEPTED for row in asked):
        return Closing(open=tuple(found))
    by_name = {row["criterion"]: row for row in rows}
    open_: list[Reason] = []
    answered: list[Reason] = []
    missing: list[str] = []
    for reason in found:
        wanting = _wanting(reason, by_name.get(reason.name, {}), asked)
        (open_ if wanting else answered).append(reason)
        missing += wanting
    missing += _stale(asked) if open_ else []
    needed = [row["needed_prompts"] for row in asked if row["state"] == "undecided"]
    return Closing(
        tuple(open_),
        tuple(answered),
        _by(asked, answered),
        "".join(f" {said}" for said in dict.fromkeys(missing)),
        int(max(needed)) if open_ and needed and None not in needed else None,
    )


def _wanting(reason: Reason, row: Row, asked: Sequence[Row]) -> list[str]:
    """What is missing to answer a reason, in sentences; nothing where it is answered."""
    mine = _of(reason, asked)
    if not any(criterion["metric"] == ACCEPTED for criterion in mine):
        return [
            f"No criterion on {ACCEPTED} is of flow {reason.flow}, so answers do not close a "
            "review of it."
        ]
    open_ = [criterion for criterion in mine if criterion["state"] != "passed"]
    said = [f"{capitalized(c['reason'])}. {_settles(c)}" for c in open_]
    shown, seen = int(row.get("n_directed") or 0), int(row.get("n_directed_answered") or 0)
    if shown > seen:
        said.append(f"Nobody has answered yet on {shown - seen} of the {shown} pairs that show it "
                    f"({reason.words}).")  # fmt: skip
    return said


def _settles(row: Row) -> str:
    if not row["next_alpha"] and row["estimate"] is not None:
        return "The contract plans no further look (`decision.looks`)."
    return str(row["remedy"])


def _of(reason: Reason, asked: Sequence[Row]) -> list[Row]:
    return [row for row in asked if reason.flow in ("", row["flow"])]


def _by(asked: Sequence[Row], answered: Sequence[Reason]) -> str:
    """`2 people answered on 45 pairs: people accept the image in 93 % of pairs (...); ...`."""
    rows = [row for row in asked if any(row in _of(reason, asked) for reason in answered)]
    said = []
    for row in rows:
        if row["metric"] == ACCEPTED:
            people, alpha = int(row["n_people"]), row["agreement"]
            who = "1 person" if people == 1 else f"{people} people"
            alike = (
                "" if alpha is None else f" (Krippendorff's alpha {amount(alpha, 'similarity')})"
            )
            said.append(f"{who}{alike} answered on {row['n_answered']:.0f} pairs: {row['reason']}")
    return "; ".join(said)


def _stale(asked: Sequence[Row]) -> list[str]:
    stale = int(max(row["n_stale"] for row in asked))
    if not stale:
        return []
    one = stale == 1
    return [
        f"{stale} answer{' is' if one else 's are'} of images that are no longer compared, and "
        f"{'does' if one else 'do'} not count."
    ]
