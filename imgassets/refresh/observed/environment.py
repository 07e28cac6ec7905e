"""Where images are made: the class of device, and the libraries that can change a pixel.

One state for the project. It is found where a run happens and never when definitions load, so a
code location may be loaded on a machine without a GPU.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from imgassets.documents.project import Project
from imgassets.refresh.observed.state import ObservedKind, ObservedState
from imgassets.requests import environment_words

ENVIRONMENT_KEY = "environment"


def _keys(project: Project) -> Mapping[str, str]:
    what = "Device class and libraries that can change a pixel; decides which images exist."
    return {ENVIRONMENT_KEY: what} if project.usable_endpoints() else {}


def _states(project: Project, device: str) -> Iterator[ObservedState]:
    if not _keys(project):
        return
    now = environment_words(device)  # short, and read by people: its own version

    def change(before: str | None) -> str:
        return f"images are made on {now}" + (f", before on {before}" if before else "")

    yield ObservedState(ENVIRONMENT_KEY, now, change, shown={"environment": now})


ENVIRONMENT = ObservedKind("environment", _keys, _states)
