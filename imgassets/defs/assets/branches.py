"""The branch of one endpoint and model: requests, images, metric tables.

Each asset body reads, calls one domain function, writes, and returns metadata.
"""

from collections.abc import Sequence
from contextlib import suppress
from typing import Any

import dagster as dg

from imgassets.backends.image_rows import MAKING_COLUMNS
from imgassets.defs.io_managers import Table, data_version, read_table
from imgassets.defs.metadata import image_metadata, table_metadata
from imgassets.defs.resources import BackendPool, ProjectResource
from imgassets.defs.run_logger import telling
from imgassets.documents.contract import Endpoint
from imgassets.flows import FLOWS, FlowName
from imgassets.metrics.families import FAMILIES
from imgassets.refresh.dagster_state import asset_keys
from imgassets.refresh.document_changes import facet_key
from imgassets.refresh.extra_seeds import requests_of
from imgassets.refresh.observed.environment import ENVIRONMENT_KEY
from imgassets.refresh.observed.extra_seeds import extra_seeds_key
from imgassets.requests import (
    Request,
    request_table,
    requests_version,
    stacked,
)

_REQUESTS_VERSION = "1"
#: Raise when failures are told apart in another way: failed images are asked for again.
_IMAGES_VERSION = "2"
#: For hosted models: what their provider refuses is a row with a reason, so a step that fails as a
#: whole has lost its network. Images it got are in the store.
_FOR_A_NETWORK = dg.RetryPolicy(
    max_retries=2, delay=10, backoff=dg.Backoff.EXPONENTIAL, jitter=dg.Jitter.PLUS_MINUS
)


def stage_key(endpoint: str, model: str, stage: str) -> dg.AssetKey:
    """Asset key `[endpoint, model, stage]`."""
    return dg.AssetKey([endpoint, model, stage])


def group_of(endpoint: str, model: str) -> str:
    """Group `ENDPOINT_by_MODEL`: its images are made by it. Dagster knows no hyphen there."""
    return f"{endpoint}_by_{model}".replace("-", "_")


def report_group(endpoint: str) -> str:
    """Group of what an endpoint's verdicts come to."""
    return f"{endpoint}_report".replace("-", "_")


def step_of(endpoint: str, model: str, stage: str) -> str:
    """Name of a step that has no asset key of its own, in the form Dagster gives the others."""
    return f"{endpoint}__{model}__{stage}".replace("-", "_")


def tags_of(endpoint: Endpoint, model: str, flow: str = "") -> dict[str, str]:
    """What assets of a branch are found by in the UI."""
    role = "incumbent" if model == endpoint.incumbent else "candidate"
    tags = {"endpoint": endpoint.endpoint, "model": model, "role": role}
    return tags | ({"flow": flow} if flow else {})


def branch_assets(
    endpoint: Endpoint, model: str, facets: Sequence[str], learned: bool
) -> list[dg.AssetsDefinition]:
    """All assets of a branch up to its metric tables.

    `facets` are the model's (`documents.facets.facet_names`); `learned`: whether a judge of the
    endpoint is a network that may need the GPU.
    """
    # A raised budget lets a hosted model go on where it stopped.
    limits = asset_keys([facet_key("models", model, "limits")] if "limits" in facets else [])
    return [
        _requests(endpoint, model),
        *(_images(endpoint, model, flow, limits) for flow in endpoint.flows),
        _metrics(endpoint, model, learned),
    ]


def _requests(endpoint: Endpoint, model: str) -> dg.AssetsDefinition:
    keys = {
        flow: stage_key(endpoint.endpoint, model, f"requests_{flow}") for flow in endpoint.flows
    }
    facets = [
        facet_key("endpoints", endpoint.endpoint, "requests"),
        facet_key("endpoints", endpoint.endpoint, "chain"),
        facet_key("models", model, "generator"),
        facet_key("models", model, "upscaler"),
        *(facet_key("prompts", name, "prompts") for name in endpoint.prompt_sets),
        extra_seeds_key(endpoint.endpoint, model),
        # A new torch changes pixels as a new model does.
        ENVIRONMENT_KEY,
    ]

    @dg.multi_asset(
        name=step_of(endpoint.endpoint, model, "requests"),
        outs={
            flow: dg.AssetOut(
                key=key,
                description=f"One row for each image of flow {flow}, with its image key.",
                code_version=_REQUESTS_VERSION,
                kinds={"table"},
                tags=tags_of(endpoint, model, flow),
            )
            for flow, key in keys.items()
        },
        deps=asset_keys(facets),
        group_name=group_of(endpoint.endpoint, model),
    )
    def requests(workplace: ProjectResource, maker: BackendPool) -> Any:
        device, _ = maker.chosen()
        rows = requests_of(workplace.project(), endpoint.endpoint, model, device)
        for flow in keys:
            asked = [r for r in rows if r.flow == flow]
            table = request_table(asked)
            yield dg.Output(
                table,
                output_name=flow,
                data_version=dg.DataVersion(requests_version(asked)),
                metadata={"images": len(table), **table_metadata(table.drop(columns="request"))},
            )

    return requests


