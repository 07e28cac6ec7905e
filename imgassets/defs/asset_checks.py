"""Asset checks: one step a table holds it to all rules of its contract, and one its verdict.

A metric or image table is held as soon as it is there: the plain mean, worst score or rate. It
waits for no other model, so it cannot say what is decided; it says where. The checks of the
comparison, called as its rows, say what was decided, error bars and incumbent included: what is
undecided warns, and is never green.
"""

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import dagster as dg

from imgassets.defs.assets.branches import group_of, stage_key
from imgassets.defs.io_managers import Table
from imgassets.defs.metadata import markdown_table
from imgassets.defs.resources import ProjectResource
from imgassets.documents.contract import Endpoint
from imgassets.documents.yardstick import (
    COMPARISON,
    VERDICT,
    VERDICT_CHECK,
    VERSION_METADATA,
    DecisionRule,
    MetricRule,
    Rule,
    rules_by_check,
    version_of,
)

if TYPE_CHECKING:
    from imgassets.decision.gx_suites import Outcome

Shown = dict[str, Any]
_ERROR, _WARN = dg.AssetCheckSeverity.ERROR, dg.AssetCheckSeverity.WARN
_SEVERITY = {"gating": _ERROR, "review": _WARN, "warning": _WARN}
_DECIDED = ["criterion", "estimate", "lower", "upper", "difference", "difference_lower",
            "difference_upper", "state", "reason"]  # fmt: skip


def branch_checks(endpoint: Endpoint, model: str) -> list[dg.AssetChecksDefinition]:
    """All checks of a branch: one definition, and so one step, a table."""
    tables = rules_by_check(endpoint, model)
    checks = [_table_check(endpoint, model, table, rules) for table, rules in tables.items()]
    return [*checks, _verdict_check(endpoint, model)]


def _table_check(
    endpoint: Endpoint, model: str, table_name: str, checks: dict[str, list[Rule]]
) -> dg.AssetChecksDefinition:
    name, key = endpoint.endpoint, stage_key(endpoint.endpoint, model, table_name)

    @dg.multi_asset_check(
        name=f"{group_of(name, model)}__{table_name}__checks",
        specs=[
            dg.AssetCheckSpec(
                check,
                asset=key,
                description=rules[0].about,
                metadata={"severity": rules[0].severity},
            )
            for check, rules in checks.items()
        ],
        ins={"table": dg.AssetIn(key)},
        can_subset=True,
    )
    def table_checks(
        context: dg.AssetCheckExecutionContext, workplace: ProjectResource, table: Table
    ) -> Iterator[dg.AssetCheckResult]:
        from imgassets.decision.gx_suites import hold

        project = workplace.project()
        contract = project.endpoint(name)
        chosen = {check.name for check in context.selected_asset_check_keys}
        # The contract as it is now, which may ask for less than when definitions were loaded.
        present = rules_by_check(contract, model).get(table_name, {})
        rules = {check: present[check] for check in present if check in chosen}
        judges = workplace.judges(project, name)
        outcomes = iter(hold(table, [rule for group in rules.values() for rule in group]))
        for check, group in rules.items():
            found = [next(outcomes) for _ in group]
            judge = judges.get(_family(group[0]), "")
            yield _result(dg.AssetCheckKey(key, check), found, model == contract.incumbent, judge)

    return table_checks


def _family(rule: Rule) -> str:
    """The metric family that a rule holds; empty of failures."""
    limit = rule.limit if isinstance(rule, DecisionRule) else rule
    return limit.criterion.metric.partition(".")[0] if isinstance(limit, MetricRule) else ""


def _result(
    key: dg.AssetCheckKey, found: list["Outcome"], alone: bool, judge: str
) -> dg.AssetCheckResult:
    """What one check shows; `alone` where the model is the incumbent, `judge` in words."""
    first = found[0]
    decided = isinstance(first.rule, DecisionRule)
    said, severity, shown = _decided(found, alone) if decided else _plain(first, key.asset_key)
    return dg.AssetCheckResult(
        passed=all(outcome.passed for outcome in found),
        asset_key=key.asset_key,
        check_name=key.name,
        severity=severity,
        description=said,
        metadata={
            "expected": first.expected,
            "observed": "nothing" if first.observed is None else first.observed,
            **shown,
            **({"judge": judge} if judge else {}),
            "evaluated_rows": sum(outcome.evaluated for outcome in found),
            VERSION_METADATA: version_of([outcome.rule for outcome in found]),
        },
    )


def _plain(outcome: "Outcome", table: dg.AssetKey) -> tuple[str, dg.AssetCheckSeverity, Shown]:
    """Of a metric or image table: the plain number, the rows to look at, and who decides."""
    from imgassets.decision.check_words import said_of_mean

    rows = outcome.rows.drop(columns=["endpoint", "model"], errors="ignore")
    return (
        said_of_mean(outcome.rule, outcome.passed, outcome.observed, outcome.left_out),
        _SEVERITY[outcome.rule.severity],
        {
            "decided_at": dg.MetadataValue.asset(dg.AssetKey([*table.path[:-1], COMPARISON])),
            "unexpected_rows": _markdown(rows),
        },
    )


def _decided(found: list["Outcome"], alone: bool) -> tuple[str, dg.AssetCheckSeverity, Shown]:
    """Of the comparison: the decision with its bounds; only what is broken can be an error."""
    import pandas as pd

    from imgassets.decision.check_words import said_of_decision, said_of_review
    from imgassets.decision.comparison import records

    table = pd.concat([outcome.rows for outcome in found])
    rows, severity = records(table), found[0].rule.severity
    review = severity == "review"
    broken = any(row["state"] == "broken" for row in rows)
    return (
        said_of_review(rows) if review else said_of_decision(rows, alone),
        _SEVERITY[severity] if broken else _WARN,
        {
            **(_numbers(rows[0]) if len(rows) == 1 else {}),
            "state": ", ".join(sorted({row["state"] for row in rows})) or "nothing occurred",
            "unexpected_rows": _markdown(table.loc[table["state"] != "passed", _DECIDED]),
        },
    )


def _numbers(row: dict[str, Any]) -> Shown:
    """What was measured, and how far it is from the incumbent, where it was compared."""
    shown = {"observed": row["estimate"], "difference_from_incumbent": row["difference"]}
    return {name: value for name, value in shown.items() if value is not None}


def _markdown(rows: Table) -> dg.MarkdownMetadataValue:
    return dg.MetadataValue.md(markdown_table(rows) if len(rows) else "none")


def _verdict_check(endpoint: Endpoint, model: str) -> dg.AssetChecksDefinition:
    key = stage_key(endpoint.endpoint, model, VERDICT)

    @dg.asset_check(
        asset=key,
        name=VERDICT_CHECK,
        description="GO passes, REVIEW and INCONCLUSIVE warn, NO-GO is an error; none blocks.",
    )
    def check(verdict: dict[str, Any]) -> dg.AssetCheckResult:
        return dg.AssetCheckResult(
            passed=verdict["verdict"] == "GO",
            severity=_ERROR if verdict["verdict"] == "NO-GO" else _WARN,
            description=verdict["sentence"],
            metadata={
                "expected": "GO",
                "observed": verdict["verdict"],
                "decided_by": ", ".join(verdict["decided_by"]) or "all criteria",
                "closest_criterion": verdict.get("closest_criterion") or "none",
                VERSION_METADATA: version_of([]),
            },
        )

    return check
