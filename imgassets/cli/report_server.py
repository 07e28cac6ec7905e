"""Serves a project's reports beside the Dagster UI, on loopback, so that its links open them.

Browsers open no `file:` link from a page of a server, and Dagster's serves no files of ours.
"""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import threading
import time
from functools import partial
from http import HTTPStatus
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

from imgassets.cli.options import HOST
from imgassets.documents.environment import REPORTS_URL


def start_beside(folder: Path) -> subprocess.Popen[bytes] | None:
    """Serve `folder` on a free port, in a process that ends with this one; tell the UI where.

    None where the environment says already where reports are served, such as by a proxy.
    """
    if os.environ.get(REPORTS_URL):
        return None
    with socket.socket() as probe:
        probe.bind((HOST, 0))
        port = probe.getsockname()[1]
    command = [sys.executable, "-m", __name__, str(folder), str(port)]
    os.environ[REPORTS_URL] = f"http://{HOST}:{port}"
    return subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)  # noqa: S603 - our own module


class _Reports(SimpleHTTPRequestHandler):
    """Files alone: no listing of folders, and nothing for a page that came by another name."""

    def send_head(self):  # type: ignore[no-untyped-def]
        if self.headers.get("Host", "").partition(":")[0] not in (HOST, "localhost"):
            return self.send_error(HTTPStatus.FORBIDDEN)
        return super().send_head()

    def list_directory(self, path):  # type: ignore[no-untyped-def]  # noqa: ARG002 - the base's
        return self.send_error(HTTPStatus.NOT_FOUND)

    def log_message(self, *_: object) -> None:
        pass


def _serve(folder: str, port: str) -> None:
    server = ThreadingHTTPServer((HOST, int(port)), partial(_Reports, directory=folder))
    threading.Thread(target=server.serve_forever, daemon=True).start()
    parent = os.getppid()
    while os.getppid() == parent:  # the UI is still there
        time.sleep(1)


if __name__ == "__main__":
    _serve(*sys.argv[1:])
