"""What people said of an endpoint's images, one state each; nothing said has a version too."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from imgassets.documents.labels import LabelFile
from imgassets.documents.project import Project
from imgassets.refresh.observed.state import ObservedKind, ObservedState


def labels_key(endpoint: str) -> str:
    """Key of what people said of an endpoint's images."""
    return f"labels/{endpoint}"


def labels_of(project: Project, endpoint: str) -> LabelFile:
    """What people said of an endpoint's images; empty where there is no file."""
    return project.labels.get(endpoint, LabelFile(f"labels/{endpoint}.csv"))


def _keys(project: Project) -> Mapping[str, str]:
    return {
        labels_key(e.endpoint): "What people said of images, from `labels/`; corrects the judge."
        for e in project.usable_endpoints()
    }


def _states(project: Project, _: str) -> Iterator[ObservedState]:
    for endpoint in project.usable_endpoints():
        found = labels_of(project, endpoint.endpoint)
        yield _state(endpoint.endpoint, found)


def _state(endpoint: str, found: LabelFile) -> ObservedState:
    words = found.words
    return ObservedState(
        labels_key(endpoint),
        found.version,
        change=lambda _: words,
        shown={"file": found.file, "labels": len(found.labels), "said": words},
    )


LABELS = ObservedKind("labels", _keys, _states)
