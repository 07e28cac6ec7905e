"""One thread that owns a backend, and makes in one batch what waits together."""

from __future__ import annotations

import threading
import time
from collections import deque
from collections.abc import Callable
from concurrent.futures import Future
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from imgassets.backends.base import Backend, Outcome
from imgassets.backends.blame import failed
from imgassets.backends.generation import Make
from imgassets.backends.registry import maker_of
from imgassets.flows import FlowName

if TYPE_CHECKING:
    from PIL import Image

#: Requests sent at the same moment arrive some milliseconds apart.
_GATHER_SECONDS = 0.02


class BusyError(RuntimeError):
    """As many images wait as may wait."""


@dataclass(frozen=True)
class Made:
    """What became of one image, and when.

    Attributes:
        outcome: the image, or why there is none.
        waited, took: seconds until its batch began, and that its batch took.
        together: images of the batch.
    """

    outcome: Outcome
    waited: float
    took: float
    together: int


@dataclass(frozen=True)
class _Job:
    """One image to make."""

    flow: FlowName
    inputs: dict[str, Any]
    source: Image.Image | None
    came: float = field(default_factory=time.perf_counter)
    made: Future[Made] = field(default_factory=Future)

    @property
    def kind(self) -> tuple[FlowName, tuple[int, ...]]:
        """What images of one batch have in common."""
        size = self.inputs["size"] if self.source is None else self.source.size
        return self.flow, tuple(size)


#: Opens what makes the images of a flow, given what opens the backend.
OpenMaker = Callable[[FlowName, Callable[[], Backend]], Make]


def _by_backend(flow: FlowName, backend: Callable[[], Backend]) -> Make:
    return maker_of(flow, backend())


class Batcher:
    """Takes images to make from any thread; makes them in order of arrival, kind by kind."""

    def __init__(
        self,
        open_: Callable[[], Backend],
        batch_size: int,
        most_waiting: int = 256,
        open_maker: OpenMaker = _by_backend,
    ) -> None:
        """Start it.

        Args:
            open_: opens the backend, in the thread that uses it.
            batch_size: most images of a batch.
            most_waiting: images that may wait.
            open_maker: opens what makes the images of a flow, in that thread too.
        """
        self._open_maker = open_maker
        self._open, self._batch_size, self._most_waiting = open_, batch_size, most_waiting
        self._waiting: deque[_Job] = deque()
        self._changed = threading.Condition()
        self._closed = False
        self._thread = threading.Thread(target=self._work, name="backend", daemon=True)
        self._thread.start()

    def submit(
        self, flow: FlowName, inputs: list[dict[str, Any]], source: Image.Image | None
    ) -> list[Future[Made]]:
        """Let images be made: all of them, or none.

        Raises:
            BusyError: too many wait already, or it is closed.
        """
        jobs = [_Job(flow, one, source) for one in inputs]
        with self._changed:
            if self._closed or len(self._waiting) + len(jobs) > self._most_waiting:
                raise BusyError(f"{len(self._waiting)} images wait already; try again later")
            self._waiting.extend(jobs)
            self._changed.notify()
        return [job.made for job in jobs]

    def close(self) -> None:
        """Make nothing more; what waits is cancelled."""
        with self._changed:
            self._closed = True
            self._changed.notify()
            for job in self._waiting:
                job.made.cancel()
            self._waiting.clear()

    def _work(self) -> None:
        opened: list[Backend] = []
        makers: dict[FlowName, Make] = {}

        def backend() -> Backend:
            if not opened:
                opened.append(self._open())
            return opened[0]

        while not self._closed:
            batch = self._next()
            if not batch:
                continue
            flow, begun = batch[0].flow, time.perf_counter()
            try:
                if flow not in makers:
                    makers[flow] = self._open_maker(flow, backend)
                inputs = [job.inputs for job in batch]
                sources = [job.source for job in batch if job.source is not None]
                outcomes = makers[flow](inputs, sources)
            except Exception as error:
                outcomes = [failed(error)] * len(batch)
            took = time.perf_counter() - begun
            for job, outcome in zip(batch, outcomes, strict=True):
                job.made.set_result(Made(outcome, begun - job.came, took, len(batch)))

    def _next(self) -> list[_Job]:
        """The next batch; empty where whoever asked has gone, or it is closed."""
        with self._changed:
            self._changed.wait_for(lambda: self._waiting or self._closed)
            until = time.monotonic() + _GATHER_SECONDS
            while len(self._waiting) < self._batch_size and not self._closed:
                if not self._changed.wait(max(0.0, until - time.monotonic())):
                    break
            batch: list[_Job] = []
            others: deque[_Job] = deque()
            for job in self._waiting:
                alike = not batch or job.kind == batch[0].kind
                if not alike or len(batch) >= self._batch_size:
                    others.append(job)
                elif job.made.set_running_or_notify_cancel():
                    batch.append(job)
            self._waiting = others
        return batch
