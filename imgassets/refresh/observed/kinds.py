"""All kinds of observed state."""

from __future__ import annotations

from imgassets.documents.project import Project
from imgassets.refresh.observed.documents import DOCUMENTS
from imgassets.refresh.observed.drift import DRIFT
from imgassets.refresh.observed.extra_seeds import EXTRA_SEEDS
from imgassets.refresh.observed.state import ObservedKind, ObservedState

#: In the order in which they are observed.
KINDS: tuple[ObservedKind, ...] = (DOCUMENTS, DRIFT, EXTRA_SEEDS)


def observed_states(project: Project) -> dict[str, ObservedState]:
    """All observed state as it is now, by key.

    Raises:
        ValueError: a file of ours was damaged; names it and the fix.
    """
    return {state.key: state for kind in KINDS for state in kind.states(project)}
