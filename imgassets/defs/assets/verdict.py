"""Comparison and verdict of one endpoint and model."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import dagster as dg

from imgassets.defs.assets.branches import group_of, stage_key, tags_of
from imgassets.defs.io_managers import Table, data_version
from imgassets.defs.metadata import beside_incumbent, table_metadata
from imgassets.defs.resources import LookRecord, ProjectResource
from imgassets.documents.contract import Endpoint
from imgassets.documents.facets import facets_of
from imgassets.documents.labels import LabelFile
from imgassets.documents.models import pairing_of
from imgassets.documents.project import Project
from imgassets.drift.findings import Revalidated, drift_reasons
from imgassets.flows import FLOWS
from imgassets.refresh.dagster_state import asset_key, asset_keys
from imgassets.refresh.document_changes import facet_key
from imgassets.refresh.observed.calibrations import calibrations_key
from imgassets.refresh.observed.drift import drift_key
from imgassets.refresh.observed.extra_seeds import extra_seeds_key
from imgassets.refresh.observed.labels import labels_key

if TYPE_CHECKING:
    from imgassets.decision import Measured

#: Raise when the decision rule or its words change.
DECISION_VERSION = "7"
Tables = dict[str, Table]


def verdict_assets(endpoint: Endpoint, model: str) -> list[dg.AssetsDefinition]:
    """The comparison with the incumbent, and the verdict drawn from it."""
    return [_comparison(endpoint, model), _verdict(endpoint, model)]


def input_name(model: str, stage: str) -> str:
    """What an asset that reads several models calls a table of one of them."""
    return f"{model.replace('-', '_')}__{stage}"


def measured_inputs(endpoint: Endpoint, model: str) -> dict[str, dg.AssetIn]:
    """Inputs that `measured` reads a model's tables from."""
    stages = [*(FLOWS[flow].stage for flow in endpoint.flows), *endpoint.families]
    return {
        input_name(model, stage): dg.AssetIn(stage_key(endpoint.endpoint, model, stage))
        for stage in stages
    }


def measured(endpoint: Endpoint, model: str, tables: Tables) -> "Measured":
    """All that was measured on a model, from the tables of `measured_inputs`."""
    from imgassets.decision.measurements import gather_measured
    from imgassets.requests import stacked

    def table(stage: str) -> Table:
        return tables[input_name(model, stage)]

    images = stacked(table(FLOWS[flow].stage) for flow in endpoint.flows)
    scores = [table(family) for family in endpoint.families]
    return gather_measured(model, images, scores)


def observed_input(key: str) -> dg.AssetIn:
    """An input of observed state: what it holds now, and not its version alone."""
    return dg.AssetIn(asset_key(key), input_manager_key="observed")


def _comparison(endpoint: Endpoint, model: str) -> dg.AssetsDefinition:
    name, incumbent = endpoint.endpoint, endpoint.incumbent
    ins = measured_inputs(endpoint, model) | measured_inputs(endpoint, incumbent)
    ins["labels"] = observed_input(labels_key(name))
    ins["judges"] = observed_input(calibrations_key(name))

    @dg.asset(
        key=stage_key(name, model, "comparison"),
        ins=ins,
        deps=asset_keys([facet_key("endpoints", name, "criteria")]),
        group_name=group_of(name, model),
        code_version=DECISION_VERSION,
        tags=tags_of(endpoint, model),
        kinds={"table"},
        description=_compared(model, incumbent),
    )
    def comparison(
        workplace: ProjectResource,
        looks: LookRecord,
        labels: LabelFile,
        judges: dict,
        **tables: Table,
    ) -> dg.Output[Table]:
        from imgassets.decision import compare

        project = workplace.project()
        contract = project.endpoint(name)
        candidate = measured(contract, model, tables)
        against = None if model == incumbent else measured(contract, incumbent, tables)
        pairing = pairing_of(project.model(model), project.model(incumbent))
        sides = [candidate] if against is None else [candidate, against]
        look = looks.record().number_with_labels(name, model, *_data(project, sides), labels.means)
        known: Any = {"look": look, "labels": labels.means, "judges": judges}
        table = compare(contract, candidate, against, pairing=pairing, **known).table
        shown = table[["criterion", "estimate", "difference", "state", "reason"]]
        sheet = {}
        if against is not None:
            pairs = beside_incumbent(candidate.images, against.images, workplace.store())
            sheet = {"contact_sheet": pairs}
        return dg.Output(
            table,
            data_version=data_version(table),
            metadata=sheet | table_metadata(shown, len(shown)),
        )

    return comparison


def _data(project: Project, sides: Sequence["Measured"]) -> tuple[list[str], list[str]]:
    """What a look is taken at: the generators of the models, and the keys of their images."""
    generators = [facets_of(project, "models", side.model)["generator"] for side in sides]
    return generators, [key for side in sides for key in side.images["image_key"]]


def _compared(model: str, incumbent: str) -> str:
    if model == incumbent:
        return f"{model} against the contract."
    return (
        f"{model} against the contract and against {incumbent}, paired by prompt, and by seed "
        "unless one is hosted."
    )


def _verdict(endpoint: Endpoint, model: str) -> dg.AssetsDefinition:
    name = endpoint.endpoint
    compared = tuple(dict.fromkeys((model, endpoint.incumbent)))

    @dg.asset(
        key=stage_key(name, model, "verdict"),
        ins={
            "comparison": dg.AssetIn(stage_key(name, model, "comparison")),
            "extra_seeds": observed_input(extra_seeds_key(name, model)),
            **{input_name(m, "drift"): observed_input(drift_key(name, m)) for m in compared},
        },
        group_name=group_of(name, model),
        code_version=DECISION_VERSION,
        tags=tags_of(endpoint, model),
        kinds={"verdict"},
        io_manager_key="verdicts",
        description=f"GO, NO-GO, REVIEW or INCONCLUSIVE for {model} at {name}, in one sentence.",
    )
    def verdict(
        context: dg.AssetExecutionContext,
        comparison: Table,
        extra_seeds: tuple,
        **drift: Revalidated,
    ) -> dg.Output[dict]:
        from imgassets.decision import Comparison, decide
        from imgassets.documents.base import fingerprint

        reasons = drift_reasons({m: drift[input_name(m, "drift")].drifts for m in compared})
        found = decide(
            Comparison(name, model, endpoint.incumbent, comparison), reasons, len(extra_seeds)
        )
        context.log.info(f"{name}/{model}: {found.sentence}")
        return dg.Output(
            found.to_dict(),
            data_version=dg.DataVersion(fingerprint(found.to_dict())),
            metadata={
                "verdict": found.verdict,
                "sentence": found.sentence,
                "decided_by": ", ".join(found.decided_by) or "all criteria",
                "closest_criterion": found.closest_criterion or "none",
                **({"judges": found.judges} if found.judges else {}),
            },
        )

    return verdict
