"""Images scored by a team: their files go out with what to look for, scores come back.

Files go with the tasks, so that workers need no access to the store: no shared folder, no password
of a bucket. Reading and checking a file takes a small part of the time that scoring it takes.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass

from imgassets.engines.score_worker import ScoreOrder, ScoreTask
from imgassets.engines.team import Team
from imgassets.metrics.branch import Branch
from imgassets.metrics.score_processes import START_SECONDS, Made, Outcome, Task, context_of
from imgassets.storage.image_store import CorruptEntryError, ImageStore

_CHUNK = 4  # images handed to a worker at once


@dataclass(frozen=True)
class _Images:
    """Some images and the store that has them, as a part that a team hands out."""

    tasks: Sequence[Task]
    store: ImageStore

    def task(self) -> ScoreTask:
        own = [task.image.image_key for task in self.tasks]
        sources = {key for task in self.tasks if (key := _source_of(task))} - set(own)
        self.store.fetch_images([*own, *sources])
        files = {key: self.store.read_bytes(key) for key in own}
        for key in sources:
            # Few families look at the source: one that does then finds it missing, as it would
            # in this process.
            with suppress(KeyError, CorruptEntryError):
                files[key] = self.store.read_bytes(key)
        return ScoreTask(self.tasks, files)

    def one_by_one(self) -> list[_Images]:
        return [_Images([task], self.store) for task in self.tasks]

    def given_up(self, message: str) -> list[dict[str, Outcome]]:
        lost = Outcome(problem=f"cannot be judged: {message}", lasts=False)
        return [dict.fromkeys(task.keys, lost) for task in self.tasks]


def _source_of(task: Task) -> str:
    key = getattr(task.image, "source_key", None)
    return key if isinstance(key, str) else ""  # NaN in a table where others have one


@dataclass(frozen=True)
class SpreadScores:
    """A team that scores, as `score_processes.Others`; it is opened when there is work for it."""

    opened: Callable[[], Team]
    begun: Callable[[], bool]

    @property
    def start_seconds(self) -> float:
        """Until the first worker begins."""
        return 0.0 if self.begun() else START_SECONDS

    def run(self, tasks: Sequence[Task], branch: Branch) -> Iterator[Made]:
        """See `Others`."""
        store = branch.stored
        if not isinstance(store, ImageStore):
            raise TypeError(f"images of {type(store).__name__} cannot be sent to workers")
        starts = range(0, len(tasks), _CHUNK)
        parts = [_Images(tasks[start : start + _CHUNK], store) for start in starts]
        for part, outcomes in self.opened().run(ScoreOrder(*context_of(branch)), parts):
            yield from zip(part.tasks, outcomes, strict=True)
