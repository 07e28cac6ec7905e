"""What people said of a candidate's pairs, for the template."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from imgassets.decision.formatting import amount
from imgassets.decision.heard import is_accepted
from imgassets.documents.answers import Answer
from imgassets.flows import in_brackets
from imgassets.metrics.review import ACCEPTED
from imgassets.report.criteria_view import CriterionView, criterion_view
from imgassets.report.pair_view import MAX_REASON, shortened

Row = Mapping[str, Any]
#: Disagreements that are listed; the others are counted.
_MOST = 20


@dataclass(frozen=True)
class Statement:
    """What one person said of a pair."""

    who: str
    said: str


@dataclass(frozen=True)
class Dispute:
    """A pair that people do not agree on."""

    pair: str
    statements: tuple[Statement, ...]


@dataclass(frozen=True)
class PeopleView:
    """What people said of one model.

    Attributes:
        criteria: the contract's, on their answers.
        tallies: who answered on how much, one sentence a flow.
        disputes: pairs that people do not agree on, at most 20.
        more: disputes that are not listed.
    """

    criteria: tuple[CriterionView, ...]
    tallies: tuple[str, ...]
    disputes: tuple[Dispute, ...]
    more: int


def people_view(rows: Sequence[Row], answers: Sequence[Answer]) -> PeopleView | None:
    """What people said; None where nobody said anything and the contract asks nobody.

    Args:
        rows: of the comparison.
        answers: those that count, on the pairs that are compared.
    """
    mine = [row for row in rows if row["source"] == "people"]
    if not mine and not answers:
        return None
    found = _disputes(answers)
    by_flow = {row["flow"]: row for row in sorted(mine, key=lambda row: row["metric"] == ACCEPTED)}
    return PeopleView(
        tuple(criterion_view(row) for row in mine),
        tuple(_tally(row) for row in by_flow.values()) or (_counted(answers),),
        tuple(found[:_MOST]),
        max(0, len(found) - _MOST),
    )


def agreement_words(alpha: float | None, people: int) -> str:
    """`they agree with alpha 0.62`, or why nobody can say how far they do."""
    if people < 2:
        return "one person answered, so how far people agree is not known" if people else ""
    if alpha is None or math.isnan(alpha):
        return "how far people agree is not known: no pair has differing answers of two people"
    known = amount(alpha, "similarity")
    return f"how far people agree (Krippendorff's alpha, 1 is fully, 0 as by chance): {known}"


def _tally(row: Row) -> str:
    people, stale = int(row["n_people"]), int(row["n_stale"])
    if not people:
        said = f"Nobody has answered yet{in_brackets(row['flow'])}"
    else:
        who = "1 person" if people == 1 else f"{people} people"
        drawn = f"{row['n_images']:.0f} of them drawn at random"
        said = f"{who} answered on {row['n_answered']:.0f} pairs{in_brackets(row['flow'])}, {drawn}"
        said += f"; {agreement_words(row['agreement'], people)}"
    old = f"; {stale} answers are of images that are no longer compared" if stale else ""
    return f"{said}{old}."


def _counted(answers: Sequence[Answer]) -> str:
    people, pairs = len({a.who for a in answers}), len({a.pair for a in answers})
    who = "1 person" if people == 1 else f"{people} people"
    return f"{who} answered on {pairs} pairs; no criterion of the contract asks for it."


def _disputes(answers: Sequence[Answer]) -> list[Dispute]:
    by_pair: dict[tuple[str, str | None], list[Answer]] = {}
    for answer in answers:
        by_pair.setdefault(answer.pair, []).append(answer)
    differing = [
        same for same in by_pair.values() if len({(a.preference, is_accepted(a)) for a in same}) > 1
    ]
    differing.sort(key=lambda same: (same[0].flow, same[0].prompt_id, same[0].seed))
    return [
        Dispute(
            f"{same[0].prompt_id}, seed {same[0].seed}{in_brackets(same[0].flow)}",
            tuple(Statement(a.who, _said(a)) for a in sorted(same, key=lambda a: a.who)),
        )
        for same in differing
    ]


def _said(answer: Answer) -> str:
    """`incumbent is better; not shown: text; defects: hands; "blurred"`, of the candidate."""
    better = answer.preference
    said = ["both are equal" if better == "equal" else f"the {better}'s is better"]
    missing = [item for item, seen in answer.correct.candidate.items() if seen == "no"]
    if missing:
        said.append(f"candidate lacks {', '.join(missing)}")
    if answer.defects.candidate:
        said.append(f"candidate's defects: {', '.join(answer.defects.candidate)}")
    if answer.note:
        said.append(f"\N{LEFT DOUBLE QUOTATION MARK}{answer.note}\N{RIGHT DOUBLE QUOTATION MARK}")
    return shortened("; ".join(said), MAX_REASON)
