"""The documents people write, as observable assets: one a facet, versioned by its meaning."""

import warnings
from collections.abc import Collection, Iterator
from pathlib import Path

import dagster as dg

from imgassets.defs.resources import ProjectResource
from imgassets.documents.facets import ENDPOINT_FACETS, PROMPT_FACETS, model_facets
from imgassets.documents.project import Project
from imgassets.refresh import document_changes
from imgassets.refresh.document_changes import Facet, FacetHistory
from imgassets.storage.project_home import home_of

_WHAT = {
    "requests": "What the endpoint accepts, returns and asks for; decides which images exist.",
    "chain": "What is done to generated images: style, post-processing, what starts from what.",
    "criteria": "What must hold, against whom; decides verdicts, never images.",
    "traffic": "How often the endpoint is called; decides waiting times and bills in reports.",
    "generator": "Weights, pipeline, scheduler and sampling; decides generated and edited images.",
    "upscaler": "How images are made larger; decides upscaled images alone.",
    "price": "What running the model costs; decides cost tables.",
    "limits": "Budget, rate and patience of a hosted model; decide which failures are tried again.",
    "prompts": "Texts after their transforms, and edits; decides which images exist.",
    "composition": "Objects each image must show; decides composition tables.",
    "typography": "Text each image must show; decides typography tables.",
}

#: Dagster's tag of an event's data version.
DATA_VERSION_TAG = "dagster/data_version"


def facet_key(kind: str, name: str, facet: str) -> dg.AssetKey:
    """Asset key of one facet of one document."""
    return dg.AssetKey(["documents", kind, name, facet])


def document_assets(project: Project) -> list[dg.AssetsDefinition]:
    """One observation for each valid document; it yields the data version of every facet."""
    documents = [
        *(("endpoints", n, i.file, ENDPOINT_FACETS) for n, i in project.endpoints.items()),
        *(("models", n, i.file, model_facets(i.document)) for n, i in project.models.items()),
        *(("prompts", n, i.file, PROMPT_FACETS) for n, i in project.prompt_sets.items()),
    ]
    with warnings.catch_warnings():
        # The decorator is marked beta; we pin Dagster's minor version and test what we use of it.
        warnings.simplefilter("ignore", dg.BetaWarning)
        return [
            _observable(kind, name, str(file), facets) for kind, name, file, facets in documents
        ]


def _observable(kind: str, name: str, file: str, facets: tuple[str, ...]) -> dg.AssetsDefinition:
    keys = {facet: facet_key(kind, name, facet) for facet in facets}

    @dg.multi_observable_source_asset(
        name=f"observe__{kind}__{name.replace('-', '_')}",
        group_name="documents",
        specs=[
            dg.AssetSpec(key, description=f"{_WHAT[facet]} From `{file}`.", kinds={"yaml"})
            for facet, key in keys.items()
        ],
    )
    def observe(workplace: ProjectResource) -> Iterator[dg.ObserveResult]:
        project = workplace.project()
        if not is_valid(project, kind, name):
            told = [str(p) for p in project.problems if p.file == file]
            raise dg.Failure("\n".join(told) or f"{file} is gone; reload definitions")
        history = history_of(project.root)
        for facet in document_changes.of(project, kind, name):
            history.keep(facet)
            yield dg.ObserveResult(
                asset_key=keys[facet.facet],
                data_version=dg.DataVersion(facet.version),
                metadata={"file": file, "facet": facet.facet},
            )

    return observe


def is_valid(project: Project, kind: str, name: str) -> bool:
    """Whether a document is there and can be used."""
    documents: dict[str, Collection[str]] = {
        "endpoints": project.endpoints,
        "models": project.models,
        "prompts": project.prompt_sets,
    }
    return name in documents[kind]


def history_of(root: Path) -> FacetHistory:
    """Where facets are remembered, so that a plan can name the field that changed."""
    return FacetHistory(home_of(root).facets)


def observation(facet: Facet, before: str | None, history: FacetHistory) -> dg.AssetObservation:
    """A facet as it is now, as an event for Dagster; it tells what changed since `before`.

    The facet is remembered in `history`.
    """
    what = history.describe(facet, before) if before else "first seen"
    history.keep(facet)
    return dg.AssetObservation(
        asset_key=facet_key(facet.kind, facet.name, facet.facet),
        metadata={"file": facet.file, "facet": facet.facet, "change": what},
        tags={DATA_VERSION_TAG: facet.version},
    )
