"""Asset checks: every limit of a contract, held by Great Expectations, with the rows to look at."""

from collections.abc import Callable

import dagster as dg

from imgassets.defs.assets.branches import stage_key
from imgassets.defs.io_managers import Table
from imgassets.defs.metadata import markdown_table
from imgassets.defs.resources import ProjectResource
from imgassets.documents.base import fingerprint
from imgassets.documents.contract import Endpoint
from imgassets.documents.criteria import Criterion
from imgassets.documents.facets import endpoint_facet
from imgassets.metrics.families import METRICS
from imgassets.refresh.outputs import STAGES

_SEVERITY = {"gating": dg.AssetCheckSeverity.ERROR, "warning": dg.AssetCheckSeverity.WARN}


def branch_checks(endpoint: Endpoint, model: str) -> list[dg.AssetChecksDefinition]:
    """One check for each floor, ceiling, margin and failure mode of a branch, and for all other
    failure modes together.

    What only sends to a person is one check together: whether anybody need look.
    """
    checks = []
    if endpoint.asks_for_review and model != endpoint.incumbent:
        checks.append(_review_check(endpoint, model))
    for criterion in endpoint.all_criteria:
        if criterion.severity == "review":
            continue
        if criterion.floor is not None or criterion.ceiling is not None:
            checks.append(_metric_check(endpoint, model, criterion))
        if criterion.margin is not None and model != endpoint.incumbent:
            checks.append(_margin_check(endpoint, model, criterion))
    for flow in endpoint.flows:
        checks += [
            _failure_check(endpoint, model, STAGES[flow], f.mode) for f in endpoint.failure_modes
        ]
        checks.append(_unlisted_check(endpoint, model, STAGES[flow]))
    return checks


def _metric_check(endpoint: Endpoint, model: str, written: Criterion) -> dg.AssetChecksDefinition:
    family = written.metric.partition(".")[0]

    def run(contract: Endpoint, table: Table):  # type: ignore[no-untyped-def]
        from imgassets.decision.gx_suites import check_metric

        return check_metric(table, _criterion(contract, written.name))

    side = "floor" if written.floor is not None else "ceiling"
    what = f"{written.metric} of flow {written.flow} against its {side}."
    key = stage_key(endpoint.endpoint, model, family)
    return _check(endpoint, key, written.name, what, written.severity, run)


def _margin_check(endpoint: Endpoint, model: str, written: Criterion) -> dg.AssetChecksDefinition:
    def run(contract: Endpoint, table: Table):  # type: ignore[no-untyped-def]
        from imgassets.decision.gx_suites import check_comparison

        return check_comparison(table, _criterion(contract, written.name))

    same = METRICS[written.metric].direction == "same"
    near = "as near as the margin to" if same else "no worse, by more than the margin, than"
    what = f"{written.metric} of flow {written.flow} is {near} {endpoint.incumbent}'s."
    key = stage_key(endpoint.endpoint, model, "comparison")
    return _check(endpoint, key, f"{written.name}__margin", what, written.severity, run)


def _review_check(endpoint: Endpoint, model: str) -> dg.AssetChecksDefinition:
    def run(_: Endpoint, table: Table):  # type: ignore[no-untyped-def]
        from imgassets.decision.gx_suites import check_reviews

        return check_reviews(table)

    key = stage_key(endpoint.endpoint, model, "comparison")
    what = "Nothing that the contract sends to a person is shown to be off."
    return _check(endpoint, key, "review", what, "warning", run)


def _failure_check(
    endpoint: Endpoint, model: str, stage: str, mode: str
) -> dg.AssetChecksDefinition:
    def run(contract: Endpoint, table: Table):  # type: ignore[no-untyped-def]
        from imgassets.decision.gx_suites import check_statuses

        return check_statuses(table, mode, contract.max_failure_rate(mode))

    key = stage_key(endpoint.endpoint, model, stage)
    return _check(endpoint, key, f"failures__{mode}", f"How often {mode} occurs.", "gating", run)


def _unlisted_check(endpoint: Endpoint, model: str, stage: str) -> dg.AssetChecksDefinition:
    def run(contract: Endpoint, table: Table):  # type: ignore[no-untyped-def]
        from imgassets.decision.gx_suites import check_unlisted

        return check_unlisted(table, [f.mode for f in contract.failure_modes])

    key = stage_key(endpoint.endpoint, model, stage)
    what = "No failure mode occurs that the contract does not list."
    return _check(endpoint, key, "failures__unlisted", what, "gating", run)


def criteria_version(contract: Endpoint) -> str:
    """The version of what must hold; a check made against another one has to be made again."""
    return fingerprint(endpoint_facet(contract, "criteria"))


def _criterion(contract: Endpoint, name: str) -> Criterion:
    return next(c for c in contract.all_criteria if c.name == name)


def _check(
    endpoint: Endpoint,
    key: dg.AssetKey,
    name: str,
    description: str,
    severity: str,
    run: Callable,
) -> dg.AssetChecksDefinition:
    @dg.asset_check(
        asset=key,
        name=name,
        description=description,
        metadata={"severity": severity},
    )
    def check(workplace: ProjectResource, table: Table) -> dg.AssetCheckResult:
        contract = workplace.project().endpoint(endpoint.endpoint)
        outcome = run(contract, table)
        columns = [c for c in outcome.unexpected.columns if c not in ("endpoint", "model")]
        return dg.AssetCheckResult(
            passed=outcome.passed,
            severity=_SEVERITY[severity],
            description=outcome.expected,
            metadata={
                "expected": outcome.expected,
                "criteria": criteria_version(contract),
                "observed": "nothing" if outcome.observed is None else float(outcome.observed),
                "evaluated_rows": outcome.evaluated,
                "unexpected_rows": dg.MetadataValue.md(
                    markdown_table(outcome.unexpected[columns])
                    if len(outcome.unexpected)
                    else "none"
                ),
            },
        )

    return check
