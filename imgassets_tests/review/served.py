"""`imgassets review` in a process of its own, on the made-up project."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

import httpx

_PATIENCE = 90


@dataclass(frozen=True)
class Served:
    """A server in another process.

    Attributes:
        address: with the token, up to the last slash.
        process: the command.
        log: what it prints.
    """

    address: str
    process: subprocess.Popen[bytes]
    log: Path

    def stop(self, number: signal.Signals) -> int:
        """Its exit code after a signal; negative is the signal that killed it."""
        self.process.send_signal(number)
        return self.process.wait(timeout=30)


@contextmanager
def served(root: Path, port: int, *arguments: str) -> Iterator[Served]:
    """The command, until it was stopped or the block ends."""
    log = root.parent / f"review-{len(list(root.parent.glob('review-*.log')))}.log"
    command = ["review", "--endpoint", "cards", "--model", "fast", "--port", str(port), *arguments]
    with log.open("w") as file:
        process = subprocess.Popen(
            [sys.executable, "-m", "imgassets.cli.main", *command],
            env=os.environ | {"IMGASSETS_PROJECT": str(root)},
            stdout=file,
            stderr=file,
        )
    try:
        yield Served(_address(process, log), process, log)
    finally:
        process.kill()
        process.wait(timeout=30)


def free_port() -> int:
    """One that nobody listens at now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def _address(process: subprocess.Popen[bytes], log: Path) -> str:
    deadline = time.monotonic() + _PATIENCE
    while time.monotonic() < deadline and process.poll() is None:
        lines = [line for line in log.read_text().splitlines() if line.startswith("open ")]
        if lines:
            address = lines[0].removeprefix("open ").partition("?")[0]
            with suppress(httpx.TransportError):
                if httpx.get(address).status_code == 200:
                    return address
        time.sleep(0.05)
    raise TimeoutError(f"no server: {log.read_text()}")
