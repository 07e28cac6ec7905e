"""The comparison table: one row a criterion, with bounds, p-values, state and reason.

The rule (proofs and sources in `docs/decision.md`): a criterion has *passed* when every one of
its limits is shown to hold at level alpha (intersection-union: no correction); it is *broken*
when one limit is shown to be broken after Holm's correction over all limits of all gating
criteria, or when a hard rule breaks; otherwise it is *undecided*.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import pandas as pd

from imgassets.decision.criterion_evidence import gather
from imgassets.decision.errors import MissingIncumbentError, MixedRowsError
from imgassets.decision.evidence import Evidence
from imgassets.decision.failures import FailureEvidence, gather_failures
from imgassets.decision.heard import Heard, heard
from imgassets.decision.look_levels import (
    LookLevel,
    LookLevels,
    Tested,
    corrected,
    own_p,
    tests_of,
)
from imgassets.decision.paired_scores import Measured
from imgassets.decision.review_evidence import gather_review
from imgassets.decision.review_rows import with_answers, with_directed
from imgassets.decision.review_triggers import review_rows
from imgassets.decision.rows import criterion_row, failure_row
from imgassets.documents.answers import Answer
from imgassets.documents.decision_contract import DecisionContract
from imgassets.documents.labels import Labels
from imgassets.documents.model_document import Pairing
from imgassets.metrics.families import by_people


@dataclass(frozen=True)
class Comparison:
    """One model held against an endpoint's contract and its incumbent.

    Attributes:
        endpoint, model, incumbent: names; `model == incumbent` where production itself is tested.
        table: one row a criterion, columns `rows.COLUMNS`; failure modes follow the criteria.
    """

    endpoint: str
    model: str
    incumbent: str
    table: pd.DataFrame

    @property
    def gating(self) -> pd.DataFrame:
        """The rows that decide."""
        return self.table[self.table["severity"] == "gating"]

    def records(self) -> list[dict[str, Any]]:
        """The table as JSON-serialisable rows; missing values are None."""
        return records(self.table)


def records(table: pd.DataFrame) -> list[dict[str, Any]]:
    """Rows of a comparison table as JSON-serialisable dicts; missing values are None."""
    clean = table.astype(object).where(table.notna(), None)
    return [
        {str(k): v.item() if hasattr(v, "item") else v for k, v in row.items()}
        for row in clean.to_dict("records")
    ]


def compare(
    endpoint: DecisionContract,
    candidate: Measured,
    incumbent: Measured | None = None,
    *,
    pairing: Pairing = "noise",
    seed: int | None = 0,
    look: int = 1,
    labels: Labels | None = None,
    label_look: int | None = None,
    judges: Mapping[str, str] | None = None,
    answers: Sequence[Answer] = (),
    answer_look: int = 1,
) -> Comparison:
    """Holds a model against the contract and, unless it is the incumbent, against the incumbent.

    Arguments:
        endpoint: the contract.
        candidate: what was measured on the model under test.
        incumbent: what was measured on production; not needed (and not used) when the model
            under test is the incumbent itself: then only floors, ceilings and failures apply.
        pairing: what the two have in common (`documents.models.pairing_of`).
        seed: of the bootstrap that cross-checks the bounds; it never decides; None leaves it out.
        look: which look at these images it is, from 1; later ones are judged more strictly.
        labels: what people said of images, by (image key, metric); see `decision.people`.
        label_look: which look at these labels; it holds for what labels correct. As `look` where
            it is left out.
        judges: the judge of each metric family and how often it is right, in words.
        answers: what people said of pairs of images (`AnswerFile.counted`).
        answer_look: which look at these answers; it holds for criteria on them.

    Raises:
        MissingIncumbentError: a candidate without an incumbent to compare with.
        MixedRowsError: rows of another endpoint, or an incumbent the contract does not name.
        DecisionError: tables that are not what they should be.
    """
    incumbent = _checked_incumbent(endpoint, candidate, incumbent)
    said = heard(answers, candidate, incumbent)
    evidence = _evidence(endpoint, candidate, incumbent, pairing, labels, said)
    levels = LookLevels.at(endpoint, look, label_look or look, answer_look)
    failures = gather_failures(endpoint, candidate, incumbent)
    rows = _criteria(endpoint, candidate, evidence, failures, levels, said, seed)
    if incumbent is not None:
        rows = with_directed(rows, endpoint, candidate, incumbent, said)
    table = pd.DataFrame(rows).assign(judge=_judges(rows, judges or {}))
    return Comparison(endpoint.endpoint, candidate.model, endpoint.incumbent, table)


def _criteria(
    endpoint: DecisionContract,
    candidate: Measured,
    evidence: Sequence[Evidence],
    failures: Sequence[FailureEvidence],
    levels: LookLevels,
    said: Heard,
    seed: int | None,
) -> list[dict[str, Any]]:
    """The rows of criteria, of what asks for people, and of failure modes, each at its level."""
    at = levels.images
    gating = tests_of(evidence, "gating", levels) + [Tested(f, at.alpha) for f in failures]
    known = corrected(gating)
    family = max(1, len(known))
    # Review is a decision of its own, so it has a correction of its own.
    known |= corrected(tests_of(evidence, "review", levels))
    rows = [_row(e, endpoint, known, levels.of(e), family, seed) for e in evidence]
    rows = [with_answers(r, said, endpoint, candidate.model) if _is_said(r) else r for r in rows]
    others = review_rows(endpoint, candidate, rows, at.alpha)
    others += [failure_row(f, known.get(id(f), f.p_broken), at.alpha, at.again) for f in failures]
    return rows + [row | at.columns for row in others]


def _evidence(
    endpoint: DecisionContract,
    candidate: Measured,
    incumbent: Measured | None,
    pairing: Pairing,
    labels: Labels | None,
    said: Heard,
) -> list[Evidence]:
    """All criteria; the incumbent has no pairs, so those on people's answers are left out of it."""
    criteria = endpoint.all_criteria
    found = []
    for criterion in criteria:
        if not by_people(criterion.metric):
            found.append(gather(criterion, candidate, incumbent, criteria, pairing, labels))
        elif incumbent is not None:
            found.append(gather_review(criterion, candidate, incumbent, said))
    return found


