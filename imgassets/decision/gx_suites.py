"""Criteria as expectations of Great Expectations, and tables held to them.

Asset checks hold one expectation at a time; `imgassets.report.data_docs` gathers the same ones
in suites. No other module knows Great Expectations. It takes seconds to import, so nothing of it
is touched before the first check runs.
"""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any

import pandas as pd

from imgassets.documents.criteria import Criterion
from imgassets.metrics.families import METRICS

#: What Great Expectations calls a contract's severities.
SEVERITIES = {"gating": "critical", "review": "warning", "warning": "warning"}
_WORST_ROWS = 20


@dataclass(frozen=True)
class Outcome:
    """What one expectation found.

    Attributes:
        passed: whether the table meets it.
        expected: the expectation in words.
        observed: the observed value, None where there was nothing to observe.
        evaluated: how many rows were looked at.
        unexpected: the rows to look at first, worst first, at most 20.
    """

    passed: bool
    expected: str
    observed: float | None
    evaluated: int
    unexpected: pd.DataFrame


def check_metric(table: pd.DataFrame, criterion: Criterion) -> Outcome:
    """A metric table against a criterion's floor or ceiling.

    The mean (over prompts, each with equal weight) or the worst single value must be on the good
    side. This is the plain value; error bars belong to the comparison and its verdict.

    Args:
        table: tidy metric rows; rows without a value (failed images) are not scores.
        criterion: with a floor or a ceiling.
    """
    rows = table[(table["metric"] == criterion.metric) & (table["flow"] == criterion.flow)]
    scored = rows.dropna(subset=["value"])
    expected = _in_words(criterion)
    if scored.empty:
        return Outcome(False, expected, None, 0, rows.head(_WORST_ROWS))
    batch = metric_values(table, criterion).to_frame("value")
    result = _validate(batch, metric_expectation(criterion, "value"))
    higher = METRICS[criterion.metric].direction == "higher"
    worst = scored.sort_values("value", ascending=higher, kind="stable")
    limit = criterion.floor if higher else criterion.ceiling
    beyond = worst[worst["value"] < limit] if higher else worst[worst["value"] > limit]
    observed = (
        float(scored["value"].min() if higher else scored["value"].max())
        if criterion.statistic == "worst"
        else result["result"].get("observed_value")
    )
    return Outcome(
        bool(result["success"]), expected, observed, len(scored), beyond.head(_WORST_ROWS)
    )


def check_statuses(images: pd.DataFrame, mode: str, max_rate: float) -> Outcome:
    """An image table against the highest rate a contract allows for one failure mode."""
    failed = images["status"] == mode
    return _hold_failures(images, failed, status_expectation(mode, max_rate, "status"))


def check_unlisted(images: pd.DataFrame, listed: Sequence[str]) -> Outcome:
    """An image table against all failure modes a contract does not list: none may occur.

    A missing source is the failure of another image, and is checked there.
    """
    expectation = unlisted_expectation(listed, "status")
    return _hold_failures(images, ~images["status"].isin(expectation.value_set), expectation)


def _hold_failures(images: pd.DataFrame, failed: pd.Series, expectation: Any) -> Outcome:
    expected = str(expectation.description)
    if images.empty:
        return Outcome(False, expected, None, 0, images)
    result = _validate(images[["status"]], expectation)
    return Outcome(
        bool(result["success"]),
        expected,
        float(failed.mean()),
        len(images),
        images[failed].head(_WORST_ROWS),
    )


def check_comparison(comparison: pd.DataFrame, criterion: Criterion) -> Outcome:
    """A comparison against a criterion: its bounds, error bars included, must show it holds."""
    row = comparison[comparison["criterion"] == criterion.name]
    result = _validate(
        row[["state"]].reset_index(drop=True), margin_expectation(criterion, "state")
    )
    shown = row[["criterion", "estimate", "difference", "difference_lower", "difference_upper"]]
    shown = shown.assign(state=row["state"], reason=row["reason"])
    difference = row["difference"].iloc[0] if len(row) else None
    passed = bool(result["success"]) and len(row) == 1
    return Outcome(
        passed,
        _margin_words(criterion),
        None if difference is None or pd.isna(difference) else float(difference),
        len(row),
        shown.head(0) if passed else shown,
    )


