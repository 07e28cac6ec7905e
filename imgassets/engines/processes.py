"""Workers that are processes of this machine: one a GPU, or several on its cores.

Each is a Python of its own, so that its GPU is chosen before CUDA is there. They talk over a pair
of sockets; a worker that is gone is noticed by its closed end.
"""

from __future__ import annotations

import os
import socket
import subprocess
import sys
from collections.abc import Sequence
from contextlib import suppress
from multiprocessing.connection import Connection, wait
from pathlib import Path
from typing import Any

from imgassets.backends.device import Device
from imgassets.engines.crew import Done, EngineError, Event, Failed, Lost, Ready
from imgassets.metrics.score_processes import usable_cores

_END_SECONDS = 5.0


def gpus_here() -> list[str]:
    """Names of the GPUs that this process may use, as CUDA_VISIBLE_DEVICES wants them."""
    visible = os.environ.get("CUDA_VISIBLE_DEVICES")
    if visible is not None:
        return [name.strip() for name in visible.split(",") if name.strip()]
    cards = Path("/proc/driver/nvidia/gpus")
    return [str(number) for number in range(len(list(cards.iterdir())))] if cards.is_dir() else []


class Processes:
    """A crew of processes; `module` is what each runs."""

    module = "imgassets.engines.process_worker"

    def __init__(self, workers: int, device: Device) -> None:
        """
        Args:
            workers: how many there will be.
            device: what they make images on.

        Raises:
            EngineError: there are fewer GPUs, or this system cannot.
        """
        if sys.platform == "win32":
            raise EngineError("IMGASSETS_ENGINE=local:N needs Linux or macOS; unset it")
        self._gpus = gpus_here() if device == "cuda" else []
        if device == "cuda" and workers > len(self._gpus):
            raise EngineError(
                f"IMGASSETS_ENGINE asks for {workers} workers, and there are {len(self._gpus)} "
                f"GPUs for them; write local:{max(1, len(self._gpus))}"
            )
        self._threads = str(max(1, usable_cores() // workers))
        self._processes: dict[int, subprocess.Popen[bytes]] = {}
        self._lines: dict[int, Connection] = {}

    def start(self, place: int) -> None:
        """See `Crew`."""
        ours, theirs = socket.socketpair()
        end = theirs.fileno()
        with theirs:
            self._processes[place] = subprocess.Popen(  # noqa: S603 - our own module
                [sys.executable, "-m", self.module, str(end)],
                pass_fds=[end],
                env=self._environment(place),
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,  # a command's own output may be JSON
            )
        self._lines[place] = Connection(ours.detach())

    def give(self, place: int, order: Any, task: Any) -> None:
        """See `Crew`."""
        with suppress(OSError):  # it is gone, which the next `wait` finds
            self._lines[place].send((order, task))

    def wait(self, seconds: float) -> Sequence[Event]:
        """See `Crew`."""
        places = {line: place for place, line in self._lines.items()}
        return [self._heard(places[line], line) for line in wait(list(places), seconds)]  # type: ignore[index, arg-type]

    def end(self, place: int) -> None:
        """See `Crew`."""
        self._lines.pop(place).close()
        process = self._processes.pop(place)
        process.kill()  # it stores nothing, so nothing can be left half done
        process.wait()

    def close(self) -> None:
        """See `Crew`."""
        for line in self._lines.values():
            line.close()
        for process in self._processes.values():
            process.kill()
        for process in self._processes.values():
            process.wait()
        self._lines, self._processes = {}, {}

    def _heard(self, place: int, line: Connection) -> Event:
        try:
            kind, said = line.recv()
        except (OSError, EOFError):
            return Lost(place, self._end_of(place))
        if kind == "ready":
            return Ready(place, said)
        return Done(place, said) if kind == "done" else Failed(place, said)

    def _end_of(self, place: int) -> str:
        self._lines.pop(place).close()
        process = self._processes.pop(place)
        try:
            code = process.wait(_END_SECONDS)
        except subprocess.TimeoutExpired:
            process.kill()
            code = process.wait()
        if code < 0:
            return f"signal {-code} ended its process, most likely for want of memory"
        return f"its process exited {code}"

    def _environment(self, place: int) -> dict[str, str]:
        """One GPU each, or a share of the cores; a number of threads that is set stays."""
        own = {"CUDA_VISIBLE_DEVICES": self._gpus[place]} if self._gpus else {}
        threads = {} if self._gpus else {"OMP_NUM_THREADS": self._threads}
        return threads | os.environ | own
