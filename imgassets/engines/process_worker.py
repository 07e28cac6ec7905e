"""The main module of a worker that is a process: `python -m imgassets.engines.process_worker FD`.

Started by `processes` alone. It ends when its parent does, however that ended.
"""

from __future__ import annotations

import os
import pickle
import signal
import sys
import threading
import time
import traceback
from contextlib import suppress
from multiprocessing.connection import Connection
from typing import Any, Protocol

from imgassets.engines.crew import EngineError
from imgassets.engines.worker import Worker

_LOOK_SECONDS = 0.5


class Serving(Protocol):
    """What a worker is: something that does tasks."""

    def versions(self) -> dict[str, str]:
        """Of what can change its outcomes, where it runs."""

    def make(self, order: Any, task: Any) -> list[Any]:
        """One outcome an image, in order."""


def serve(line: Connection, worker: Serving) -> None:
    """Do tasks until the other end is closed."""
    with suppress(EOFError, OSError):
        line.send(("ready", worker.versions()))
        while True:
            line.send(_answer(worker, *line.recv()))


def _answer(worker: Serving, order: Any, task: Any) -> tuple[str, Any]:
    try:
        return "done", worker.make(order, task)
    except Exception as error:
        return "failed", portable(error)


def portable(error: Exception) -> Exception:
    """The error itself where another process can read it, else its text."""
    try:
        if str(pickle.loads(pickle.dumps(error))) == str(error):  # noqa: S301 - made here
            return error
    except Exception:
        traceback.print_exc()
    return EngineError(f"{type(error).__name__}: {error}")


def _end_with(parent: int) -> None:
    """A batch may take minutes; nobody waits for it once the parent is gone."""
    while os.getppid() == parent:
        time.sleep(_LOOK_SECONDS)
    os._exit(1)


def main(worker: Serving) -> None:
    """Serve the line whose file descriptor is the argument."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is the parent's to handle
    end = int(sys.argv[1])
    os.set_inheritable(end, False)
    threading.Thread(target=_end_with, args=(os.getppid(),), daemon=True).start()
    serve(Connection(end), worker)


if __name__ == "__main__":
    main(Worker())
