"""The report of one endpoint: all its models side by side."""

from dataclasses import replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import dagster as dg

from imgassets.defs.assets.branches import report_group, stage_key
from imgassets.defs.assets.verdict import input_name, measured, measured_inputs, observed_input
from imgassets.defs.resources import EarlierReports, ProjectResource
from imgassets.documents.contract import Endpoint
from imgassets.documents.environment import reports_url
from imgassets.refresh.dagster_state import asset_keys
from imgassets.refresh.document_changes import facet_key
from imgassets.refresh.observed.answers import answers_key
from imgassets.refresh.observed.drift import drift_key
from imgassets.refresh.observed.labels import labels_key
from imgassets.refresh.observed.pilots import last_pilot_key
from imgassets.refresh.observed.rollout import rollout_key
from imgassets.report.forms import REPORT_FORMS
from imgassets.storage.shared_files import SharedFiles

if TYPE_CHECKING:
    from imgassets.report.inputs import ReportInput

_REPORT_VERSION = "4"


def report_key(endpoint: str) -> dg.AssetKey:
    """Asset key `[endpoint, report]`."""
    return dg.AssetKey([endpoint, "report"])


def report_asset(endpoint: Endpoint) -> dg.AssetsDefinition:
    """Files a person, a pull request and a CI system can read."""
    name = endpoint.endpoint
    ins: dict[str, dg.AssetIn] = {"labels": observed_input(labels_key(name))}
    for model in endpoint.models:
        ins |= measured_inputs(endpoint, model)
        ins[input_name(model, "comparison")] = dg.AssetIn(stage_key(name, model, "comparison"))
        ins[input_name(model, "verdict")] = dg.AssetIn(
            stage_key(name, model, "verdict"), input_manager_key="verdicts"
        )
        ins[input_name(model, "drift")] = observed_input(drift_key(name, model))
    for model in endpoint.candidates:
        ins[input_name(model, "answers")] = observed_input(answers_key(name, model))

    @dg.asset(
        key=report_key(name),
        ins=ins,
        deps=asset_keys(_beside_verdicts(endpoint)),
        group_name=report_group(name),
        code_version=_REPORT_VERSION,
        tags={"endpoint": name},
        metadata=_link(name),
        kinds={"html"},
        description=f"The go/no-go report of {name}: HTML, Markdown, JUnit XML and JSON.",
    )
    def report(
        workplace: ProjectResource, earlier: EarlierReports, **tables: Any
    ) -> dg.MaterializeResult:
        from imgassets.report.build import build_report
        from imgassets.report.document import report_document

        found = _report_input(workplace, earlier, name, tables)
        kept = earlier.kept(name)
        previous = kept.previous(report_document(found))
        files = build_report(replace(found, previous=previous))
        kept.write(files, previous)
        SharedFiles.of(workplace.home()).push()
        return dg.MaterializeResult(
            metadata={
                "verdicts": dg.MetadataValue.md(_verdicts(found)),
                "summary": dg.MetadataValue.md(files[REPORT_FORMS["md"]]),
                "file": dg.MetadataValue.path(str(kept.folder / REPORT_FORMS["html"])),
            }
        )

    return report


def _beside_verdicts(endpoint: Endpoint) -> list[str]:
    """What a report tells of that no verdict depends on."""
    return [
        *([rollout_key(endpoint.endpoint)] if endpoint.rollout else []),
        *(last_pilot_key(endpoint.endpoint, m) for m in endpoint.models if endpoint.pilot),
        facet_key("endpoints", endpoint.endpoint, "traffic"),
        *(facet_key("models", model, "price") for model in endpoint.models),
    ]


def _report_input(
    workplace: ProjectResource, earlier: EarlierReports, name: str, tables: dict[str, Any]
) -> "ReportInput":
    from imgassets.decision import Comparison, Verdict
    from imgassets.pilot.for_report import last_pilots
    from imgassets.refresh.contradictions import contradicted_images
    from imgassets.report.assemble import assemble
    from imgassets.report.provenance import labels_in_words, provenance

    project, store = workplace.project(), workplace.store()
    contract, labels = project.endpoint(name), tables["labels"]
    found = {m: measured(contract, m, tables) for m in contract.models}
    made_from = provenance(project, contract)
    if labels.labels:
        keys = {key for side in found.values() for key in side.images["image_key"]}
        made_from["labels"] = labels_in_words(labels, keys)
    for told in contradicted_images(project, store, [(name, m) for m in contract.models]):
        made_from[f"files of {told.model} that contradict what is said of them"] = told.in_words()
    judged = assemble(
        contract,
        found,
        {
            m: Comparison(name, m, contract.incumbent, tables[input_name(m, "comparison")])
            for m in contract.models
        },
        [Verdict.model_validate(tables[input_name(m, "verdict")]) for m in contract.models],
        load=store.read_bytes,
        request=lambda key: store.record(key).request,
        prices={m: project.model(m).price for m in contract.models},
        provenance=made_from,
        repetitions={m: tables[input_name(m, "drift")].repetitions for m in contract.models},
        describe=earlier.describe(),
        answers={m: tables[input_name(m, "answers")].counted for m in contract.candidates},
        pilots=last_pilots(project, name),
        created=f"{datetime.now(UTC):%Y-%m-%d %H:%M:%S} UTC",
    )
    return replace(judged, rollout=_rollout(workplace, name))


def _rollout(workplace: ProjectResource, name: str) -> list[dict[str, Any]]:
    """What was done to the endpoint's flag, in order."""
    from imgassets.rollout.record import read_record
    from imgassets.storage.rollout_files import rollout_files

    record = read_record(rollout_files(workplace.project().root))
    return [entry.model_dump() for entry in record.of(name)]


def _link(endpoint: str) -> dict[str, dg.MetadataValue]:
    """A link that opens the report, where `imgassets ui` serves it."""
    url = reports_url()
    page = f"{url}/{endpoint}/{REPORT_FORMS['html']}"
    return {"report": dg.MetadataValue.url(page)} if url else {}


def _verdicts(found: "ReportInput") -> str:
    """One line a model; Dagster shows no more than a thousand characters at once."""
    return "\n".join(f"- {v.model}: **{v.verdict}**" for v in found.verdicts)
