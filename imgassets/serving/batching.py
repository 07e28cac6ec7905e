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
from imgassets.backends.registry import maker_of
from imgassets.flows import FlowName

if TYPE_CHECKING:
    from PIL import Image

#: Requests sent at the same moment arrive some milliseconds apart.
_GATHER_SECONDS = 0.02


class BusyError(RuntimeError):
    """As many images wait as may wait."""


@dataclass(frozen=True)
class _Job:
    """One image to make."""

    flow: FlowName
    inputs: dict[str, Any]
    source: Image.Image | None
    made: Future[Outcome] = field(default_factory=Future)

    @property
    def kind(self) -> tuple[FlowName, tuple[int, ...]]:
        """What images of one batch have in common."""
        return self.flow, tuple(self.inputs["size"])


class Batcher:
    """Takes images to make from any thread; makes them in order of arrival, kind by kind."""

    def __init__(
        self, open_: Callable[[], Backend], batch_size: int, most_waiting: int = 256
    ) -> None:
        """Start it.

        Args:
            open_: opens the backend, in the thread that uses it.
            batch_size: most images of a batch.
            most_waiting: images that may wait.
        """
        self._open, self._batch_size, self._most_waiting = open_, batch_size, most_waiting
        self._waiting: deque[_Job] = deque()
        self._changed = threading.Condition()
        self._closed = False
        self._thread = threading.Thread(target=self._work, name="backend", daemon=True)
        self._thread.start()

    def submit(
        self, flow: FlowName, inputs: list[dict[str, Any]], source: Image.Image | None
    ) -> list[Future[Outcome]]:
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
        backend: Backend | None = None
        while not self._closed:
            batch = self._next()
            if not batch:
                continue
            try:
                backend = backend or self._open()
                inputs = [job.inputs for job in batch]
                sources = [job.source for job in batch if job.source is not None]
                outcomes = maker_of(batch[0].flow, backend)(inputs, sources)
            except Exception as error:
                outcomes = [failed(error)] * len(batch)
            for job, outcome in zip(batch, outcomes, strict=True):
                job.made.set_result(outcome)

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
