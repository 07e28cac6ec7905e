"""Which scores the store lacks, and how long making them will take: from measured times, no pixels.

Imported only where tables have to be made: it needs what scoring needs.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from types import SimpleNamespace
from typing import Any

from imgassets.documents.project import Project
from imgassets.metrics.branch import Branch
from imgassets.metrics.families import FAMILIES
from imgassets.metrics.score_processes import usable_cores
from imgassets.metrics.scoring import LOOK_UP, chunks, tasks_of
from imgassets.requests import Request
from imgassets.storage.image_store import ImageStore, Record, store_of
from imgassets.storage.project_home import home_of
from imgassets.storage.score_store import ScoreStore, score_store_of


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
    kept = score_store_of(home)
    families: dict[tuple[str, str], list[str]] = {}
    lacking: dict[str, dict[str, str]] = {}  # score key: endpoint, by family
    for endpoint, model, family in tables:
        if not FAMILIES[family].of_making:
            families.setdefault((endpoint, model), []).append(family)
            lacking.setdefault(family, {})
    stored: Any = _Sources(store_of(home), kept, (r for one in families for r in requests[one]))
    for (endpoint, model), names in families.items():
        no_table: Any = None
        branch = Branch(project, endpoint, model, no_table, stored, device)
        tasks = tasks_of(names, branch, map(_asked, requests[endpoint, model]))
        for part in chunks(tasks, LOOK_UP):
            known = kept.known([key for task in part for key in task.keys.values()])
            for task in part:
                for family, key in task.keys.items():
                    if key not in known:
                        lacking[family][key] = endpoint
    timed = kept.seconds()
    each = [
        (_seconds(project, endpoint, family, timed), count)
        for family, keys in lacking.items()
        for endpoint, count in Counter(keys.values()).items()
    ]
    total = sum(seconds * count for seconds, count in each if seconds is not None)
    complete = all(seconds is not None for seconds, _ in each)
    images = {family: len(keys) for family, keys in lacking.items() if keys}
    return MissingScores(images, total if complete else None)


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


class _Sources:
    """Records of the images that others were made from: some scores depend on their files.

    They are fetched all at once when the first is asked for: a request for each in turn would take
    minutes where the store is far away. Where no score is kept, nothing depends on them.
    """

    def __init__(self, store: ImageStore, kept: ScoreStore, requests: Iterable[Request]) -> None:
        self._store, self._kept, self._requests = store, kept, requests

    def record(self, key: str) -> Record:
        """See `ImageStore.record`."""
        if key not in self._there:
            raise KeyError(key)
        return self._store.record(key)

    @cached_property
    def _there(self) -> set[str]:
        if self._kept.is_empty():
            return set()
        there = self._store.present({r.source_key for r in self._requests if r.source_key})
        self._store.fetch_records(there)
        return there


class _Row(SimpleNamespace):
    def _asdict(self) -> dict[str, Any]:
        return vars(self)