def _row(
    evidence: Evidence,
    endpoint: DecisionContract,
    known: dict[int, float],
    at: LookLevel,
    family: int,
    seed: int | None,
) -> dict[str, Any]:
    """The row of one criterion, at its level; `known` are corrected p-values of a family."""
    planned = at.again, at.again / family
    p = own_p(evidence.limits, known)
    return criterion_row(evidence, endpoint, p, at.alpha, planned, seed) | at.columns


def _is_said(row: dict[str, Any]) -> bool:
    return by_people(row["metric"])


def _judges(rows: Sequence[dict[str, Any]], judges: Mapping[str, str]) -> list[str]:
    return [judges.get(row["metric"].partition(".")[0], "") for row in rows]


def _checked_incumbent(
    endpoint: DecisionContract, candidate: Measured, incumbent: Measured | None
) -> Measured | None:
    for measured in (candidate, incumbent):
        if measured is None:
            continue
        others = set(measured.rows["endpoint"].unique()) - {endpoint.endpoint}
        if others:
            raise MixedRowsError(
                f"metric rows of {measured.model}: got endpoint {', '.join(sorted(others))}, "
                f"expected only {endpoint.endpoint}; filter the table"
            )
    if candidate.model == endpoint.incumbent:
        return None
    if incumbent is None:
        raise MissingIncumbentError(
            f"got no measurements of {endpoint.incumbent}, the incumbent of {endpoint.endpoint}; "
            f"measure it on the same prompts and seeds as {candidate.model}"
        )
    if incumbent.model != endpoint.incumbent:
        raise MixedRowsError(
            f"got {incumbent.model} as incumbent, expected {endpoint.incumbent}; "
            "pass the model the contract names"
        )
    return incumbent
