"""The branch of one endpoint and model: requests, images, metric tables.

Each asset body reads, calls one domain function, writes, and returns metadata.
"""

from collections.abc import Callable, Sequence
from typing import Any

import dagster as dg
import pandas as pd

from imgassets.backends.device import Device
from imgassets.defs.documents import facet_key
from imgassets.defs.resources import Maker, Workplace
from imgassets.defs.shown import image_metadata, table_metadata
from imgassets.defs.tables import data_version
from imgassets.requests import (
    Request,
    build_requests,
    environment_words,
    request_table,
    requests_version,
)
from imgassets.spec.contract import Endpoint, Returns
from imgassets.spec.metrics import FAMILY_VERSIONS, METRICS, Flow
from imgassets.spec.upscaler import seam_cell

#: The image asset of each flow.
STAGES: dict[Flow, str] = {
    "generate": "generated",
    "stylize": "stylized",
    "edit": "edited",
    "upscale": "upscaled",
    "postprocess": "postprocessed",
}
FAMILIES = tuple(FAMILY_VERSIONS)
_REQUESTS_VERSION = "1"
_IMAGES_VERSION = "1"


def stage_key(endpoint: str, model: str, stage: str) -> dg.AssetKey:
    """Asset key `[endpoint, model, stage]`."""
    return dg.AssetKey([endpoint, model, stage])


def group_of(endpoint: str, model: str) -> str:
    """Group `endpoint__model`; Dagster knows no hyphen there."""
    return f"{endpoint}__{model}".replace("-", "_")


def families_of(endpoint: Endpoint) -> dict[str, list[Flow]]:
    """Metric families of an endpoint, with the flows each looks at."""
    measured = {
        family: [
            flow
            for flow in endpoint.flows
            if any(flow in m.flows for m in METRICS.values() if m.family == family)
        ]
        for family in FAMILIES
    }
    return {family: flows for family, flows in measured.items() if flows}


def branch_assets(
    endpoint: Endpoint, model: str, device: Device, facets: Sequence[str]
) -> list[dg.AssetsDefinition]:
    """All assets of a branch up to its metric tables, made on a device class.

    `facets` are the model's (`spec.facets.model_facets`).
    """
    # A raised budget lets a hosted model go on where it stopped.
    limits = [facet_key("models", model, "limits")] if "limits" in facets else []
    return [
        _requests(endpoint, model, device),
        *(_images(endpoint, model, flow, limits) for flow in endpoint.flows),
        *(_metrics(endpoint, model, f, flows) for f, flows in families_of(endpoint).items()),
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
        deps=facets,
        group_name=group,
    )
    def requests(workplace: Workplace, maker: Maker) -> Any:
        device, _ = maker.chosen()
        rows = build_requests(workplace.project(), endpoint.endpoint, model, device)
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
        context: dg.AssetExecutionContext, workplace: Workplace, maker: Maker, asked: pd.DataFrame
    ) -> dg.Output[pd.DataFrame]:
        from imgassets.backends.making import make_images

        project, store = workplace.project(), workplace.store()
        device, why = maker.chosen()
        context.log.info(f"{name}/{model}: {len(asked)} images to {flow} on {device} ({why})")
        table, made = make_images(
            Request.from_table(asked),
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


def _metrics(endpoint: Endpoint, model: str, family: str, flows: list[Flow]) -> dg.AssetsDefinition:
    name = endpoint.endpoint

    @dg.asset(
        key=stage_key(name, model, family),
        ins={flow: dg.AssetIn(stage_key(name, model, STAGES[flow])) for flow in flows},
        deps=_facets_measured_against(endpoint, model, family),
        group_name=group_of(name, model),
        code_version=FAMILY_VERSIONS[family],
        kinds={"table"},
        description=f"Metric family {family}: one row for each metric of each image.",
    )
    def metrics(
        context: dg.AssetExecutionContext, workplace: Workplace, **tables: pd.DataFrame
    ) -> dg.Output[pd.DataFrame]:
        images = pd.concat(tables.values(), ignore_index=True)
        table = _MEASURE[family](workplace, name, model, images)
        context.log.info(f"{name}/{model}: {family}, {len(table)} scores")
        return dg.Output(table, data_version=data_version(table), metadata=table_metadata(table))

    return metrics


def _facets_measured_against(endpoint: Endpoint, model: str, family: str) -> list[dg.AssetKey]:
    if family in ("composition", "typography"):
        return [facet_key("prompts", name, family) for name in endpoint.prompt_sets]
    if family == "cost":
        return [facet_key("models", model, "price")]
    asked = [facet_key("endpoints", endpoint.endpoint, "requests")]
    if family == "artefacts":
        return [*asked, facet_key("endpoints", endpoint.endpoint, "chain")]
    return asked


# ---- how each family is measured -----------------------------------------------------------

_Measure = Callable[[Workplace, str, str, pd.DataFrame], pd.DataFrame]


def _content(family: str) -> _Measure:
    def measure(workplace: Workplace, endpoint: str, model: str, images: pd.DataFrame) -> Any:
        from imgassets.metrics.tables import content_table

        project = workplace.project()
        wanted = project.expectations(project.endpoint(endpoint))
        return content_table(family, images, wanted, workplace.store().read_array)

    return measure


def _artefacts(workplace: Workplace, endpoint: str, model: str, images: pd.DataFrame) -> Any:
    from imgassets.metrics.tables import artefact_table

    project = workplace.project()
    contract, upscaler = project.endpoint(endpoint), project.model(model).upscaler
    scale = upscaler.scale if upscaler else 1
    returned: dict[str, Returns] = {flow: contract.returned(flow, scale) for flow in contract.flows}
    return artefact_table(images, returned, workplace.store().read_bytes)


def _edit_stability(workplace: Workplace, endpoint: str, model: str, images: pd.DataFrame) -> Any:
    from imgassets.metrics.tables import edit_table

    project = workplace.project()
    sets = project.prompts_of(project.endpoint(endpoint))
    regions = {p.id: p.edit.region for s in sets for p in s.prompts if p.edit}
    return edit_table(images, regions, workplace.store().read_array)


def _stylization(workplace: Workplace, endpoint: str, model: str, images: pd.DataFrame) -> Any:
    from imgassets.metrics.tables import stylize_table

    return stylize_table(images, workplace.store().read_array)


def _upscaling(workplace: Workplace, endpoint: str, model: str, images: pd.DataFrame) -> Any:
    from imgassets.metrics.tables import upscale_table

    upscaler = workplace.project().model(model).upscaler
    scale, read = upscaler.scale if upscaler else 1, workplace.store().read_array
    return upscale_table(images, scale, read, seam_cell(upscaler))


def _cost(workplace: Workplace, endpoint: str, model: str, images: pd.DataFrame) -> Any:
    from imgassets.metrics.tables import cost_table

    return cost_table(images, workplace.project().model(model).price)


_MEASURE: dict[str, _Measure] = {
    "composition": _content("composition"),
    "typography": _content("typography"),
    "artefacts": _artefacts,
    "edit_stability": _edit_stability,
    "stylization": _stylization,
    "upscaling": _upscaling,
    "cost": _cost,
}