def _images(
    endpoint: Endpoint, model: str, flow: FlowName, limits: list[dg.AssetKey]
) -> dg.AssetsDefinition:
    name = endpoint.endpoint
    source = endpoint.source_of(flow)
    sources = [stage_key(name, model, FLOWS[source].stage)] if source else []

    @dg.asset(
        key=stage_key(name, model, FLOWS[flow].stage),
        ins={"asked": dg.AssetIn(stage_key(name, model, f"requests_{flow}"))},
        deps=[*sources, *limits],
        group_name=group_of(name, model),
        code_version=_IMAGES_VERSION,
        tags=tags_of(endpoint, model, flow),
        retry_policy=_FOR_A_NETWORK if limits else None,
        pool="gpu",
        kinds={"image"},
        description=f"Images of flow {flow}: those the store lacks are made, the rest is reused.",
    )
    def images(
        context: dg.AssetExecutionContext,
        workplace: ProjectResource,
        maker: BackendPool,
        asked: Table,
    ) -> dg.Output[Table]:
        from imgassets.backends.generation import make_images

        project, store = workplace.project(), workplace.store()
        device, why = maker.chosen()
        context.log.info(f"{name}/{model}: {len(asked)} images to {flow} on {device} ({why})")
        requests = Request.from_table(asked)
        present = store.present({r.image_key for r in requests})
        lacking = [r for r in requests if r.image_key not in present]
        if lacking:
            _need_present(lacking, requests_of(project, name, model, device), flow)
        table, made = make_images(
            requests,
            store,
            maker.engine(project, model, flow),
            batch_size=project.model(model).batch_size,
            progress=telling(context.log, f"{name}/{model}: {flow}"),
        )
        return dg.Output(
            table,
            data_version=data_version(table.drop(columns=list(MAKING_COLUMNS))),
            metadata=image_metadata(table, store, made) | {"device": f"{device} ({why})"},
        )

    return images


def _need_present(lacking: Sequence[Request], now: Sequence[Request], flow: FlowName) -> None:
    """Images are made by the documents as they are, and kept under keys of those that asked."""
    keys = {r.image_key for r in now}
    old = [r for r in lacking if r.image_key not in keys]
    if old:
        raise dg.Failure(
            f"{len(old)} of these requests ask for images as the documents would have had them; "
            f"materialize requests_{flow} first, or run `imgassets validate`",
            allow_retries=False,
        )


def _metrics(endpoint: Endpoint, model: str, learned: bool) -> dg.AssetsDefinition:
    """All metric tables of a branch: one step, so that each image is decoded once."""
    name, families = endpoint.endpoint, endpoint.families
    keys = {family: stage_key(name, model, family) for family in families}
    made_of = {family: _made_of(endpoint, model, family) for family in families}

    @dg.multi_asset(
        name=step_of(name, model, "metrics"),
        outs={family: _metric_table(endpoint, model, family) for family in families},
        deps=sorted(set[dg.AssetKey]().union(*made_of.values())),
        internal_asset_deps=made_of,
        group_name=group_of(name, model),
        can_subset=True,
        pool="gpu" if learned else None,
    )
    def metrics(
        context: dg.AssetExecutionContext, workplace: ProjectResource, maker: BackendPool
    ) -> Any:
        from imgassets.metrics.branch import Branch
        from imgassets.metrics.metric_rows import measure_all

        wanted = context.selected_asset_keys
        chosen = {family: flows for family, flows in families.items() if keys[family] in wanted}
        looked_at = [flow for flow in endpoint.flows if any(flow in f for f in chosen.values())]
        images = stacked(
            read_table(workplace, stage_key(name, model, FLOWS[flow].stage)) for flow in looked_at
        )
        device, _ = maker.chosen()
        project = workplace.project()
        judges: dict[str, str] = {}
        with suppress(ValueError):  # a damaged calibration is told where verdicts read it
            judges = workplace.judges(project, name)
        tables = measure_all(
            list(chosen),
            Branch(project, name, model, images, workplace.store(), device),
            workplace.scores(),
            telling(context.log, f"{name}/{model}: scored"),
            maker.scorers(),
        )
        failed: list[Exception] = []
        for family, table in tables:
            if isinstance(table, Exception):
                failed.append(table)
            else:
                context.log.info(f"{name}/{model}: {family}, {len(table)} scores")
                yield _output(family, table, judges.get(family, ""))
        if failed:
            raise failed[0]

    return metrics


def _output(family: str, table: Table, judge: str) -> dg.Output:
    """A metric table; `judge` says which one and how often it is right, where there is one."""
    shown = table_metadata(table) | ({"judge": judge} if judge else {})
    return dg.Output(table, output_name=family, data_version=data_version(table), metadata=shown)


def _made_of(endpoint: Endpoint, model: str, family: str) -> set[dg.AssetKey]:
    flows = endpoint.families[family]
    return {
        *(stage_key(endpoint.endpoint, model, FLOWS[flow].stage) for flow in flows),
        *asset_keys(_facets_measured_against(endpoint, model, family)),
    }


def _metric_table(endpoint: Endpoint, model: str, family: str) -> dg.AssetOut:
    return dg.AssetOut(
        key=stage_key(endpoint.endpoint, model, family),
        is_required=False,
        description=f"Metric family {family}: one row for each metric of each image.",
        code_version=FAMILIES[family].version,
        tags=tags_of(endpoint, model) | {"family": family},
        kinds={"table"},
    )


def _facets_measured_against(endpoint: Endpoint, model: str, family: str) -> list[str]:
    documents = {
        "endpoints": (endpoint.endpoint,),
        "models": (model,),
        "prompts": endpoint.prompt_sets,
    }
    depends_on = FAMILIES[family].depends_on
    judge = endpoint.judges_used.get(family)
    return [
        *(facet_key(kind, name, facet) for kind, facet in depends_on for name in documents[kind]),
        *([facet_key("judges", judge, "measures")] if judge else []),
    ]
