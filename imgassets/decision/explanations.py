"""Why a criterion is in the state it is in, in one clause a product manager understands."""

from __future__ import annotations

import math
from collections.abc import Sequence

from imgassets.decision.evidence import Evidence, Limit, State
from imgassets.decision.failures import FailureEvidence
from imgassets.decision.formatting import (
    amount,
    apart,
    between,
    confidence,
    failure_phrase,
    flow_phrase,
    measured_phrase,
    quoted,
    signed,
    step,
)
from imgassets.documents.failures import NEVER_ASKED, NOT_THE_MODELS
from imgassets.flows import FIRST


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
        counts = evidence.counts
        failed = f"; {counts.failed} images failed" if counts.failed else ""
        unjudged = f"; {counts.unjudged} images cannot be judged" if counts.unjudged else ""
        name = criterion.definition.called or criterion.metric
        return f"{name} cannot be judged: {problems[0]}{failed}{unjudged}"
    limit = _telling_limit(evidence.limits, state, corrected)
    clause = _range_clause(evidence, limit, state, alpha)
    if limit.kind == "margin":
        return _margin_reason(evidence, limit, incumbent, clause)
    unit = criterion.definition.unit
    shown, allowed = apart(amount, evidence.measured or 0.0, limit.value, unit)
    asks = "asks for at least" if limit.kind == "floor" else "allows at most"
    said = measured_phrase(criterion, shown) + _delivered(evidence) + limit.people
    return f"{said}{clause}; the contract {asks} {allowed}"


def _margin_reason(evidence: Evidence, limit: Limit, incumbent: str, clause: str) -> str:
    """`..., 21 points below tiny-base (76 %); the contract allows 5 points`."""
    criterion, gap = evidence.criterion, limit.measured or 0.0
    unit = criterion.definition.unit
    shown, allowed = apart(step, gap, limit.value, unit)
    said = measured_phrase(criterion, amount(evidence.measured, unit)) + _delivered(evidence)
    said += limit.people
    if step(gap, unit) == step(0.0, unit):
        compared = f"the same as {incumbent}"
    else:
        theirs = "" if evidence.incumbent is None else f" ({amount(evidence.incumbent, unit)})"
        compared = f"{shown} {'below' if gap < 0 else 'above'} {incumbent}{theirs}"
    return f"{said}, {compared}{_pairs(evidence, unit)}{clause}; the contract allows {allowed}"


def _delivered(evidence: Evidence) -> str:
    """The other number, where failed images count as 0 in the first."""
    if evidence.delivered is None:
        return ""
    shown = amount(evidence.delivered, evidence.criterion.definition.unit)
    return f" asked for ({shown} of those delivered)"


def _pairs(evidence: Evidence, unit: str) -> str:
    """What was compared, where that is not all that was measured."""
    if not evidence.left_out or evidence.paired is None:
        return ""
    ours, theirs = (amount(mean, unit) for mean in evidence.paired)
    out, both = evidence.left_out, len({prompt for prompt, _ in evidence.per_seed})
    return f" ({ours} against {theirs} on the {both} prompts that both have, {out} left out)"


def _telling_limit(limits: Sequence[Limit], state: State, corrected: Sequence[float]) -> Limit:
    """The limit that explains the state: the surest break, or the least sure pass."""
    if state == "broken":
        return min(zip(corrected, limits, strict=True), key=lambda pair: pair[0])[1]
    return max(limits, key=lambda x: x.p_passed)


def _range_clause(evidence: Evidence, limit: Limit, state: State, alpha: float) -> str:
    """The bound that matters, in words; empty where the plain number says it all."""
    if limit.estimate is None or state == "broken":
        return ""
    if limit.endless and limit.holds:
        return ", but nothing bounds how bad a rare image could be"
    unit = evidence.criterion.definition.unit
    show = signed if limit.kind == "margin" else amount
    low, high = limit.estimate.lower(alpha), limit.estimate.upper(alpha)
    sure = f"with {confidence(alpha)} confidence"
    if state == "undecided" and math.isfinite(low) and math.isfinite(high):
        said = between(low, high, unit, difference=limit.kind == "margin")
        return f" ({said} {sure} on each side{_together_only(limit, alpha)})"
    bound = low if limit.holds_above else high
    if not math.isfinite(bound):
        return f" ({evidence.counts.prompts} prompts are too few to rule out others)"
    least = "at least" if limit.holds_above else "at most"
    shown, _ = apart(show, bound, limit.value, unit)
    return f" ({least} {shown} {sure})"


def _together_only(limit: Limit, alpha: float) -> str:
    """Why a limit is undecided though its own bounds are beyond it: Holm's correction."""
    if limit.p_broken > alpha:
        return ""
    return (
        "; judged alone that would be shown to break the limit, judged together with all other "
        "criteria it is not yet"
    )


def remedy(evidence: Evidence, state: State) -> str:
    """What would settle a criterion that no number of images can; empty where there is none."""
    criterion = evidence.criterion
    if state != "undecided" or not any(x.endless and x.holds for x in evidence.limits):
        return ""
    by = criterion.definition.worst_field
    entry = f"{{metric: {criterion.metric}, flow: {criterion.flow}, statistic: worst, ...}}"
    where = f"`{by}`" if by and criterion.flow == FIRST else f"a criterion `{entry}`"
    return f"Say in the contract how bad a single image may be: add {where}."


def failure_reason(evidence: FailureEvidence, state: State, alpha: float) -> str:
    """How often a mode occurred, and how often it may; no full stop."""
    rate = evidence.estimate
    if rate is None:
        return "no request was made, so nothing is known about failures"
    said = flow_phrase(evidence.flow) + failure_phrase(
        evidence.mode, evidence.count, evidence.requests
    )
    if evidence.count:
        said += quoted(evidence.mode, evidence.examples)
    if evidence.mode in NEVER_ASKED and evidence.count:
        return f"{said}, since the model was never asked for them"
    if evidence.mode in NOT_THE_MODELS and evidence.count and state != "passed":
        return f"{said}, which is no fault of the model"
    if evidence.hard and evidence.count:
        return f"{said}; the contract allows none"
    sure = f"with {confidence(alpha)} confidence"
    most, _ = apart(amount, rate.upper(alpha), evidence.max_rate, "share")
    upper = f"so {sure} at most {most} do"
    if evidence.hard:
        return f"{said}, {upper}; the contract allows none"
    shown, allowed = apart(amount, rate.value, evidence.max_rate, "share")
    clause = {
        "passed": f", {upper}",
        "broken": f" ({shown}; {sure} at least {amount(rate.lower(alpha), 'share')})",
        "undecided": f", {upper}",
    }[state]
    return f"{said}{clause}; the contract allows {allowed}"
