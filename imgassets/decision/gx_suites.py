"""Rules of a contract as suites of Great Expectations, and tables held to them.

Each rule of `documents.yardstick` is one expectation, of one column that holds what the rule is
about. Asset checks hold a table to its suite, and Data Docs show the same expectations. No other
module knows Great Expectations. It takes seconds to import, so nothing of it is touched before the
first check runs.
"""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any

import pandas as pd

from imgassets.decision.check_words import expected_of
from imgassets.documents.yardstick import OTHER, DecisionRule, FailureRule, MetricRule, Rule

#: What Great Expectations calls a contract's severities.
SEVERITIES = {"gating": "critical", "review": "warning", "warning": "warning"}
_WORST_ROWS = 20


@dataclass(frozen=True)
class Outcome:
    """What one rule's expectation found.

    Attributes:
        rule: that was held.
        passed: whether the table meets it; a table without anything to hold does not.
        expected: the expectation in words.
        observed: the observed mean, worst value, rate, or difference; None where there is none.
        evaluated: how many rows were looked at.
        left_out: how many rows have no value, since their images failed.
        rows: those to look at first, worst first, at most 20; of a decision, its rows.
    """

    rule: Rule
    passed: bool
    expected: str
    observed: float | None
    evaluated: int
    left_out: int
    rows: pd.DataFrame


def column_of(rule: Rule) -> str:
    """The column a rule is about; in all suites of a model no two are called the same."""
    return f"{rule.name}__decision" if isinstance(rule, DecisionRule) else rule.name


def expectation(rule: Rule) -> Any:
    """A rule as an expectation of its column; nothing else makes one."""
    import great_expectations.expectations as gxe

    column, severity = column_of(rule), SEVERITIES[rule.severity]
    if isinstance(rule, FailureRule):
        return gxe.ExpectColumnValuesToNotBeInSet(
            column=column,
            value_set=list(rule.modes),
            mostly=1.0 - rule.max_rate,
            description=expected_of(rule),
            severity=severity,
        )
    if isinstance(rule, DecisionRule):
        # It has to be shown to hold; what only sends to a person must not be shown to be broken.
        open_ = ["undecided"] if rule.severity == "review" else []
        return gxe.ExpectColumnValuesToBeInSet(
            column=column,
            value_set=["passed", *open_],
            description=expected_of(rule),
            severity=severity,
        )
    worst = rule.criterion.statistic == "worst"
    kind = gxe.ExpectColumnValuesToBeBetween if worst else gxe.ExpectColumnMeanToBeBetween
    return kind(
        column=column,
        min_value=rule.criterion.floor,
        max_value=rule.criterion.ceiling,
        description=expected_of(rule),
        severity=severity,
    )


def suite(name: str, rules: Sequence[Rule]) -> Any:
    """The suite (`ExpectationSuite`) of some rules, of the columns that `batch` makes."""
    import great_expectations as gx

    return gx.ExpectationSuite(name=name, expectations=[expectation(rule) for rule in rules])


def values_of(rule: Rule, table: pd.DataFrame) -> pd.Series:
    """What a rule is about, from the table that is held to it; failed images have no score.

    Prompt means, or single images' scores for `worst`; statuses; states of decisions.
    """
    if isinstance(rule, FailureRule):
        return table["status"].reset_index(drop=True)
    if isinstance(rule, DecisionRule):
        return table["state"][table["criterion"].isin(rule.rows)].reset_index(drop=True)
    scored = _rows_of(rule, table).dropna(subset=["value"])
    if rule.criterion.statistic == "worst":
        return scored["value"].reset_index(drop=True)
    return scored.groupby("prompt_id")["value"].mean().reset_index(drop=True)


def batch(rules: Sequence[Rule], tables: Sequence[pd.DataFrame]) -> pd.DataFrame:
    """One column a rule, of different lengths: Great Expectations passes over missing values."""
    held = zip(rules, tables, strict=True)
    return pd.DataFrame({column_of(rule): values_of(rule, table) for rule, table in held})


def hold(table: pd.DataFrame, rules: Sequence[Rule]) -> list[Outcome]:
    """A table against its rules, in one validation.

    Arguments: `rules` all of this table, as `rules_by_table` gives them.

    Raises:
        RuntimeError: Great Expectations could not evaluate an expectation.
    """
    found = batch(rules, [table] * len(rules))
    # Of nothing at all, any expectation would be met.
    filled = [rule for rule in rules if found[column_of(rule)].notna().any()]
    met = _validated(found, filled) if filled else {}
    return [_outcome(rule, table, met.get(column_of(rule), _holds_empty(rule))) for rule in rules]


def _holds_empty(rule: Rule) -> bool:
    """Whether having nothing to hold is fine: no further failure mode occurred."""
    return isinstance(rule, DecisionRule) and rule.check.endswith(f"__failures_{OTHER}")


def _outcome(rule: Rule, table: pd.DataFrame, passed: bool) -> Outcome:
    expected = expected_of(rule)
    if isinstance(rule, FailureRule):
        failed = table["status"].isin(rule.modes)
        rate = float(failed.mean()) if len(table) else None
        return Outcome(rule, passed, expected, rate, len(table), 0, table[failed].head(_WORST_ROWS))
    if isinstance(rule, DecisionRule):
        rows = table[table["criterion"].isin(rule.rows)]
        numbers = rows["difference"].fillna(rows["estimate"]).dropna()
        observed = float(numbers.iloc[0]) if len(numbers) == 1 else None
        return Outcome(rule, passed, expected, observed, len(rows), 0, rows)
    return _metric_outcome(rule, table, passed, expected)


def _metric_outcome(rule: MetricRule, table: pd.DataFrame, passed: bool, expected: str) -> Outcome:
    rows = _rows_of(rule, table)
    scored, values = rows.dropna(subset=["value"]), values_of(rule, table)
    failed = len(rows) - len(scored)
    if scored.empty:
        return Outcome(rule, False, expected, None, 0, failed, rows.head(_WORST_ROWS))
    higher = rule.criterion.floor is not None
    limit = rule.criterion.floor if higher else rule.criterion.ceiling
    worst = scored.sort_values("value", ascending=higher, kind="stable")
    beyond = worst[worst["value"] < limit] if higher else worst[worst["value"] > limit]
    observed = worst["value"].iloc[0] if rule.criterion.statistic == "worst" else values.mean()
    shown = beyond.head(_WORST_ROWS)
    return Outcome(rule, passed, expected, float(observed), len(scored), failed, shown)


def _rows_of(rule: MetricRule, table: pd.DataFrame) -> pd.DataFrame:
    criterion = rule.criterion
    return table[(table["metric"] == criterion.metric) & (table["flow"] == criterion.flow)]


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


def _validated(table: pd.DataFrame, rules: Sequence[Rule]) -> dict[str, bool]:
    """Whether each rule's expectation is met, by column, from an ephemeral context."""
    source = _context_of_checks().data_sources.add_or_update_pandas("tables")
    definition = source.add_dataframe_asset("table").add_batch_definition_whole_dataframe("all")
    found = definition.get_batch(batch_parameters={"dataframe": table}).validate(
        suite("table", rules), result_format="BOOLEAN_ONLY"
    )
    for result in found.results:
        if result.exception_info.get("raised_exception"):
            raise RuntimeError(f"Great Expectations failed: {result.exception_info}")
    return {r.expectation_config.kwargs["column"]: bool(r.success) for r in found.results}
