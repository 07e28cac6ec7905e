"""The documents people write, as observable assets: one a facet, versioned by its meaning."""

import warnings
from collections.abc import Iterator

import dagster as dg

from imgassets.defs.resources import Workplace
from imgassets.spec.facets import (
    ENDPOINT_FACETS,
    MODEL_FACETS,
    PROMPT_FACETS,
    facets_of,
)
from imgassets.spec.project import Project

_FACETS = {"endpoints": ENDPOINT_FACETS, "models": MODEL_FACETS, "prompts": PROMPT_FACETS}
_WHAT = {
    "requests": "What the endpoint accepts, returns and asks for; decides which images exist.",
    "criteria": "What must hold, against whom; decides verdicts, never images.",
    "generator": "Weights, pipeline, scheduler and sampling; decides generated and edited images.",
    "upscaler": "How images are made larger; decides upscaled images alone.",
    "price": "What running the model costs; decides cost tables.",
    "prompts": "Texts after their transforms, and edits; decides which images exist.",
    "composition": "Objects each image must show; decides composition tables.",
    "typography": "Text each image must show; decides typography tables.",
}


def facet_key(kind: str, name: str, facet: str) -> dg.AssetKey:
    """Asset key of one facet of one document."""
    return dg.AssetKey(["documents", kind, name, facet])


def document_assets(project: Project) -> list[dg.AssetsDefinition]:
    """One observation for each valid document; it yields the data version of every facet."""
    documents = [
        *(("endpoints", name, item.file) for name, item in project.endpoints.items()),
        *(("models", name, item.file) for name, item in project.models.items()),
        *(("prompts", name, item.file) for name, item in project.prompt_sets.items()),
    ]
    with warnings.catch_warnings():
        # The decorator is marked beta; we pin Dagster's minor version and test what we use of it.
        warnings.simplefilter("ignore", dg.BetaWarning)
        return [_observable(kind, name, str(file)) for kind, name, file in documents]


def _observable(kind: str, name: str, file: str) -> dg.AssetsDefinition:
    keys = {facet: facet_key(kind, name, facet) for facet in _FACETS[kind]}

    @dg.multi_observable_source_asset(
        name=f"observe__{kind}__{name.replace('-', '_')}",
        group_name="documents",
        specs=[
            dg.AssetSpec(key, description=f"{_WHAT[facet]} From `{file}`.", kinds={"yaml"})
            for facet, key in keys.items()
        ],
    )
    def observe(workplace: Workplace) -> Iterator[dg.ObserveResult]:
        for facet, version in facets_of(workplace.project(), kind, name).items():
            yield dg.ObserveResult(
                asset_key=keys[facet],
                data_version=dg.DataVersion(version),
                metadata={"file": file, "facet": facet},
            )

    return observe
