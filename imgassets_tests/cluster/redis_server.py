"""A real Redis on loopback, from Debian's package."""

from __future__ import annotations

import shutil
import socket
import subprocess
import time
from pathlib import Path

_PASSWORD = "password-of-a-test"  # noqa: S105 - of a server that lives for a test


class RedisServer:
    """One server, without files of its own."""

    def __init__(self, folder: Path) -> None:
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            self.port = int(probe.getsockname()[1])
        self._process = subprocess.Popen(
            [
                *(str(shutil.which("redis-server")), "--port", str(self.port)),
                *("--bind", "127.0.0.1", "--requirepass", _PASSWORD),
                *("--save", "", "--dir", str(folder), "--daemonize", "no"),
            ],
            stdout=subprocess.DEVNULL,
        )
        while True:
            try:
                socket.create_connection(("127.0.0.1", self.port), 1).close()
                return
            except OSError:
                if self._process.poll() is not None:
                    raise
                time.sleep(0.05)

    def url(self, database: int) -> str:
        """For Celery's broker or results."""
        return f"redis://:{_PASSWORD}@127.0.0.1:{self.port}/{database}"

    def stop(self) -> None:
        """End it."""
        self._process.terminate()
        self._process.wait(10)