def metric_values(table: pd.DataFrame, criterion: Criterion) -> pd.Series:
    """What a floor or ceiling is about: prompt means, or single images for `worst`; no failed."""
    chosen = (table["metric"] == criterion.metric) & (table["flow"] == criterion.flow)
    scored = table[chosen].dropna(subset=["value"])
    if criterion.statistic == "worst":
        return scored["value"].reset_index(drop=True)
    return scored.groupby("prompt_id")["value"].mean().reset_index(drop=True)


def metric_expectation(criterion: Criterion, column: str) -> Any:
    """A floor or ceiling, of a column of `metric_values`."""
    import great_expectations.expectations as gxe

    kind = (
        gxe.ExpectColumnValuesToBeBetween
        if criterion.statistic == "worst"
        else gxe.ExpectColumnMeanToBeBetween
    )
    return kind(
        column=column,
        min_value=criterion.floor,
        max_value=criterion.ceiling,
        description=_in_words(criterion),
        severity=SEVERITIES[criterion.severity],
    )


def status_expectation(mode: str, max_rate: float, column: str) -> Any:
    """A failure mode's highest rate, of a column of statuses."""
    import great_expectations.expectations as gxe

    return gxe.ExpectColumnValuesToNotBeInSet(
        column=column,
        value_set=[mode],
        mostly=1.0 - max_rate,
        description=f"at most {max_rate:.2%} of the requests end as {mode}",
        severity=SEVERITIES["gating"],
    )


def unlisted_expectation(listed: Sequence[str], column: str) -> Any:
    """No failure mode beside those listed, of a column of statuses."""
    import great_expectations.expectations as gxe

    return gxe.ExpectColumnValuesToBeInSet(
        column=column,
        value_set=["ok", "source_missing", *listed],
        description="no failure mode occurs that the contract does not list",
        severity=SEVERITIES["gating"],
    )


def margin_expectation(criterion: Criterion, column: str) -> Any:
    """A margin, of a column that says how the comparison ended.

    It has to be shown to hold; what only sends to a person must not be shown to be broken.
    """
    import great_expectations.expectations as gxe

    open_ = ["undecided"] if criterion.severity == "review" else []
    return gxe.ExpectColumnValuesToBeInSet(
        column=column,
        value_set=["passed", *open_],
        description=_margin_words(criterion),
        severity=SEVERITIES[criterion.severity],
    )


def _margin_words(criterion: Criterion) -> str:
    way = "away from" if METRICS[criterion.metric].direction == "same" else "worse than"
    limit = f"more than {criterion.margin:g} {way} the incumbent"
    return (
        f"not shown to be {limit}"
        if criterion.severity == "review"
        else (f"no {limit}, error bars included")
    )


def check_reviews(comparison: pd.DataFrame) -> Outcome:
    """A comparison's rows of severity `review`: none is shown to be broken."""
    import great_expectations.expectations as gxe

    rows = comparison[comparison["severity"] == "review"].reset_index(drop=True)
    result = _validate(
        rows[["state"]],
        gxe.ExpectColumnValuesToNotBeInSet(column="state", value_set=["broken"]),
    )
    asking = rows.loc[rows["state"] == "broken", ["criterion", "estimate", "difference", "reason"]]
    return Outcome(
        bool(result["success"]),
        "nothing asks for a person's eye",
        float(len(asking)),
        len(rows),
        asking.head(_WORST_ROWS),
    )


def _in_words(criterion: Criterion) -> str:
    what = "the worst image's" if criterion.statistic == "worst" else "the mean"
    side = "at least" if criterion.floor is not None else "at most"
    limit = criterion.floor if criterion.floor is not None else criterion.ceiling
    return f"{what} {criterion.metric} on flow {criterion.flow} is {side} {limit:g}"


def new_context() -> Any:
    """Great Expectations without a project on disk, knowing of nothing yet."""
    import great_expectations as gx

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        found = gx.get_context(mode="ephemeral")
    found.variables.progress_bars = {"globally": False}
    return found


@cache
def _context_of_checks() -> Any:
    return new_context()


def _validate(table: pd.DataFrame, expectation: Any) -> dict[str, Any]:
    """One expectation on one data frame, by an ephemeral context."""
    source = _context_of_checks().data_sources.add_or_update_pandas("tables")
    definition = source.add_dataframe_asset("table").add_batch_definition_whole_dataframe("all")
    batch = definition.get_batch(batch_parameters={"dataframe": table})
    return batch.validate(expectation, result_format="SUMMARY").to_json_dict()
