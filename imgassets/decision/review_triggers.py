"""What sends a model to a person: limits only just held, and metrics that contradict each other.

Margins of severity `review` (the look of images) are ordinary criteria; these are not. Nor is
`review.always`, which asks about every candidate.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from imgassets.decision.errors import TooLittleDataError
from imgassets.decision.formatting import amount, measured_phrase, step
from imgassets.decision.names import name_of
from imgassets.decision.paired_scores import Measured, prompt_means
from imgassets.decision.rows import empty_row
from imgassets.decision.statistics import Estimate
from imgassets.documents.criteria import Criterion, Disagreement, Near
from imgassets.documents.decision_contract import DecisionContract
from imgassets.documents.yardstick import ALWAYS, near_name


def review_rows(
    endpoint: DecisionContract, candidate: Measured, rows: Sequence[dict[str, Any]], alpha: float
) -> list[dict[str, Any]]:
    """One row for each `near` and `disagree` of the contract; state `broken` asks for a person.

    Arguments: `rows` of the criteria, already judged; `alpha` level of the bounds.
    """
    judged = {row["criterion"]: row for row in rows}
    near = [
        _near(n, criterion, judged[criterion.name])
        for n in endpoint.review.near
        if (criterion := endpoint.limited(n)) is not None
    ]
    always = [_always()] if endpoint.review.always and candidate.model != endpoint.incumbent else []
    differ = [_disagreement(d, candidate, alpha) for d in endpoint.review.disagree]
    return [*near, *differ, *always]


def _always() -> dict[str, Any]:
    """Asks for people whatever was measured."""
    return empty_row(ALWAYS, "review", "review.always") | {
        "flow": "",
        "severity": "review",
        "statistic": "mean",
        "hard": True,
        "p_broken_holm": 1.0,  # the last of all reasons
        "state": "broken",
        "passed": False,
        "reason": "the contract asks people about every candidate",
    }


def _near(near: Near, criterion: Criterion, judged: dict[str, Any]) -> dict[str, Any]:
    """Plainly compared, without error bars: it asks for eyes, it accuses nobody."""
    estimate, unit = judged["estimate"], judged["unit"]
    kind = "floor" if np.isfinite(judged["floor"]) else "ceiling"
    row = empty_row(near_name(judged["criterion"]), "review", near.metric) | {
        **{k: judged[k] for k in ("direction", "n_prompts", "n_images", "n_failed", "estimate")},
        kind: judged[kind],
        "flow": near.flow,
        "severity": "review",
        "statistic": "mean",
        "hard": True,
        "state": "undecided",
        "reason": f"{name_of(near.metric)} was not measured, so how near its {kind} it is cannot "
        "be said",
    }
    if np.isnan(estimate):
        return row
    room = (estimate - judged[kind]) * (1 if kind == "floor" else -1)
    asks = bool(0 <= room < near.within)
    said = measured_phrase(criterion, amount(estimate, unit))
    said += f", {'only ' * asks}{step(room, unit)} from"
    return row | {
        "p_broken_holm": 0.0 if asks else 1.0,
        "state": "broken" if asks else "passed",
        "passed": not asks,
        "reason": f"{said} the {kind} of {amount(judged[kind], unit)}",
    }


def _disagreement(wanted: Disagreement, candidate: Measured, alpha: float) -> dict[str, Any]:
    """Asks when the share of images two metrics differ on is shown to be above the rate."""
    one, two = (candidate.per_seed(m, wanted.flow) for m in wanted.metrics)
    both_named = " and ".join(map(name_of, wanted.metrics))
    both = [key for key in one if key in two]
    scores = [score for m in wanted.metrics for score in candidate.listed(m, wanted.flow)]
    failed = {(score.prompt_id, score.seed) for score in scores if np.isnan(score.value)}
    differ = {key: float((one[key] >= 0.5) != (two[key] >= 0.5)) for key in both}
    row = empty_row(wanted.name, "review", wanted.metrics[0]) | {
        "flow": wanted.flow, "severity": "review", "statistic": "rate", "direction": "lower",
        "n_prompts": len({prompt for prompt, _ in both}), "n_images": len(both),
        "n_failed": len(failed), "ceiling": wanted.max_rate, "state": "undecided",
        "reason": f"{both_named} were measured on too few prompts together",
    }  # fmt: skip
    try:
        rate = Estimate.of(prompt_means(differ), (0.0, 1.0))
    except TooLittleDataError:
        return row
    p_broken = rate.p_at_least(wanted.max_rate)
    shown, holds = p_broken <= alpha, rate.p_at_most(wanted.max_rate) <= alpha
    state = "broken" if shown else "passed" if holds else "undecided"
    said = f"{both_named} contradict each other on {amount(rate.value, 'share')}"
    return row | {
        "estimate": rate.value,
        "lower": rate.lower(alpha),
        "upper": rate.upper(alpha),
        "p_broken": p_broken,
        "p_broken_holm": p_broken,
        "state": state,
        "passed": {"broken": False, "passed": True, "undecided": None}[state],
        "reason": f"{said} of images ({wanted.flow}); above "
        f"{amount(wanted.max_rate, 'share')} a person looks",
    }
