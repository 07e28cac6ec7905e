"""The documents people write, one state a facet: versioned by what it means."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from imgassets.documents.facets import decides, facet_names
from imgassets.documents.project import Project
from imgassets.refresh.document_changes import Facet, FacetHistory, facet_key, present_facets
from imgassets.refresh.observed.state import ObservedKind, ObservedState


def _keys(project: Project) -> Mapping[str, str]:
    return {
        facet_key(kind, name, facet): f"{decides(facet)} From `{loaded.file}`."
        for kind, documents in project.by_kind.items()
        for name, loaded in documents.items()
        for facet in facet_names(loaded.document.__class__)
    }


def _states(project: Project, _: str) -> Iterator[ObservedState]:
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
