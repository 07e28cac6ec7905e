"""Which scores the store lacks, and how long making them will take: from measured times, no pixels.

Imported only where tables have to be made: it needs what scoring needs.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from types import SimpleNamespace
from typing import Any

from imgassets.documents.project import Project
from imgassets.metrics.branch import Branch
from imgassets.metrics.families import FAMILIES
from imgassets.metrics.score_processes import usable_cores
from imgassets.metrics.scoring import tasks_of
from imgassets.requests import Request
from imgassets.storage.image_store import store_of
from imgassets.storage.project_home import home_of
from imgassets.storage.score_store import score_store_of


@dataclass(frozen=True)
class MissingScores:
    """Scores that are to be made.

    Attributes:
        images: how many images each family is to look at; families that look at none are left out.
        seconds: that takes, on all cores; None when a family was never timed.
    """

    images: Mapping[str, int]
    seconds: float | None


def missing_scores(
    project: Project,
    device: str,
    tables: Iterable[tuple[str, str, str]],
    requests: Mapping[tuple[str, str], Sequence[Request]],
) -> MissingScores:
    """What is lacking for some metric tables.

    Args:
        project: the documents.
        device: where learned judges would run.
        tables: (endpoint, model, family) of those to be made.
        requests: the images they are of, by endpoint and model.
    """
    home = home_of(project.root)
    kept, stored = score_store_of(home), store_of(home)
    lacking: dict[str, dict[str, str]] = {}  # score key: endpoint, by family
    for endpoint, model, family in tables:
        if FAMILIES[family].of_making:
            continue
        no_table: Any = None
        branch = Branch(project, endpoint, model, no_table, stored, device)
        tasks = tasks_of([family], branch, map(_asked, requests[endpoint, model]))
        keys = [key for task in tasks for key in task.keys.values()]
        known = kept.known(keys)
        lacking.setdefault(family, {}).update({k: endpoint for k in keys if k not in known})
    images = {family: len(keys) for family, keys in lacking.items() if keys}
    timed = kept.seconds()
    each = [
        _seconds(project, endpoint, family, timed)
        for family, keys in lacking.items()
        for endpoint in keys.values()
    ]
    known_seconds = [seconds for seconds in each if seconds is not None]
    complete = len(known_seconds) == len(each)
    return MissingScores(images, sum(known_seconds) if complete else None)


def _seconds(
    project: Project, endpoint: str, family: str, timed: Mapping[str, float]
) -> float | None:
    """What one image takes: light families share the cores, learned judges take them all."""
    seconds = timed.get(f"{endpoint}/{family}", _typical(timed, family))
    judge = project.endpoint(endpoint).judges_used.get(family)
    alone = judge is not None and project.judge(judge).learned
    return seconds if seconds is None or alone else seconds / usable_cores()


def _typical(timed: Mapping[str, float], family: str) -> float | None:
    """Mean seconds of a family at other endpoints."""
    found = [seconds for what, seconds in timed.items() if what.partition("/")[2] == family]
    return sum(found) / len(found) if found else None


def _asked(request: Request) -> Any:
    """A request as if its image were there."""
    return _Row(
        status="ok",
        flow=request.flow,
        prompt_id=request.prompt_id,
        image_key=request.image_key,
        source_key=request.source_key,
    )


class _Row(SimpleNamespace):
    def _asdict(self) -> dict[str, Any]:
        return vars(self)
