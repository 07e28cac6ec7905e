"""All kinds of observed state."""

from __future__ import annotations

from imgassets.backends.device import choose_device
from imgassets.documents.project import Project
from imgassets.refresh.observed.answers import ANSWERS
from imgassets.refresh.observed.calibrations import CALIBRATIONS
from imgassets.refresh.observed.documents import DOCUMENTS
from imgassets.refresh.observed.drift import DRIFT
from imgassets.refresh.observed.environment import ENVIRONMENT
from imgassets.refresh.observed.extra_seeds import EXTRA_SEEDS
from imgassets.refresh.observed.labels import LABELS
from imgassets.refresh.observed.pilots import PILOTS
from imgassets.refresh.observed.rollout import ROLLOUT
from imgassets.refresh.observed.state import ObservedKind, ObservedState

#: In the order in which they are observed.
KINDS: tuple[ObservedKind, ...] = (
    DOCUMENTS,
    ENVIRONMENT,
    EXTRA_SEEDS,
    DRIFT,
    LABELS,
    ANSWERS,
    CALIBRATIONS,
    PILOTS,
    ROLLOUT,
)


def observed_states(project: Project, device: str = "auto") -> dict[str, ObservedState]:
    """All observed state as it is now, by key.

    Args:
        project: the documents.
        device: as of `choose_device`.

    Raises:
        ValueError: a file of ours was damaged; names it and the fix.
    """
    chosen, _ = choose_device(device)
    return {state.key: state for kind in KINDS for state in kind.states(project, chosen)}
