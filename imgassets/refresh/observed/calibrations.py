"""What an endpoint's judges were measured to be right at, one state each."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from imgassets.documents.base import fingerprint
from imgassets.documents.project import Project
from imgassets.refresh.observed.state import ObservedKind, ObservedState
from imgassets.storage.calibrations import calibrations_of, judges_in_words
from imgassets.storage.project_home import home_of


def calibrations_key(endpoint: str) -> str:
    """Key of what an endpoint's judges were measured to be right at."""
    return f"calibrations/{endpoint}"


def _keys(project: Project) -> Mapping[str, str]:
    return {
        calibrations_key(e.endpoint): "How often the judges of the endpoint are right, as "
        "`imgassets calibrate` measured it; said beside their scores."
        for e in project.usable_endpoints()
    }


def _states(project: Project, _: str) -> Iterator[ObservedState]:
    known = calibrations_of(home_of(project.root))
    for endpoint in project.usable_endpoints():
        words = judges_in_words(project, endpoint, known)
        told = "; ".join(f"{family} by {said}" for family, said in words.items())
        yield ObservedState(
            calibrations_key(endpoint.endpoint),
            fingerprint(words),
            change=lambda _, told=told: f"judged now: {told}",  # type: ignore[misc]
            shown={"judges": told},
        )


CALIBRATIONS = ObservedKind("calibrations", _keys, _states)
