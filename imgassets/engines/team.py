"""Hands out tasks to workers, takes outcomes back, and survives workers that are lost or hang.

A part whose worker is lost is given to another one. The second time its images go one by one, so
that one which kills its worker takes no other along; the third time that image has failed. What an
image is asked for, made or scored, is the part's to know.
"""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Generic, Protocol, TypeVar

from imgassets.engines.crew import Crew, Done, EngineError, Event, Failed, Lost, Ready
from imgassets.engines.patience import Pace, Patience

#: A worker that is lost this often over the same image is lost because of it.
MOST_LOSSES = 3
#: Losses in a row, beside two a worker, after which it is no single image's fault.
_MOST_IN_A_ROW = 20
_WAIT_SECONDS = 1.0


class Part(Protocol):
    """Some images, for one worker at a time."""

    def task(self) -> Any:
        """What a worker is given."""

    def one_by_one(self) -> Sequence[Any]:
        """A part for each of its images."""

    def given_up(self, message: str) -> list[Any]:
        """The outcomes of its images, over which workers were lost too often."""


P = TypeVar("P", bound=Part)


@dataclass(frozen=True)
class _Job(Generic[P]):
    """A part, and how many workers were lost over it."""

    part: P
    losses: int = 0

    def again(self) -> list[_Job[P]]:
        """What is to be tried after one more loss."""
        more = replace(self, losses=self.losses + 1)
        if more.losses < MOST_LOSSES - 1:
            return [more]
        return [replace(more, part=part) for part in self.part.one_by_one()]


@dataclass
class _Given:
    """What a worker has; `job` is None where nobody waits for it: an error ended that run."""

    job: _Job[Any] | None
    pace: Pace
    begun: float
    limit: float


class Team:
    """The workers of a run; several assets use them one after the other."""

    def __init__(
        self,
        crew: Crew,
        workers: int,
        versions: Mapping[str, str],
        patience: Patience = Patience(),  # noqa: B008 - frozen
    ) -> None:
        """
        Args:
            crew: starts and talks to workers.
            workers: how many there are at most; none is started before there is work for it.
            versions: those that workers must have.
            patience: how long they are waited for.
        """
        self.workers = workers
        self._crew, self._here, self._patience = crew, versions, patience
        self._started: set[int] = set()
        self._idle: list[int] = []
        self._given: dict[int, _Given] = {}
        self._losses_in_a_row = 0

    @property
    def begun(self) -> bool:
        """Whether it has workers now."""
        return bool(self._started)

    def run(self, order: Any, parts: Sequence[P]) -> Iterator[tuple[P, list[Any]]]:
        """Each part (or one of its images) with its outcomes, in any order.

        Args:
            order: what these parts have in common; workers get it with each task.
            parts: what there is to do.

        Raises:
            EngineError: workers are lost again and again, do not begin, or run other libraries.
            Exception: what a worker raised, as it would in this process.
        """
        todo, pace = deque(_Job(part) for part in parts), Pace(self._patience)
        heard = time.monotonic()
        try:
            while todo or any(given.job for given in self._given.values()):
                self._hand_out(order, pace, todo)
                events = list(self._crew.wait(_WAIT_SECONDS))
                events += self._ended_hanging({event.place for event in events})
                found = [made for event in events for made in self._take(event, todo)]
                if events or self._given:
                    heard = time.monotonic()
                self._check_patience(time.monotonic() - heard)
                # Before outcomes are handed on: workers must not wait until those are kept.
                self._hand_out(order, pace, todo)
                yield from found
        finally:
            for given in self._given.values():
                given.job = None

    def close(self) -> None:
        """End all workers; others are started where there is work again."""
        self._crew.close()
        self._started, self._idle, self._given = set(), [], {}

    def _hand_out(self, order: Any, pace: Pace, todo: deque[_Job[P]]) -> None:
        while todo and self._idle:
            place, task = self._idle[-1], todo[0].part.task()
            self._idle.pop()
            begun, limit = time.monotonic(), pace.limit(place)
            self._given[place] = _Given(todo.popleft(), pace, begun, limit)
            self._crew.give(place, order, task)
        coming = len(self._started) - len(self._given) - len(self._idle)
        free = (place for place in range(self.workers) if place not in self._started)
        for _, place in zip(range(len(todo) - coming), free, strict=False):
            self._started.add(place)
            self._crew.start(place)

    def _ended_hanging(self, heard_of: Collection[int]) -> list[Event]:
        """Ends workers that neither answer nor die, which counts as their loss."""
        now = time.monotonic()
        late = [
            (place, given.limit)
            for place, given in self._given.items()
            if place not in heard_of and now - given.begun > given.limit
        ]
        for place, _ in late:
            self._crew.end(place)
        return [
            Lost(place, f"no answer within {limit:.0f} s: it hangs, or needs a smaller batch_size")
            for place, limit in late
        ]

    def _take(self, event: Event, todo: deque[_Job[Any]]) -> Iterator[tuple[Any, list[Any]]]:
        """What an event gives: outcomes, more to do, or an error."""
        given = self._given.pop(event.place, None)
        job = given.job if given else None
        match event:
            case Ready(place, versions):
                self._check_versions(versions)
                self._idle.append(place)
            case Done(place, outcomes):
                self._losses_in_a_row = 0
                self._idle.append(place)
                if given:
                    given.pace.took(place, time.monotonic() - given.begun)
                if job:
                    yield job.part, outcomes
            case Failed(place, error):
                self._idle.append(place)
                if job:
                    raise error
            case Lost(place, why):
                self._started.discard(place)
                self._idle = [other for other in self._idle if other != place]
                if given:
                    given.pace.lost(place)
                self._check_losses(why)
                yield from self._after_loss(job, why, todo)

    def _after_loss(
        self, job: _Job[Any] | None, why: str, todo: deque[_Job[Any]]
    ) -> Iterator[tuple[Any, list[Any]]]:
        if job is None:
            return
        if job.losses + 1 < MOST_LOSSES:
            todo.extendleft(reversed(job.again()))
            return
        message = (
            f"{MOST_LOSSES} workers were lost over this image ({why}); it is asked for again by "
            "the next run"
        )
        yield job.part, job.part.given_up(message)

    def _check_losses(self, why: str) -> None:
        self._losses_in_a_row += 1
        if self._losses_in_a_row >= _MOST_IN_A_ROW + 2 * self.workers:
            raise EngineError(
                f"{self._losses_in_a_row} workers in a row were lost ({why}); where memory is "
                "short, use fewer workers in $IMGASSETS_ENGINE, or machines with more; what was "
                "finished is kept"
            )

    def _check_patience(self, silent: float) -> None:
        if silent > self._patience.begin:
            raise EngineError(
                f"no worker began within {silent:.0f} s; see with `ray status` whether the cluster "
                "has a free GPU or core for one, or use fewer workers in $IMGASSETS_ENGINE"
            )

    def _check_versions(self, there: Mapping[str, str]) -> None:
        other = [name for name, version in self._here.items() if there.get(name) != version]
        if other:
            said = ", ".join(
                f"{name} {there.get(name) or 'absent'} (here {self._here[name]})" for name in other
            )
            raise EngineError(
                f"a worker runs {said}, which can change pixels or scores; install the same "
                "versions on every machine (constraints.txt)"
            )
