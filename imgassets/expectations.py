"""Criteria as Great Expectations suites: the one module that knows Great Expectations.

A table is held to a contract by expectations built from its criteria. Great Expectations takes
seconds to import, so nothing of it is touched before the first check runs; its analytics are
switched off.
"""

from __future__ import annotations

import os
import warnings
from dataclasses import dataclass
from functools import cache
from typing import Any

import pandas as pd

from imgassets.spec.contract import Criterion
from imgassets.spec.metrics import METRICS

os.environ.setdefault("GX_ANALYTICS_ENABLED", "false")
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


def hold_metric(table: pd.DataFrame, criterion: Criterion) -> Outcome:
    """A metric table against a criterion's floor or ceiling.

    The mean (over prompts, each with equal weight) or the worst single value must be on the good
    side. This is the plain value; error bars belong to the comparison and its verdict.

    Args:
        table: tidy metric rows; rows without a value (failed images) are not scores.
        criterion: with a floor or a ceiling.
    """
    import great_expectations.expectations as gxe

    rows = table[(table["metric"] == criterion.metric) & (table["flow"] == criterion.flow)]
    scored = rows.dropna(subset=["value"])
    bounds = {"min_value": criterion.floor, "max_value": criterion.ceiling}
    if criterion.statistic == "worst":
        batch, expectation = scored, gxe.ExpectColumnValuesToBeBetween(column="value", **bounds)
    else:
        batch = scored.groupby("prompt_id")["value"].mean().reset_index()
        expectation = gxe.ExpectColumnMeanToBeBetween(column="value", **bounds)
    expected = _in_words(criterion)
    if batch.empty:
        return Outcome(False, expected, None, 0, rows.head(_WORST_ROWS))
    result = _validate(batch, expectation)
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


def hold_statuses(images: pd.DataFrame, mode: str, max_rate: float) -> Outcome:
    """An image table against the highest rate a contract allows for one failure mode."""
    import great_expectations.expectations as gxe

    expected = f"at most {max_rate:.2%} of the requests end as {mode}"
    if images.empty:
        return Outcome(False, expected, None, 0, images)
    result = _validate(
        images[["status"]],
        gxe.ExpectColumnValuesToNotBeInSet(
            column="status", value_set=[mode], mostly=1.0 - max_rate
        ),
    )
    failed = images[images["status"] == mode]
    return Outcome(
        bool(result["success"]),
        expected,
        len(failed) / len(images),
        len(images),
        failed.head(_WORST_ROWS),
    )


def hold_comparison(comparison: pd.DataFrame, criterion: Criterion) -> Outcome:
    """A comparison against a criterion: its bounds, error bars included, must show it holds."""
    import great_expectations.expectations as gxe

    row = comparison[comparison["criterion"] == criterion.name]
    result = _validate(
        row[["state"]].reset_index(drop=True),
        gxe.ExpectColumnValuesToBeInSet(column="state", value_set=["passed"]),
    )
    shown = row[["criterion", "estimate", "difference", "difference_lower", "difference_upper"]]
    shown = shown.assign(state=row["state"], reason=row["reason"])
    difference = row["difference"].iloc[0] if len(row) else None
    passed = bool(result["success"]) and len(row) == 1
    return Outcome(
        passed,
        f"no more than {criterion.margin:g} worse than the incumbent, error bars included",
        None if difference is None or pd.isna(difference) else float(difference),
        len(row),
        shown.head(0) if passed else shown,
    )


def hold_reviews(comparison: pd.DataFrame) -> Outcome:
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


@cache
def _context() -> Any:
    import great_expectations as gx

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        context = gx.get_context(mode="ephemeral")
    context.variables.progress_bars = {"globally": False}
    return context


def _validate(table: pd.DataFrame, expectation: Any) -> dict[str, Any]:
    """One expectation on one data frame, by an ephemeral context."""
    context = _context()
    source = context.data_sources.add_or_update_pandas("tables")
    definition = source.add_dataframe_asset("table").add_batch_definition_whole_dataframe("all")
    batch = definition.get_batch(batch_parameters={"dataframe": table})
    return batch.validate(expectation, result_format="SUMMARY").to_json_dict()
