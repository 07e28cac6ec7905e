"""A crew in a process of its own, for a library that may end its process.

Ray does: a process that is connected to a cluster and cannot reach its head for a minute is ended
by Ray, with exit code 1 and no Python exception. The run must outlive that, to say what was lost
and to finish what needs no cluster.

`python -m imgassets.engines.crew_process FD` is that process; it ends when the run does.
"""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
from collections.abc import Callable, Sequence
from contextlib import suppress
from multiprocessing.connection import Connection
from typing import Any, Protocol

from imgassets.engines.crew import Crew, EngineError, Event
from imgassets.engines.process_worker import portable

_END_SECONDS = 10.0
_ORDER = "order"


class Counted(Crew, Protocol):
    """A crew that knows how many workers there is room for."""

    workers: int


class CrewProcess:
    """A crew that another process has."""

    def __init__(self, crew: Callable[[], Counted], lost: str) -> None:
        """
        Args:
            crew: makes it; called in the other process, so it must be picklable.
            lost: what to say when that process ends by itself.

        Raises:
            EngineError: the crew cannot be made, or its process ended.
        """
        ours, theirs = socket.socketpair()
        end = theirs.fileno()
        with theirs:
            self._process = subprocess.Popen(  # noqa: S603 - our own module
                [sys.executable, "-m", __name__, str(end)],
                pass_fds=[end],
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,  # a command's own output may be JSON
            )
        self._line, self._lost = Connection(ours.detach()), lost
        self._order: Any = None
        try:
            self._send(crew)
            self.workers: int = self._answer()
        except BaseException:
            self.quit()
            raise

    def start(self, place: int) -> None:
        """See `Crew`."""
        self._send(("start", place))

    def give(self, place: int, order: Any, task: Any) -> None:
        """See `Crew`; an order may be large, so it goes over once."""
        if order is not self._order:
            self._send((_ORDER, order))
            self._order = order
        self._send(("give", place, task))

    def wait(self, seconds: float) -> Sequence[Event]:
        """See `Crew`.

        Raises:
            EngineError: the other process ended.
        """
        self._send(("wait", seconds))
        events: Sequence[Event] = self._answer()
        return events

    def end(self, place: int) -> None:
        """See `Crew`."""
        self._send(("end", place))

    def close(self) -> None:
        """See `Crew`; its process stays, for workers that are started later."""
        with suppress(EngineError):
            self._send(("close",))

    def quit(self) -> None:
        """End the process, and with it all workers."""
        self._line.close()
        try:
            self._process.wait(_END_SECONDS)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()

    def _send(self, what: Any) -> None:
        try:
            self._line.send(what)
        except OSError as error:
            raise EngineError(self._lost) from error

    def _answer(self) -> Any:
        try:
            answer = self._line.recv()
        except (OSError, EOFError) as error:
            raise EngineError(self._lost) from error
        if isinstance(answer, Exception):
            raise answer
        return answer


def serve(line: Connection) -> None:
    """Make the crew that is asked for, and do what is asked of it, until the other end is gone."""
    try:
        crew: Counted = line.recv()()
        line.send(crew.workers)
    except Exception as error:
        line.send(portable(error))
        return
    try:
        _serve(crew, line)
    finally:
        crew.close()


def _serve(crew: Counted, line: Connection) -> None:
    order, failed = None, None
    while True:
        name, *arguments = line.recv()
        if name == _ORDER:
            (order,) = arguments
            continue
        if name == "give":
            arguments.insert(1, order)
        try:
            answer = getattr(crew, name)(*arguments)
        except Exception as error:
            failed = failed or portable(error)
        if name == "wait":  # nobody listens for an answer to the others
            line.send(failed or answer)
            failed = None


if __name__ == "__main__":
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is the run's to handle
    os.set_inheritable(int(sys.argv[1]), False)
    with suppress(EOFError, OSError):
        serve(Connection(int(sys.argv[1])))
