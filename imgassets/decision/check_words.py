"""What a check says: what is expected, what was observed, and whether more is to be decided."""

from __future__ import annotations

from collections.abc import Sequence

from imgassets.decision.formatting import amount, capitalized, margin_words
from imgassets.decision.settling import Row, what_settles
from imgassets.documents.criteria import Criterion
from imgassets.documents.yardstick import OTHER, DecisionRule, FailureRule, MetricRule, Rule

_LATER = "Error bars are not judged here but at `comparison`, by the check {}."
_SLACK = 1e-9


def expected_of(rule: Rule) -> str:
    """What a rule expects, in words, with its limit as verdicts write it."""
    if isinstance(rule, FailureRule):
        return _expected_of_failures(rule)
    return _expected_of_decision(rule) if isinstance(rule, DecisionRule) else _of_metric(rule)


def _of_metric(rule: MetricRule) -> str:
    """`the mean composition.correct on flow generate is at least 93 %`."""
    criterion = rule.criterion
    side = "at least" if criterion.floor is not None else "at most"
    limit = criterion.floor if criterion.floor is not None else criterion.ceiling
    shown = amount(limit, criterion.definition.unit)
    what = f"the {criterion.statistic} {criterion.metric} on flow {criterion.flow}"
    return f"{what} is {side} {shown}"


def _expected_of_failures(rule: FailureRule) -> str:
    """`at most 2 % of the requests end as blank`."""
    if rule.mode == OTHER:
        return "no failure mode occurs that the contract does not list"
    ends = f"end as {rule.mode}" if rule.modes == (rule.mode,) else "fail in any way"
    return f"at most {amount(rule.max_rate, 'share')} of the requests {ends}"


def _expected_of_decision(rule: DecisionRule) -> str:
    """`no more than 5 points worse than the incumbent, error bars included`."""
    criterion = rule.limit.criterion if isinstance(rule.limit, MetricRule) else None
    beyond = _beyond(criterion) if criterion and criterion.margin is not None else ""
    if rule.severity == "review":
        return f"not shown to be {beyond or 'off'}"
    plain = expected_of(rule.limit) if rule.limit and (not criterion or criterion.has_limit) else ""
    margin = f"no {beyond}" if beyond else ""
    return f"{' and '.join(filter(None, (plain, margin)))}, error bars included"


def _beyond(criterion: Criterion) -> str:
    """`more than 5 points worse than the incumbent`, of a criterion with a margin."""
    definition = criterion.definition
    most = margin_words(criterion.margin or 0.0, definition.unit, definition.direction)
    if definition.direction == "same":
        return f"more than {most.removesuffix(' either way')} away from the incumbent"
    return f"more than {most} than the incumbent"


def said_of_mean(rule: Rule, passed: bool, observed: float | None, failed: int) -> str:
    """What a metric or image table alone says of a rule, and where it is decided.

    Args:
        rule: that the table was held to.
        passed: whether it holds.
        observed: mean, worst score, or rate; None where nothing was measured.
        failed: images without a score, since they failed.
    """
    later = _LATER.format(rule.name)
    if observed is None:
        return f"Nothing was measured; expected: {expected_of(rule)}. {later}"
    what, unit = "rate", "share"
    if isinstance(rule, MetricRule):
        what, unit = rule.criterion.statistic, rule.criterion.definition.unit
    found = f"The {what}, {amount(observed, unit)}, {'holds' if passed else 'does not hold'}"
    found += f", {failed} failed images left out" if failed else ""
    return f"{found}; expected: {expected_of(rule)}. {later}"


def said_of_decision(rows: Sequence[Row], alone: bool) -> str:
    """What the comparison decided: `The mean holds; the decision is open: ...`.

    Args:
        rows: of the comparison, as `Comparison.records` gives them.
        alone: whether the model is the incumbent.
    """
    if not rows:
        return "Nothing of the kind occurred."
    return " ".join(_decided(row, alone) for row in rows)


def said_of_review(rows: Sequence[Row]) -> str:
    """Whether a person must look, and at what; what is undecided asks nobody."""
    asking = [row["reason"] for row in rows if row["state"] == "broken"]
    if asking:
        answered = " The verdict says what people answered." if "n_directed" in rows[0] else ""
        return f"A person must look: {'; '.join(asking)}.{answered}"
    open_ = sum(row["state"] == "undecided" for row in rows)
    return f"Nobody need look: nothing is shown to be off; {open_} of {len(rows)} undecided."


def _decided(row: Row, alone: bool) -> str:
    if row["state"] != "undecided":
        return f"{capitalized(row['state'])}: {row['reason']}."
    held = _number_holds(row, alone)
    number = "rate" if row["source"] == "failure" else row["statistic"]
    said = "" if held is None else f"the {number} {'holds' if held else 'does not hold'}; "
    opened = capitalized(f"{said}the decision is open")
    return f"{opened}: {row['reason']}. {what_settles([row], alone)}"


def _number_holds(row: Row, alone: bool) -> bool | None:
    """Whether the plain numbers are on the good side of all limits; None where one is missing."""
    room = []
    for limit, sign in (("floor", 1), ("ceiling", -1)):
        if row[limit] is not None:
            if row["estimate"] is None:
                return None
            room.append(sign * (row["estimate"] - row[limit]))
    if row["margin"] is not None and not alone:
        if row["difference"] is None:
            return None
        worse = {"higher": -1, "lower": 1}.get(row["direction"])
        gap = abs(row["difference"]) if worse is None else worse * row["difference"]
        room.append(row["margin"] - gap)
    return all(r >= -_SLACK for r in room) if room else None
