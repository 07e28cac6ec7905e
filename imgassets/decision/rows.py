"""Rows of the comparison table: evidence put into numbers, a state and a reason."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np

from imgassets.decision.evidence import Evidence, Limit, State
from imgassets.decision.explanations import criterion_reason, failure_reason, remedy
from imgassets.decision.failures import FailureEvidence
from imgassets.decision.formatting import unit_of
from imgassets.decision.needed_data import further_prompts, labels_needed, seeds_for
from imgassets.decision.paired_scores import prompt_means
from imgassets.decision.people import Corrected
from imgassets.decision.statistics import cluster_bootstrap
from imgassets.documents.decision_contract import DecisionContract
from imgassets.documents.yardstick import failure_metric, failure_name
from imgassets.metrics.families import by_people

#: Columns of the comparison table, in order. Bounds are one-sided at level alpha each; a number
#: that does not exist is missing (NaN), never 0.
COLUMNS = (
    "criterion",  # unique name, fit for an asset check
    "source",  # "criterion", "failure", "review" (may ask for people), "people" (what they said)
    "metric",
    "flow",
    "severity",
    "statistic",  # mean, worst, or rate (failures)
    "unit",
    "direction",
    "n_prompts",  # prompts with a usable image of the candidate
    "n_asked",  # prompts that had something to judge; missing in rows of no criterion
    "n_pairs",  # prompts with usable images of both models
    "n_images",  # usable images of the candidate (requests, for failures)
    "n_failed",
    "n_unjudged",  # images that are there and that no judge could judge
    "estimate",
    "lower",
    "upper",
    "incumbent_estimate",
    "difference",  # candidate - incumbent, paired by prompt and seed
    "difference_lower",
    "difference_upper",
    "bootstrap_lower",  # of the difference; a cross-check, never decides
    "bootstrap_upper",
    "floor",
    "ceiling",
    "margin",
    "p_passed",  # small: every limit is shown to hold (intersection-union)
    "p_broken",  # small: a limit is shown to be broken, before correction
    "p_broken_holm",  # the same after Holm over all gating limits
    "hard",  # decided by one occurrence, without error bars
    "state",
    "passed",  # True, False, or missing while undecided
    "needed_prompts",  # prompts to add; missing where settled or where no number would do
    "needed_seeds",  # seeds a prompt that would do instead
    "delivered",  # the estimate over images that exist, where failed ones count as 0; else missing
    "paired_estimate",  # candidate's mean over the prompts that both have
    "paired_incumbent",  # incumbent's mean over the same
    "n_left_out",  # prompts of which only one of the two has a score
    "look",  # which look at this comparison it is, from 1
    "alpha",  # level of each bound at this look
    "next_alpha",  # level at the next one; 0 where none is planned
    "judge",  # of the metric's family, and how often it is right; empty where none is needed
    "remedy",  # what would settle it where no number of images can; else empty
    "reason",
)

#: Columns beside these, where people judged images of a criterion.
PEOPLE_COLUMNS = (
    "n_labelled",  # images of the candidate that people judged
    "judge_estimate",  # the judge's own mean, which people's labels corrected; else missing
    "judge_difference",  # the judge's own difference, likewise
)
#: Columns beside these, where a criterion is on what people said of pairs.
REVIEW_COLUMNS = (
    "n_people",  # who answered, on the flow's pairs
    "n_answered",  # pairs they answered on, drawn at random or not
    "n_stale",  # answers on images that are not compared
    "agreement",  # Krippendorff's alpha; missing where it is not known
    "n_directed",  # pairs that show what sends to people, in the row of the reason
    "n_directed_answered",  # those that somebody answered on
)


def criterion_row(
    evidence: Evidence,
    endpoint: DecisionContract,
    corrected: Sequence[float],
    alpha: float,
    planned: tuple[float, float],
    seed: int | None,
) -> dict[str, Any]:
    """The row of one criterion.

    Arguments: `corrected` p-values of "broken", one a limit; `planned` levels of the next look, of
    "holds" and of "broken" (sample sizes are planned for them); `seed` of the bootstrap, None for
    none.
    """
    criterion, limits = evidence.criterion, evidence.limits
    state = _state(limits, corrected, alpha)
    source = "review" if criterion.severity == "review" else "criterion"
    source = "people" if by_people(criterion.metric) else source
    row = empty_row(criterion.name, source, criterion.metric)
    row |= criterion.model_dump(include={"flow", "severity", "statistic"})
    row |= {
        "direction": criterion.definition.direction,
        "unit": criterion.definition.unit,
        "n_prompts": evidence.counts.prompts,
        "n_asked": evidence.counts.asked,
        "n_images": evidence.counts.images,
        "n_failed": evidence.counts.failed,
        "n_unjudged": evidence.counts.unjudged,
        "estimate": _number(evidence.measured),
        "incumbent_estimate": _number(evidence.incumbent),
        **{k: _number(getattr(criterion, k)) for k in ("floor", "ceiling", "margin")},
        **_bounds(evidence, alpha, seed),
        "delivered": _number(evidence.delivered),
        "paired_estimate": _number(evidence.paired and evidence.paired[0]),
        "paired_incumbent": _number(evidence.paired and evidence.paired[1]),
        "n_left_out": evidence.left_out,
        "p_passed": max((x.p_passed for x in limits), default=0.0),
        "p_broken": min((x.p_broken for x in limits), default=1.0),
        "p_broken_holm": min(corrected, default=1.0),
        "hard": bool(limits) and all(limit.estimate is None for limit in limits),
        "state": state,
        "passed": _passed(state),
        "remedy": remedy(evidence, state) or _labels_to_add(evidence, state, alpha, planned),
        "reason": criterion_reason(evidence, endpoint.incumbent, state, corrected, alpha),
    }
    if state == "undecided":
        row |= _needed(evidence, alpha, planned)
    return row | _people(evidence)


def _people(evidence: Evidence) -> dict[str, float]:
    """What people add to a row: nothing where they said nothing, so tables stay as they are."""
    if not any(limit.people for limit in evidence.limits):
        return {}
    found = (evidence.labelled, evidence.judge, evidence.judge_difference)
    return dict(zip(PEOPLE_COLUMNS, map(_number, found), strict=True))


def _labels_to_add(
    evidence: Evidence, state: State, alpha: float, planned: tuple[float, float]
) -> str:
    """A sentence on how many labels would settle a corrected criterion; empty for all others."""
    limits = [x for x in _open_limits(evidence, alpha) if isinstance(x.estimate, Corrected)]
    if state != "undecided" or not limits:
        return ""
    needs = [labels_needed(x, planned[0] if x.holds else planned[1]) for x in limits]
    labels = [need for need, _ in needs if need is not None]
    prompts = [need for _, need in needs if need is not None]
    if len(labels) + len(prompts) < len(needs):
        return "No practical number of further labels would settle it."
    if prompts:
        return f"About {max(prompts):,} further prompts, judged by people, would settle it."
    return f"Labels of people on about {max(labels):,} further prompts would settle it."


def failure_row(
    evidence: FailureEvidence, corrected: float, alpha: float, planned: float
) -> dict[str, Any]:
    """The row of one failure mode on one flow; `planned` is the level of the next look."""
    rate = evidence.estimate
    state: State = "undecided"
    if evidence.p_passed <= alpha:
        state = "passed"
    elif corrected <= alpha:
        state = "broken"
    further = evidence.further_prompts(planned) if state == "undecided" else None
    row = empty_row(
        failure_name(evidence.flow, evidence.mode), "failure", failure_metric(evidence.mode)
    )
    return row | {
        "flow": evidence.flow,
        "severity": "gating",
        "statistic": "rate",
        "direction": "lower",
        "n_prompts": 0 if rate is None else rate.n,
        "n_images": evidence.requests,
        "n_failed": evidence.count,
        "estimate": _number(None if rate is None else rate.value),
        "lower": _number(None if rate is None else rate.lower(alpha)),
        "upper": _number(None if rate is None else rate.upper(alpha)),
        "incumbent_estimate": _number(evidence.incumbent),
        "ceiling": evidence.max_rate,
        "p_passed": evidence.p_passed,
        "p_broken": evidence.p_broken,
        "p_broken_holm": corrected,
        "hard": evidence.hard,
        "state": state,
        "passed": _passed(state),
        "needed_prompts": _number(further),
        "reason": failure_reason(evidence, state, alpha),
    }


def empty_row(name: str, source: str, metric: str) -> dict[str, Any]:
    """A row with nothing measured yet."""
    row: dict[str, Any] = dict.fromkeys(COLUMNS, float("nan"))
    return row | {
        "criterion": name, "source": source, "metric": metric, "unit": unit_of(metric),
        "n_pairs": 0, "n_left_out": 0, "hard": False, "passed": None, "reason": "",
        "remedy": "",
    }  # fmt: skip


def _number(value: float | None) -> float:
    return float("nan") if value is None or not math.isfinite(value) else float(value)


def _passed(state: State) -> bool | None:
    return {"passed": True, "broken": False, "undecided": None}[state]


def _state(limits: Sequence[Limit], corrected: Sequence[float], alpha: float) -> State:
    if any(p <= alpha for p in corrected):
        return "broken"
    return "passed" if all(x.p_passed <= alpha for x in limits) else "undecided"


def _bounds(evidence: Evidence, alpha: float, seed: int | None) -> dict[str, float]:
    found: dict[str, float] = {}
    if evidence.own is not None:
        low, high = evidence.own.lower(alpha), evidence.own.upper(alpha)
        found |= {"lower": _number(low), "upper": _number(high)}
    difference = evidence.difference
    if difference is None:
        return found
    if seed is not None and evidence.per_seed:
        low, high = cluster_bootstrap(prompt_means(evidence.per_seed), alpha, seed=seed)
        found |= {"bootstrap_lower": low, "bootstrap_upper": high}
    return found | {
        "n_pairs": difference.n,
        "difference": difference.value,
        "difference_lower": _number(difference.lower(alpha)),
        "difference_upper": _number(difference.upper(alpha)),
    }


def _open_limits(evidence: Evidence, alpha: float) -> list[Limit]:
    return [x for x in evidence.limits if x.p_passed > alpha]


def _needed(evidence: Evidence, alpha: float, planned: tuple[float, float]) -> dict[str, float]:
    """Prompts or seeds that would settle the criterion, planned for the side it leans to."""
    prompts, seeds = [], []
    for limit in _open_limits(evidence, alpha):
        level = planned[0] if limit.holds else planned[1]
        prompts.append(_number(further_prompts(limit, level)))
        seeds.append(_number(seeds_for(limit, evidence, level)))
    # One limit no number of prompts would settle makes the whole criterion so: NaN wins in max.
    return {
        "needed_prompts": float(np.max(prompts)) if prompts else float("nan"),
        "needed_seeds": float(np.max(seeds)) if seeds else float("nan"),
    }
