"""Why a criterion is in the state it is in, in one clause a product manager understands."""

from __future__ import annotations

import math
from collections.abc import Sequence

from imgassets.decision.failures import FailureEvidence
from imgassets.decision.limits import Evidence, Limit, State
from imgassets.decision.wording import (
    amount,
    between,
    compared_phrase,
    failure_phrase,
    measured_phrase,
    quoted,
    signed,
    step,
    unit_of,
)
from imgassets.spec.criteria import Criterion
from imgassets.spec.failures import NEVER_ASKED, NOT_THE_MODELS


def criterion_reason(
    evidence: Evidence, incumbent: str, state: State, corrected: Sequence[float], alpha: float
) -> str:
    """What was measured, how sure it is, and what the contract allows; no full stop.

    Arguments: `corrected` p-values of "broken", one a limit; `incumbent` its name.
    """
    criterion = evidence.criterion
    if not evidence.limits:
        return f"not applicable: {incumbent} itself is the yardstick of this margin"
    problems = [x.problem for x in evidence.limits if x.problem]
    if problems and state == "undecided":
        failed = f"; {evidence.counts.failed} images failed" if evidence.counts.failed else ""
        return f"{criterion.metric} cannot be judged: {problems[0]}{failed}"
    limit = _telling_limit(evidence.limits, state, corrected)
    said = measured_phrase(criterion, evidence.measured or 0.0)
    if limit.kind != "margin":
        return f"{said}{_range_clause(evidence, limit, state, alpha)}; {_allows(limit, criterion)}"
    compared = compared_phrase(criterion.metric, limit.measured or 0.0, incumbent)
    clause = _range_clause(evidence, limit, state, alpha)
    return f"{said}, {compared}{clause}; {_allows(limit, criterion)}"


def _allows(limit: Limit, criterion: Criterion) -> str:
    unit = unit_of(criterion.metric)
    if limit.kind == "margin":
        return f"the contract allows {step(limit.value, unit)}"
    asks = "asks for at least" if limit.kind == "floor" else "allows at most"
    return f"the contract {asks} {amount(limit.value, unit)}"


def _telling_limit(limits: Sequence[Limit], state: State, corrected: Sequence[float]) -> Limit:
    """The limit that explains the state: the surest break, or the least sure pass."""
    if state == "broken":
        return min(zip(corrected, limits, strict=True), key=lambda pair: pair[0])[1]
    return max(limits, key=lambda x: x.p_passed)


def _range_clause(evidence: Evidence, limit: Limit, state: State, alpha: float) -> str:
    """The bound that matters, in words; empty where the plain number says it all."""
    if limit.estimate is None or state == "broken":
        return ""
    unit = unit_of(evidence.criterion.metric)
    show = signed if limit.kind == "margin" else amount
    low, high = limit.estimate.lower(alpha), limit.estimate.upper(alpha)
    if not (math.isfinite(low) and math.isfinite(high)):
        return f" (all {evidence.counts.prompts} prompts agree, too few to rule out others)"
    if state == "undecided":
        said = between(low, high, unit, difference=limit.kind == "margin")
        return f" (the truth may be anywhere from {said})"
    return f" (at worst {show(low if limit.holds_above else high, unit)})"


def failure_reason(evidence: FailureEvidence, state: State, alpha: float) -> str:
    """How often a mode occurred, and how often it may; no full stop."""
    rate = evidence.estimate
    if rate is None:
        return "no request was made, so nothing is known about failures"
    said = failure_phrase(evidence.mode, rate.count, rate.n)
    if rate.count:
        said += quoted(evidence.mode, evidence.examples)
    upper = amount(rate.upper(alpha), "share")
    if evidence.mode in NEVER_ASKED and rate.count:
        return f"{said}, since the model was never asked for them"
    if evidence.mode in NOT_THE_MODELS and rate.count and state != "passed":
        return f"{said}, which is no fault of the model"
    if evidence.hard and rate.count:
        return f"{said}; the contract allows none"
    if evidence.hard:
        return f"{said}, so the true rate is at most {upper}; the contract allows none"
    clause = {
        "passed": f", so the true rate is at most {upper}",
        "broken": f" ({amount(rate.value, 'share')})",
        "undecided": f", so the true rate may be up to {upper}",
    }[state]
    return f"{said}{clause}; the contract allows {amount(evidence.max_rate, 'share')}"
