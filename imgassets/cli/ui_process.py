"""Runs the Dagster UI below this process, and ends it whole when this process is told to stop.

`dagster dev` starts a web server, a daemon and code servers, and asks them one by one to stop, for
which it allows minutes. Here all of them are one group of processes, that can be ended at once.
"""

from __future__ import annotations

import os
import signal
import subprocess
import threading
from collections.abc import Sequence
from contextlib import suppress

#: Told to stop, Dagster notes what became of its runs and ends by itself: mostly in one to two s.
_PATIENCE_SECONDS = 2.5
_LOOK_SECONDS = 0.2
_STOPS = (signal.SIGTERM, signal.SIGINT, signal.SIGHUP)


def run_until_stopped(command: Sequence[str], lock: int | None = None) -> int:
    """Run a command with all it starts, until it ends or this process is told to stop.

    Args:
        command: gets a session of its own, so a closed terminal or Ctrl-C reaches it through here.
        lock: an open file that the command holds as well, should this process be killed.

    Returns:
        0 after a signal to stop, else the exit code of the command.
    """
    stop = threading.Event()
    held = [] if lock is None else [lock]
    for number in _STOPS:
        _listen(number, stop)
    started = subprocess.Popen(command, pass_fds=held, start_new_session=True)  # noqa: S603 - ours
    try:
        while started.poll() is None and not stop.wait(_LOOK_SECONDS):
            pass
        _to_all(started, signal.SIGINT)
        with suppress(subprocess.TimeoutExpired):
            started.wait(_PATIENCE_SECONDS)
    finally:
        _to_all(started, signal.SIGKILL)
    code = started.wait()
    return 0 if stop.is_set() else code


def _listen(number: signal.Signals, stop: threading.Event) -> None:
    """Stop at a signal, but for one that `nohup` or a shell's `&` had this process ignore.

    That one gets a function which does nothing: what is started here must not inherit that it is
    ignored, since Dagster stops its own processes by SIGINT.
    """
    ignored = signal.getsignal(number) is signal.SIG_IGN
    signal.signal(number, lambda *_: None if ignored else stop.set())


def _to_all(started: subprocess.Popen[bytes], number: signal.Signals) -> None:
    """A signal to every process of the group; there may be some left when the first one is gone."""
    with suppress(ProcessLookupError, PermissionError):
        os.killpg(started.pid, number)
