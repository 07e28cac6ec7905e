"""Stored images that come out differently when made again, one state a branch."""

from __future__ import annotations

from imgassets.documents.project import Project
from imgassets.drift.findings import DriftFile
from imgassets.refresh.observed.state import ObservedState, one_a_branch


def drift_key(endpoint: str, model: str) -> str:
    """Key of what drifted in a branch."""
    return f"drift/{endpoint}/{model}"


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


def _state(project: Project, endpoint: str, model: str) -> ObservedState:
    return drift_state(DriftFile.of(project.root), endpoint, model)


DRIFT = one_a_branch(
    "drift", "Stored images that come out differently when made again.", drift_key, _state
)
