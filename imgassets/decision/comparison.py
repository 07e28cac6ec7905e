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
from imgassets.decision.evidence import Evidence, Limit
from imgassets.decision.failures import FailureEvidence, gather_failures
from imgassets.decision.paired_scores import Measured
from imgassets.decision.review_triggers import review_rows
from imgassets.decision.rows import criterion_row, failure_row
from imgassets.decision.statistics import holm
from imgassets.documents.decision_contract import DecisionContract
from imgassets.documents.labels import Labels
from imgassets.documents.looks import level
from imgassets.documents.model_document import Pairing


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
    judges: Mapping[str, str] | None = None,
) -> Comparison:
    """Holds a model against the contract and, unless it is the incumbent, against the incumbent.

    Arguments:
        endpoint: the contract.
        candidate: what was measured on the model under test.
        incumbent: what was measured on production; not needed (and not used) when the model
            under test is the incumbent itself: then only floors, ceilings and failures apply.
        pairing: what the two have in common (`documents.models.pairing_of`).
        seed: of the bootstrap that cross-checks the bounds; it never decides; None leaves it out.
        look: which look at this comparison it is, from 1; later ones are judged more strictly.
        labels: what people said of images, by (image key, metric); see `decision.people`.
        judges: the judge of each metric family and how often it is right, in words.

    Raises:
        MissingIncumbentError: a candidate without an incumbent to compare with.
        MixedRowsError: rows of another endpoint, or an incumbent the contract does not name.
        DecisionError: tables that are not what they should be.
    """
    incumbent = _checked_incumbent(endpoint, candidate, incumbent)
    criteria = endpoint.all_criteria
    evidence = [gather(c, candidate, incumbent, criteria, pairing, labels) for c in criteria]
    failures = gather_failures(endpoint, candidate, incumbent)
    alpha = level(endpoint.decision, look, len(endpoint.candidates))
    corrected = _corrected(_limits(evidence, "gating"), failures)
    family = max(1, len(corrected))
    # More data is another look, so it is planned for that look's level.
    again = level(endpoint.decision, look + 1, len(endpoint.candidates))
    planned = again, again / family
    # Review is a decision of its own, so it has a correction of its own.
    corrected |= _corrected(_limits(evidence, "review"), ())
    rows = [
        criterion_row(e, endpoint, _own_p(e.limits, corrected), alpha, planned, seed)
        for e in evidence
    ]
    rows += review_rows(endpoint, candidate, rows, alpha)
    rows += [failure_row(f, corrected.get(id(f), f.p_broken), alpha, again) for f in failures]
    known = {"look": look, "alpha": alpha, "next_alpha": again}
    table = pd.DataFrame(rows).assign(**known, judge=_judges(rows, judges or {}))
    return Comparison(endpoint.endpoint, candidate.model, endpoint.incumbent, table)


def _limits(evidence: Sequence[Evidence], severity: str) -> list[Limit]:
    return [limit for e in evidence if e.criterion.severity == severity for limit in e.limits]


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


def _corrected(limits: Sequence[Limit], failures: Sequence[FailureEvidence]) -> dict[int, float]:
    """Holm-adjusted p-values of "broken" by `id`; hard rules are no tests and stay out."""
    tests: list[Limit | FailureEvidence] = [x for x in limits if not x.decides_alone]
    tests += [f for f in failures if not f.hard]
    return dict(zip(map(id, tests), holm([t.p_broken for t in tests]), strict=True))


def _own_p(limits: Sequence[Limit], corrected: dict[int, float]) -> tuple[float, ...]:
    """p-values of "broken" of these limits, corrected where they take part in the correction."""
    return tuple(corrected.get(id(limit), limit.p_broken) for limit in limits)
