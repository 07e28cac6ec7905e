"""Which requests a verdict points at, and why a person should look at each."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from imgassets.decision import Measured, Verdict, review_reasons
from imgassets.decision.names import name_of, name_of_row
from imgassets.decision.paired_scores import CANNOT_BE_JUDGED
from imgassets.documents.contract import Endpoint
from imgassets.documents.criteria import Disagreement
from imgassets.drift.findings import Drift
from imgassets.metrics.families import METRICS, by_people, of_making
from imgassets.report.pairs import select_pairs

#: Flow, prompt id and seed of a request.
Place = tuple[str, str, int]
#: Requests of one reason, at most.
MOST = 12


@dataclass(frozen=True)
class Reason:
    """Why some requests are shown.

    Attributes:
        words: for the reviewer's record.
        places: which, those that tell most first.
        needed: how many of the first must be answered before a review is closed.
    """

    words: str
    places: tuple[Place, ...]
    needed: int = 0


def reasons_of(
    contract: Endpoint,
    verdict: Verdict,
    candidate: Measured,
    incumbent: Measured | None,
    drifts: Mapping[str, Sequence[Drift]],
) -> list[Reason]:
    """All reasons with what there is to see of them: drift first, then criteria as they decided.

    Args:
        contract, verdict: of the endpoint and the candidate.
        candidate, incumbent: what was measured.
        drifts: images that came out differently when made again, by model.
    """
    found = [_drift(model, drifts[model], contract) for model in drifts]
    found += [_of_criterion(contract, c, candidate, incumbent) for c in _telling(verdict)]
    found += _unjudged(contract, verdict, candidate, incumbent)
    by_words: dict[str, Reason] = {}
    for reason in found:
        if reason.places:
            by_words.setdefault(reason.words, reason)
    return list(by_words.values())


def _drift(model: str, drifts: Sequence[Drift], contract: Endpoint) -> Reason:
    whose = "incumbent" if model == contract.incumbent else "candidate"
    places = ((d.flow, d.prompt_id, d.seed) for d in drifts)
    return Reason(f"drift of the {whose}'s image", tuple(places)[:MOST])


def _telling(verdict: Verdict) -> list[dict[str, Any]]:
    """Criteria that decided, then those that are broken; of a GO the closest one."""
    named = [verdict.closest_criterion] if verdict.closest_criterion else verdict.decided_by
    by_name = {entry["criterion"]: entry for entry in verdict.criteria}
    broken = (entry["criterion"] for entry in verdict.criteria if entry["state"] == "broken")
    return [by_name[name] for name in dict.fromkeys((*named, *broken)) if name in by_name]


def _of_criterion(
    contract: Endpoint, entry: Mapping[str, Any], candidate: Measured, incumbent: Measured | None
) -> Reason:
    words = _words(entry)
    needed = _needed(contract, entry, candidate, incumbent)
    for wanted in contract.review.disagree:
        if wanted.name == entry["criterion"]:
            return _reason(words, needed, _contradictions(wanted, candidate))
    if entry["metric"] not in METRICS or of_making(entry["metric"]) or by_people(entry["metric"]):
        return Reason(words, ())  # neither a price nor a failure is to be seen, nor what was said
    pairs = select_pairs(
        contract, candidate, incumbent, about=[(entry["metric"], entry["flow"])],
        telling=MOST, failed=0, worst=0, changed=0,
    )  # fmt: skip
    return _reason(words, needed, ((p.flow, p.prompt_id, p.seed) for p in pairs))


def _reason(words: str, needed: Sequence[Place], others: Iterable[Place]) -> Reason:
    """A reason with the pairs that its review needs first."""
    return Reason(words, tuple(dict.fromkeys((*needed, *others)))[:MOST], len(needed))


def _needed(
    contract: Endpoint,
    entry: Mapping[str, Any],
    candidate: Measured,
    incumbent: Measured | None,
    *,
    unjudged: bool = False,
) -> list[Place]:
    """The pairs that somebody must answer on, where a criterion sends to people."""
    asks = unjudged or (entry["severity"] == "review" and entry["state"] == "broken")
    if incumbent is None or not asks:
        return []
    named = review_reasons.Reason(entry["criterion"], entry["flow"], "", unjudged)
    shown = review_reasons.directed_pairs(contract, [named], candidate, incumbent)
    return [pair[:3] for pairs in shown.values() for pair in pairs]


def _words(entry: Mapping[str, Any]) -> str:
    state = {"broken": "broken", "undecided": "undecided"}.get(entry["state"], "closest")
    near = "" if entry["criterion"].endswith(("__near", "__disagree")) else f": {state}"
    return f"{name_of_row(entry)}{near}"


def _contradictions(wanted: Disagreement, candidate: Measured) -> Iterator[Place]:
    one, two = (candidate.per_seed(metric, wanted.flow) for metric in wanted.metrics)
    for prompt, seed in one:
        if (prompt, seed) in two and (one[prompt, seed] >= 0.5) != (two[prompt, seed] >= 0.5):
            yield wanted.flow, prompt, seed


def _unjudged(
    contract: Endpoint, verdict: Verdict, candidate: Measured, incumbent: Measured | None
) -> Iterator[Reason]:
    """Images that no judge could judge, for each gating metric."""
    gating = {(c["metric"], c["flow"]): c for c in verdict.criteria if c["severity"] == "gating"}
    rows = candidate.rows
    if "reason" not in rows.columns:
        return
    unjudged = rows[
        rows["value"].isna() & rows["reason"].astype(str).str.startswith(CANNOT_BE_JUDGED)
    ]
    for (metric, flow), entry in gating.items():
        these = unjudged[(unjudged["metric"] == metric) & (unjudged["flow"] == flow)]
        places = these[["flow", "prompt_id", "seed"]].itertuples(index=False, name=None)
        some = len(these) > 0
        needed = _needed(contract, entry, candidate, incumbent, unjudged=True) if some else []
        yield _reason(
            f"{name_of(metric)} cannot be judged",
            needed,
            ((str(f), str(p), int(s)) for f, p, s in places),
        )
