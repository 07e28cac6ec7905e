"""Runs a step in a process that kills itself at the nth system call that changes a file."""

from __future__ import annotations

import multiprocessing
import os
import signal
from collections.abc import Callable
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


def _run(step: Callable[[], object], nth: int) -> None:
    left = [nth]
    for name in _CALLS:
        setattr(os, name, _counting(getattr(os, name), left, half=name == "pwrite"))
    step()


def _counting(real: Callable[..., Any], left: list[int], half: bool) -> Callable[..., Any]:
    def call(*arguments: Any, **named: Any) -> Any:
        left[0] -= 1
        if left[0]:
            return real(*arguments, **named)
        if half:
            descriptor, data, at = arguments
            real(descriptor, data[: len(data) // 2], at)
        os.kill(os.getpid(), signal.SIGKILL)
        raise AssertionError("unreachable")

    return call
