"""Hands out batches to workers, takes outcomes back, and survives workers that are lost.

A batch whose worker is lost is given to another one. The second time its images go one by one, so
that one which kills its worker takes no other along; the third time that image is a failed row.
"""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

from imgassets.backends.base import Outcome
from imgassets.backends.batches import Batch, Made
from imgassets.engines.crew import Crew, Done, EngineError, Event, Failed, Lost, Ready
from imgassets.engines.worker import Order, Task, versions_here

#: A worker that is lost this often over the same image is lost because of it.
MOST_LOSSES = 3
#: Losses in a row, beside two a worker, after which it is no single image's fault.
_MOST_IN_A_ROW = 20
_WAIT_SECONDS = 1.0


@dataclass(frozen=True)
class _Job:
    """A batch of an order, and how many workers were lost over it."""

    order: Order
    batch: Batch
    losses: int = 0

    def task(self) -> Task:
        return Task(self.order, self.batch.inputs, self.batch.source_files())

    def again(self) -> list[_Job]:
        """What is to be tried after one more loss."""
        more = replace(self, losses=self.losses + 1)
        if more.losses < MOST_LOSSES - 1:
            return [more]
        alone = (Batch([request], self.batch.store) for request in self.batch.requests)
        return [replace(more, batch=batch) for batch in alone]


class Team:
    """The workers of a run; several assets use them one after the other."""

    def __init__(self, crew: Crew, workers: int, patience: float = 600.0) -> None:
        """
        Args:
            crew: starts and talks to workers.
            workers: how many there are at most; none is started before there is work for it.
            patience: seconds to wait for a first worker to begin.
        """
        self.workers = workers
        self._crew, self._patience = crew, patience
        self._here = versions_here()
        self._started: set[int] = set()
        self._idle: list[int] = []
        #: None: nobody waits for it any more, since an error ended that asset.
        self._jobs: dict[int, _Job | None] = {}
        self._losses_in_a_row = 0

    def run(self, order: Order, batches: Sequence[Batch]) -> Iterator[Made]:
        """Each batch (or a part of it) with its outcomes, in any order.

        Raises:
            EngineError: workers are lost again and again, do not begin, or run other libraries.
            Exception: what a backend raised, as it would in this process.
        """
        todo = deque(_Job(order, batch) for batch in batches)
        heard = time.monotonic()
        try:
            while todo or any(self._jobs.values()):
                self._hand_out(todo)
                events = self._crew.wait(_WAIT_SECONDS)
                made = [found for event in events for found in self._take(event, todo)]
                if events or self._jobs:
                    heard = time.monotonic()
                self._check_patience(time.monotonic() - heard)
                # Before outcomes are handed on: workers must not wait until those are stored.
                self._hand_out(todo)
                yield from made
        finally:
            self._jobs = dict.fromkeys(self._jobs)

    def close(self) -> None:
        """End all workers."""
        self._crew.close()
        self._started, self._idle, self._jobs = set(), [], {}

    def _hand_out(self, todo: deque[_Job]) -> None:
        while todo and self._idle:
            job, place = todo.popleft(), self._idle.pop()
            self._jobs[place] = job
            self._crew.give(place, job.task())
        coming = len(self._started) - len(self._jobs) - len(self._idle)
        free = (place for place in range(self.workers) if place not in self._started)
        for _, place in zip(range(len(todo) - coming), free, strict=False):
            self._started.add(place)
            self._crew.start(place)

    def _take(self, event: Event, todo: deque[_Job]) -> Iterator[Made]:
        """What an event gives: outcomes, more to do, or an error."""
        job = self._jobs.pop(event.place, None)
        match event:
            case Ready(place, versions):
                self._check_versions(versions)
                self._idle.append(place)
            case Done(place, outcomes):
                self._losses_in_a_row = 0
                self._idle.append(place)
                if job:
                    yield job.batch, outcomes
            case Failed(place, error):
                self._idle.append(place)
                if job:
                    raise error
            case Lost(place, why):
                self._started.discard(place)
                self._idle = [other for other in self._idle if other != place]
                self._check_losses(why)
                yield from self._after_loss(job, why, todo)

    def _after_loss(self, job: _Job | None, why: str, todo: deque[_Job]) -> Iterator[Made]:
        if job is None:
            return
        if job.losses + 1 < MOST_LOSSES:
            todo.extendleft(reversed(job.again()))
            return
        message = (
            f"{MOST_LOSSES} workers were lost while they made this image ({why}), most likely for "
            "want of memory; it is asked for again by the next run"
        )
        yield job.batch, [Outcome(failure="machine_error", message=message)]

    def _check_losses(self, why: str) -> None:
        self._losses_in_a_row += 1
        if self._losses_in_a_row >= _MOST_IN_A_ROW + 2 * self.workers:
            raise EngineError(
                f"{self._losses_in_a_row} workers in a row were lost ({why}), most likely for want "
                "of memory; use fewer workers in $IMGASSETS_ENGINE, or machines with more memory; "
                "images that were made are kept"
            )

    def _check_patience(self, silent: float) -> None:
        if silent > self._patience:
            raise EngineError(
                f"no worker began within {silent:.0f} s; see with `ray status` whether the cluster "
                "has a free GPU or core for one, or use fewer workers in $IMGASSETS_ENGINE"
            )

    def _check_versions(self, there: dict[str, str]) -> None:
        other = [name for name, version in self._here.items() if there.get(name) != version]
        if other:
            said = ", ".join(
                f"{name} {there.get(name) or 'absent'} (here {self._here[name]})" for name in other
            )
            raise EngineError(
                f"a worker runs {said}, which can change pixels; install the same versions on "
                "every machine (constraints.txt)"
            )


@dataclass(frozen=True)
class Spread:
    """An order on a team, as an engine of `make_images`."""

    team: Team
    order: Order

    @property
    def workers(self) -> int:
        """How many batches are made at the same time."""
        return self.team.workers

    def run(self, batches: Sequence[Batch]) -> Iterator[Made]:
        """See `Engine`."""
        return self.team.run(self.order, batches)
