"""The open loop: each request is sent when it is due, whatever became of those before it.

Latency counts from when a request was due. A client that waits for a slow reply before it sends
the next request would hide what the others would have waited ("coordinated omission").
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass

from imgassets.documents.failures import ModeName
from imgassets.pilot.due import Due
from imgassets.requests import Request

#: From when all is ready to the first request.
_LEAD_SECONDS = 0.2


@dataclass(frozen=True)
class Stepped:
    """What became of one request for an image.

    Attributes:
        request: what was asked for.
        began, ended: seconds from the start of the replay: of the first byte that was sent, and the
            last one that came.
        image: the bytes that came; None where none did.
        failure, message: why not.
        waited, made, batch, memory: as the server told them; None where it did not.
        here: whether it was done by this process and not by the server.
    """

    request: Request
    began: float
    ended: float
    image: bytes | None = None
    failure: ModeName | None = None
    message: str = ""
    waited: float | None = None
    made: float | None = None
    batch: int | None = None
    memory: float | None = None
    here: bool = False


@dataclass(frozen=True)
class Answered:
    """One request of the traffic with all its steps; times in seconds from the start."""

    due: Due
    sent: float
    done: float
    steps: tuple[Stepped, ...]


#: Makes one image, from the image before it: (request, source, name of the request) -> step.
Ask = Callable[[Request, bytes | None, str], Awaitable[Stepped]]
Progress = Callable[[int, int], None]


class Clock:
    """Seconds from the start of the replay, which is set once."""

    def __init__(self) -> None:
        self.start = time.perf_counter()

    def now(self) -> float:
        """Seconds since the start."""
        return time.perf_counter() - self.start


async def replay(
    dues: Sequence[Due], ask: Ask, clock: Clock, progress: Progress = lambda *_: None
) -> list[Answered]:
    """Send every request when it is due, and wait for all of them.

    Args:
        dues: in order of time.
        ask: makes one image; raises nothing.
        clock: its start is set to that of the replay.
        progress: told (answered, all) as they come.
    """
    clock.start = time.perf_counter() + _LEAD_SECONDS
    done = 0

    async def one(due: Due) -> Answered:
        nonlocal done
        answered = await _chain(due, ask, clock)
        done += 1
        progress(done, len(dues))
        return answered

    tasks = []
    for due in dues:
        left = due.at - clock.now()
        # A sleep of 0 as well: replies must be read between requests that are due together.
        await asyncio.sleep(max(0.0, left))
        tasks.append(asyncio.create_task(one(due)))
    return list(await asyncio.gather(*tasks))


async def _chain(due: Due, ask: Ask, clock: Clock) -> Answered:
    sent, steps, source = clock.now(), list[Stepped](), None
    for request in due.steps:
        step = await ask(request, source, f"{due.number}.{request.flow}")
        steps.append(step)
        if step.image is None:
            break
        source = step.image
    return Answered(due, sent, steps[-1].ended, tuple(steps))
