"""Runs a step in a process that kills itself at the nth system call that changes a file."""

from __future__ import annotations

import multiprocessing
import os
import signal
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

#: What changes files or waits for them; `pwrite` is killed half way through its data.
_CALLS = ("open", "pwrite", "fsync", "ftruncate", "replace", "utime", "unlink", "chmod")


def killed_at(step: Callable[[], object], nth: int) -> bool:
    """Whether the step was killed before it was through; counts calls from 1."""
    child = multiprocessing.get_context("fork").Process(target=_run, args=(step, nth))
    child.start()
    child.join()
    assert child.exitcode in (0, -signal.SIGKILL)
    return child.exitcode != 0


@contextmanager
def stopped_at(step: Callable[[], object], nth: int) -> Iterator[bool]:
    """A process that was stopped before its nth call goes on once the block ends.

    Yields whether it was stopped before it was through.
    """
    child = multiprocessing.get_context("fork").Process(target=_run, args=(step, nth, True))
    child.start()
    assert child.pid is not None
    _, status = os.waitpid(child.pid, os.WUNTRACED)
    stopped = os.WIFSTOPPED(status)
    yield stopped
    if stopped:
        os.kill(child.pid, signal.SIGCONT)
        os.waitpid(child.pid, 0)


def _run(step: Callable[[], object], nth: int, stop: bool = False) -> None:
    left = [nth]
    for name in _CALLS:
        half = name == "pwrite" and not stop
        setattr(os, name, _counting(getattr(os, name), left, half, stop))
    try:
        step()
    except RuntimeError:  # refused, since somebody else was faster
        os._exit(1)


def _counting(
    real: Callable[..., Any], left: list[int], half: bool, stop: bool
) -> Callable[..., Any]:
    def call(*arguments: Any, **named: Any) -> Any:
        left[0] -= 1
        if left[0]:
            return real(*arguments, **named)
        if half:
            descriptor, data, at = arguments
            real(descriptor, data[: len(data) // 2], at)
        os.kill(os.getpid(), signal.SIGSTOP if stop else signal.SIGKILL)
        return real(*arguments, **named)  # it was stopped, and goes on

    return call
