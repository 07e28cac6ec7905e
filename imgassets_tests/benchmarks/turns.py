"""Two processes side by side on a machine whose speed wanders: they run by turns of a second.

Each is stopped while the other has its turn, so both meet the same moods of the machine, and
neither takes cores or disk from the other.
"""

from __future__ import annotations

import os
import select
import signal
import subprocess
import time
from collections.abc import Mapping, Sequence

_TURN_SECONDS = 1.0


def wait_for_turns() -> None:
    """To be called by each side when it is ready; returns with its first turn.

    Once done, the side prints one line.
    """
    os.kill(os.getpid(), signal.SIGSTOP)


class _Side:
    """A stopped process, the seconds of its turns, and the line it ended with."""

    def __init__(self, command: Sequence[str], env: Mapping[str, str]) -> None:
        self._process = subprocess.Popen(command, env=env, stdout=subprocess.PIPE, text=True)
        self.seconds, self.said = 0.0, ""
        self._until_stopped()

    def turn(self) -> None:
        start = time.perf_counter()
        self._process.send_signal(signal.SIGCONT)
        spoke, _, _ = select.select([self._process.stdout], [], [], _TURN_SECONDS)
        if spoke:
            self.seconds += time.perf_counter() - start
            self.said = self._process.communicate()[0]
            if self._process.returncode:
                raise RuntimeError(f"a side ended with {self._process.returncode}")
            return
        self._process.send_signal(signal.SIGSTOP)
        self._until_stopped()  # a write to disk is finished first, in this side's time
        self.seconds += time.perf_counter() - start

    def _until_stopped(self) -> None:
        _, status = os.waitpid(self._process.pid, os.WUNTRACED)
        if not os.WIFSTOPPED(status):
            raise RuntimeError(f"a side ended before its turns did: status {status}")


def by_turns(
    one: Sequence[str], other: Sequence[str], env: Mapping[str, str]
) -> list[tuple[float, str]]:
    """Seconds of each command from `wait_for_turns` to the line it prints, and that line.

    Raises:
        RuntimeError: one of them failed.
    """
    sides = [_Side(one, env), _Side(other, env)]
    while open_ones := [side for side in sides if not side.said]:
        for side in open_ones:
            side.turn()
    return [(side.seconds, side.said) for side in sides]
