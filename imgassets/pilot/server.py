"""`imgassets serve` as a process of its own, with its memory watched."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time
from contextlib import suppress
from itertools import count
from pathlib import Path
from types import TracebackType
from typing import IO, Self

import httpx
import psutil

_HOST = "127.0.0.1"
_START_SECONDS, _STOP_SECONDS, _SAMPLE_SECONDS = 120.0, 15.0, 0.1
#: Samples between looks for new children.
_SAMPLES_A_LOOK = 50


class PilotError(RuntimeError):
    """A pilot cannot be run; says why, and what to do."""


class Server:
    """A served model on loopback, from `with` to its end.

    Attributes:
        url: ends in `/v1`.
        peak_mib: highest resident memory of the process and its children, MiB, sampled.
    """

    def __init__(self, root: Path, model: str, device: str, log: Path) -> None:
        """`log` takes a JSON line for each request, as the server saw it."""
        with socket.create_server((_HOST, 0)) as free:
            port = free.getsockname()[1]
        self.url, self.peak_mib = f"http://{_HOST}:{port}/v1", 0.0
        self._root, self._said = root, tempfile.TemporaryFile()  # noqa: SIM115 - closed at exit
        self._command = [
            *(sys.executable, "-m", "imgassets.cli.main", "serve", model),
            *("--port", str(port), "--device", device, "--log", str(log), "--end-with-parent"),
        ]
        self._done = threading.Event()
        self._watch = threading.Thread(target=self._look_at_memory, daemon=True)

    def __enter__(self) -> Self:
        environment = os.environ | {"IMGASSETS_PROJECT": str(self._root)}
        self._process = subprocess.Popen(  # noqa: S603 - our own command
            self._command, env=environment, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
            stderr=self._said, start_new_session=True,
        )  # fmt: skip
        try:
            self._wait()
        except BaseException:
            self._stop()
            raise
        self._watch.start()
        return self

    @property
    def pid(self) -> int:
        """Of the server."""
        return self._process.pid

    def _wait(self) -> None:
        until = time.monotonic() + _START_SECONDS
        while time.monotonic() < until:
            if self._process.poll() is not None:
                raise PilotError(f"imgassets serve ended at once: {_tail(self._said)}")
            with suppress(httpx.HTTPError):
                httpx.get(f"{self.url}/models", timeout=5, trust_env=False)
                return
            time.sleep(0.1)
        raise PilotError(f"imgassets serve did not answer within {_START_SECONDS:g} s")

    def _look_at_memory(self) -> None:
        with suppress(psutil.Error):
            process = psutil.Process(self._process.pid)
            family = [process]
            for turn in count():
                if self._done.wait(_SAMPLE_SECONDS):
                    return
                if turn % _SAMPLES_A_LOOK == 0:  # it reads all processes: the sender would be late
                    family = [process, *process.children(recursive=True)]
                used = sum(map(_resident, family)) / 2**20
                self.peak_mib = max(self.peak_mib, used)

    def _stop(self) -> None:
        self._done.set()
        if self._process.poll() is None:
            self._process.send_signal(signal.SIGTERM)
            try:
                self._process.wait(_STOP_SECONDS)
            except subprocess.TimeoutExpired:
                self._process.kill()
                self._process.wait()
        self._said.close()

    def __exit__(
        self, kind: type[BaseException] | None, _: BaseException | None, __: TracebackType | None
    ) -> None:
        self._stop()


def _resident(process: psutil.Process) -> int:
    """Bytes; none of a process that is gone."""
    try:
        return int(process.memory_info().rss)
    except psutil.Error:
        return 0


def _tail(said: IO[bytes]) -> str:
    said.seek(0)
    return said.read()[-2000:].decode("utf-8", "replace").strip() or "it said nothing"
