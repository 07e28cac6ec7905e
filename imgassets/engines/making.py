"""Images made by a team: batches go out, PNG files come back."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from imgassets.backends.base import Outcome
from imgassets.backends.batches import Batch, Made
from imgassets.engines.team import Team
from imgassets.engines.worker import Order, Task


@dataclass(frozen=True)
class _Images:
    """A batch, as a part that a team hands out."""

    batch: Batch

    def task(self) -> Task:
        return Task(self.batch.inputs, self.batch.source_files())

    def one_by_one(self) -> list[_Images]:
        return [_Images(Batch([request], self.batch.store)) for request in self.batch.requests]

    def given_up(self, message: str) -> list[Outcome]:
        return [Outcome(failure="machine_error", message=message)] * len(self.batch.requests)


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
        parts = [_Images(batch) for batch in batches]
        yield from ((part.batch, outcomes) for part, outcomes in self.team.run(self.order, parts))
