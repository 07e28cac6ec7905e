"""The documents people write, one state a facet: versioned by what it means."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from imgassets.documents.facets import ENDPOINT_FACETS, PROMPT_FACETS, model_facets
from imgassets.documents.project import Project
from imgassets.refresh.document_changes import Facet, FacetHistory, present_facets
from imgassets.refresh.observed.state import ObservedKind, ObservedState

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


def facet_key(kind: str, name: str, facet: str) -> str:
    """Key of one facet of one document."""
    return f"documents/{kind}/{name}/{facet}"


def _keys(project: Project) -> Mapping[str, str]:
    documents = [
        *(("endpoints", n, i.file, ENDPOINT_FACETS) for n, i in project.endpoints.items()),
        *(("models", n, i.file, model_facets(i.document)) for n, i in project.models.items()),
        *(("prompts", n, i.file, PROMPT_FACETS) for n, i in project.prompt_sets.items()),
    ]
    return {
        facet_key(kind, name, facet): f"{_WHAT[facet]} From `{file}`."
        for kind, name, file, facets in documents
        for facet in facets
    }


def _states(project: Project) -> Iterator[ObservedState]:
    history = FacetHistory.of(project.root)
    for facet in present_facets(project).values():
        yield _state(facet, history)


def _state(facet: Facet, history: FacetHistory) -> ObservedState:
    return ObservedState(
        facet.key,
        facet.version,
        change=lambda before: history.describe(facet, before),
        shown={"file": facet.file, "facet": facet.facet},
        remember=lambda: history.keep(facet),
    )


DOCUMENTS = ObservedKind("documents", _keys, _states)
