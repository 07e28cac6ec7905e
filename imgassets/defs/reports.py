"""The report of one endpoint: all its models side by side."""

from datetime import UTC, datetime
from typing import Any

import dagster as dg

from imgassets.defs.branches import stage_key
from imgassets.defs.resources import Workplace
from imgassets.defs.verdicts import measured, measured_inputs
from imgassets.spec.contract import Endpoint

_REPORT_VERSION = "1"


def report_key(endpoint: str) -> dg.AssetKey:
    """Asset key `[endpoint, report]`."""
    return dg.AssetKey([endpoint, "report"])


def report_asset(endpoint: Endpoint) -> dg.AssetsDefinition:
    """Files a person, a pull request and a CI system can read."""
    name = endpoint.endpoint
    ins: dict[str, dg.AssetIn] = {}
    for model in endpoint.models:
        ins |= measured_inputs(endpoint, model)
        ins[_input(model, "comparison")] = dg.AssetIn(stage_key(name, model, "comparison"))
        ins[_input(model, "verdict")] = dg.AssetIn(
            stage_key(name, model, "verdict"), input_manager_key="verdicts"
        )

    @dg.asset(
        key=report_key(name),
        ins=ins,
        group_name=f"{name}__report".replace("-", "_"),
        code_version=_REPORT_VERSION,
        kinds={"html"},
        description=f"The go/no-go report of {name}: HTML, Markdown, JUnit XML and JSON.",
    )
    def report(workplace: Workplace, **tables: Any) -> dg.MaterializeResult:
        from imgassets.decision import Comparison, Verdict
        from imgassets.provenance import provenance
        from imgassets.report import build_report
        from imgassets.report.assemble import assemble

        project, store = workplace.project(), workplace.store()
        contract = project.endpoint(name)
        verdicts = [Verdict.model_validate(tables[_input(m, "verdict")]) for m in contract.models]
        comparisons = {
            m: Comparison(name, m, contract.incumbent, tables[_input(m, "comparison")])
            for m in contract.models
        }
        files = build_report(
            assemble(
                contract,
                {m: measured(contract, m, tables) for m in contract.models},
                comparisons,
                verdicts,
                load=store.read_bytes,
                request=lambda key: store.record(key).request,
                provenance=provenance(project, contract),
                created=datetime.now(UTC).isoformat(timespec="seconds"),
            )
        )
        folder = workplace.home() / "reports" / name
        folder.mkdir(parents=True, exist_ok=True)
        for file_name, text in files.items():
            temporary = folder / f".{file_name}.new"
            temporary.write_text(text, encoding="utf-8")
            temporary.replace(folder / file_name)
        return dg.MaterializeResult(
            metadata={
                "report": dg.MetadataValue.path(str(folder / "report.html")),
                "summary": dg.MetadataValue.md(files["summary.md"]),
            }
        )

    return report


def _input(model: str, stage: str) -> str:
    return f"{model.replace('-', '_')}__{stage}"
