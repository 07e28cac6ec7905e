"""The branch of one endpoint and model: requests, images, metric tables.

Each asset body reads, calls one domain function, writes, and returns metadata.
"""

from collections.abc import Sequence
from typing import Any

import dagster as dg

from imgassets.backends.device import Device
from imgassets.defs.io_managers import Table, data_version
from imgassets.defs.metadata import image_metadata, table_metadata
from imgassets.defs.resources import BackendPool, ProjectResource
from imgassets.documents.contract import Endpoint
from imgassets.documents.metric_catalogue import FAMILY_VERSIONS, Flow, families_of
from imgassets.refresh.dagster_state import asset_keys
from imgassets.refresh.extra_seeds import requests_of
from imgassets.refresh.observed.documents import facet_key
from imgassets.refresh.observed.extra_seeds import extra_seeds_key
from imgassets.refresh.outputs import STAGES
from imgassets.requests import (
    Request,
    environment_words,
    request_table,
    requests_version,
    stacked,
)

_REQUESTS_VERSION = "1"
#: Raise when failures are told apart in another way: failed images are asked for again.
_IMAGES_VERSION = "2"


def stage_key(endpoint: str, model: str, stage: str) -> dg.AssetKey:
    """Asset key `[endpoint, model, stage]`."""
    return dg.AssetKey([endpoint, model, stage])


def group_of(endpoint: str, model: str) -> str:
    """Group `endpoint__model`; Dagster knows no hyphen there."""
    return f"{endpoint}__{model}".replace("-", "_")


def branch_assets(
    endpoint: Endpoint, model: str, device: Device, facets: Sequence[str]
) -> list[dg.AssetsDefinition]:
    """All assets of a branch up to its metric tables, made on a device class.

    `facets` are the model's (`documents.facets.model_facets`).
    """
    # A raised budget lets a hosted model go on where it stopped.
    limits = asset_keys([facet_key("models", model, "limits")] if "limits" in facets else [])
    return [
        _requests(endpoint, model, device),
        *(_images(endpoint, model, flow, limits) for flow in endpoint.flows),
        *(_metrics(endpoint, model, f, flows) for f, flows in families_of(endpoint.flows).items()),
    ]


def _requests(endpoint: Endpoint, model: str, device: Device) -> dg.AssetsDefinition:
    # A new torch changes pixels as a new model does, so it makes requests stale as code would.
    code_version = f"{_REQUESTS_VERSION} ({environment_words(device)})"
    group = group_of(endpoint.endpoint, model)
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
    ]

    @dg.multi_asset(
        name=f"{group}__requests",
        outs={
            flow: dg.AssetOut(
                key=key,
                description=f"One row for each image of flow {flow}, with its image key.",
                code_version=code_version,
                kinds={"table"},
            )
            for flow, key in keys.items()
        },
        deps=asset_keys(facets),
        group_name=group,
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
    endpoint: Endpoint, model: str, flow: Flow, limits: list[dg.AssetKey]
) -> dg.AssetsDefinition:
    name = endpoint.endpoint
    # A flow starts from the images of another, so it comes after them.
    source = endpoint.source_of(flow)
    sources = [stage_key(name, model, STAGES[source])] if source else []

    @dg.asset(
        key=stage_key(name, model, STAGES[flow]),
        ins={"asked": dg.AssetIn(stage_key(name, model, f"requests_{flow}"))},
        deps=[*sources, *limits],
        group_name=group_of(name, model),
        code_version=_IMAGES_VERSION,
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
        lacking = [r for r in requests if not store.has(r.image_key)]
        if lacking:
            _need_present(lacking, requests_of(project, name, model, device), flow)
        table, made = make_images(
            requests,
            store,
            maker.maker(project, model, flow),
            batch_size=project.model(model).batch_size,
            progress=lambda done, of: context.log.info(f"{name}/{model}: {flow} {done}/{of}"),
        )
        stable = table.drop(columns=["seconds", "peak_memory_mib", "batch_size"])
        return dg.Output(
            table,
            data_version=data_version(stable),
            metadata={
                "made_now": made,
                "from_store": int((table["status"] == "ok").sum()) - made,
                "failed": int((table["status"] != "ok").sum()),
                "device": f"{device} ({why})",
                **image_metadata(table, store),
                **table_metadata(table),
            },
        )

    return images


def _need_present(lacking: Sequence[Request], now: Sequence[Request], flow: Flow) -> None:
    """Images are made by the documents as they are, and kept under keys of those that asked."""
    keys = {r.image_key for r in now}
    old = [r for r in lacking if r.image_key not in keys]
    if old:
        raise dg.Failure(
            f"{len(old)} of these requests ask for images as the documents would have had them; "
            f"materialize requests_{flow} first, or run `imgassets validate`"
        )


def _metrics(endpoint: Endpoint, model: str, family: str, flows: list[Flow]) -> dg.AssetsDefinition:
    name = endpoint.endpoint

    @dg.asset(
        key=stage_key(name, model, family),
        ins={flow: dg.AssetIn(stage_key(name, model, STAGES[flow])) for flow in flows},
        deps=asset_keys(_facets_measured_against(endpoint, model, family)),
        group_name=group_of(name, model),
        code_version=FAMILY_VERSIONS[family],
        kinds={"table"},
        description=f"Metric family {family}: one row for each metric of each image.",
    )
    def metrics(
        context: dg.AssetExecutionContext, workplace: ProjectResource, **tables: Table
    ) -> dg.Output[Table]:
        from imgassets.metrics.families import measure

        images = stacked(tables.values())
        table = measure(family, workplace.project(), name, model, images, workplace.store())
        context.log.info(f"{name}/{model}: {family}, {len(table)} scores")
        return dg.Output(table, data_version=data_version(table), metadata=table_metadata(table))

    return metrics


def _facets_measured_against(endpoint: Endpoint, model: str, family: str) -> list[str]:
    if family in ("composition", "typography"):
        return [facet_key("prompts", name, family) for name in endpoint.prompt_sets]
    if family == "cost":
        return [facet_key("models", model, "price")]
    asked = [facet_key("endpoints", endpoint.endpoint, "requests")]
    if family == "artefacts":
        return [*asked, facet_key("endpoints", endpoint.endpoint, "chain")]
    return asked
