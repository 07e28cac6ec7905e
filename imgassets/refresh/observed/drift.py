"""Stored images that come out differently when made again, one state a branch."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from imgassets.documents.project import Project
from imgassets.drift.revalidation import DriftFile
from imgassets.refresh.observed.state import ObservedKind, ObservedState, branches


def drift_key(endpoint: str, model: str) -> str:
    """Key of what drifted in a branch."""
    return f"drift/{endpoint}/{model}"


def _keys(project: Project) -> Mapping[str, str]:
    what = "Stored images that come out differently when made again."
    return {drift_key(*branch): what for branch in branches(project)}


def _states(project: Project) -> Iterator[ObservedState]:
    file = DriftFile.of(project.root)
    for branch in branches(project):
        yield drift_state(file, *branch)


def drift_state(file: DriftFile, endpoint: str, model: str) -> ObservedState:
    """What is known to drift in a branch."""
    found = file.read(endpoint, model)
    change = f"images of {model} were made again: {len(found)} drifted"
    return ObservedState(
        drift_key(endpoint, model),
        file.version(endpoint, model),
        change=lambda _: change,
        shown={"drifted": len(found), "which": "\n".join(d.words for d in found) or "none"},
    )


DRIFT = ObservedKind("drift", _keys, _states)
