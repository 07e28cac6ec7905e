"""One writer at a time, on one machine, without a file that somebody may not be able to make."""

from __future__ import annotations

import fcntl
import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

_PAUSE = 0.005


class LockedError(RuntimeError):
    """Another process holds the flags and does not let go."""


@contextmanager
def locked(folder: Path, patience: float) -> Iterator[bool]:
    """Hold a folder: the kernel lets go when the process ends, by whatever signal.

    Args:
        folder: must be there.
        patience: seconds to wait for another process.

    Yields:
        Whether it is held; False when the other process did not let go in time.
    """
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        yield held(descriptor, patience)
    finally:
        os.close(descriptor)


def held(descriptor: int, patience: float) -> bool:
    """Hold an open file or folder until it is closed; False when another process did not let go."""
    until = time.monotonic() + patience
    while True:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            if time.monotonic() >= until:
                return False
            time.sleep(_PAUSE)
        else:
            return True
