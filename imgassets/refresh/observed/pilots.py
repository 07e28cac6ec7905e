"""What is kept of the last pilot of each branch, where a contract asks for one.

`imgassets pilot` runs without Dagster as well, so a report cannot hang on Dagster's asset alone.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from imgassets.documents.base import fingerprint
from imgassets.documents.project import Project
from imgassets.refresh.observed.state import ObservedKind, ObservedState

_LAST_PILOT = "last_pilot"


def last_pilot_key(endpoint: str, model: str) -> str:
    """Key of what is kept of a branch's last pilot."""
    return f"{endpoint}/{model}/{_LAST_PILOT}"


def _branches(project: Project) -> list[tuple[str, str]]:
    return [(e.endpoint, m) for e in project.usable_endpoints() if e.pilot for m in e.models]


def _keys(project: Project) -> Mapping[str, str]:
    return {
        last_pilot_key(*branch): "The last pilot, and whether it holds for the documents now."
        for branch in _branches(project)
    }


def _after(project: Project) -> Mapping[str, tuple[str, ...]]:
    return {last_pilot_key(e, m): (f"{e}/{m}/pilot",) for e, m in _branches(project)}


def _states(project: Project, _: str) -> Iterator[ObservedState]:
    for branch in _branches(project):
        yield _state(project, *branch)


def _state(project: Project, endpoint: str, model: str) -> ObservedState:
    # Not at the top: it needs pandas and scipy, which a plan without pilots does not load.
    from imgassets.pilot.state import pilot_state

    found = pilot_state(project, endpoint, model)
    kept = found.result.result if found.result else None
    words = f"pilot of {model}: {found.reason}"
    return ObservedState(
        last_pilot_key(endpoint, model),
        fingerprint([found.state, found.reason, kept.model_dump(mode="json") if kept else None]),
        change=lambda _: words,
        shown={"state": found.state, "why": found.reason, "started": kept.started if kept else ""},
    )


PILOTS = ObservedKind(_LAST_PILOT, _keys, _states, _after)
