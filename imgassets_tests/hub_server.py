"""A hub on loopback: serves one folder as a model repository at one commit, over real HTTP.

After the protocol of huggingface.co as huggingface_hub 2.4 speaks it:
`/api/models/NAME/revision/R`, `/api/models/NAME/tree/R` and `/NAME/resolve/R/FILE`.
"""

from __future__ import annotations

import hashlib
import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit


@contextmanager
def serve(folder: Path, name: str, commit: str) -> Iterator[tuple[str, list[str]]]:
    """The server's URL, and a list that grows by each file it is asked for."""
    asked: list[str] = []
    handler = type("Handler", (_Hub,), {"at": (folder, name, commit), "asked": asked})
    server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield f"http://127.0.0.1:{server.server_port}", asked
    finally:
        server.shutdown()
        server.server_close()


class _Hub(BaseHTTPRequestHandler):
    at: tuple[Path, str, str]
    asked: list[str]
    protocol_version = "HTTP/1.1"

    def do_HEAD(self) -> None:
        self._answer()

    def do_GET(self) -> None:
        self._answer()

    def _answer(self) -> None:
        folder, name, commit = self.at
        path = unquote(urlsplit(self.path).path)
        files = sorted(p for p in folder.rglob("*") if p.is_file())
        if path == f"/api/models/{name}/revision/{commit}":
            siblings = [{"rfilename": p.relative_to(folder).as_posix()} for p in files]
            self._json({"id": name, "sha": commit, "siblings": siblings})
        elif path == f"/api/models/{name}/tree/{commit}":
            self._json([_entry(p, folder) for p in files])
        elif path.startswith(f"/{name}/resolve/{commit}/"):
            self._file(folder / path.removeprefix(f"/{name}/resolve/{commit}/"))
        else:
            self._send(404, b"{}", {"X-Error-Code": "RevisionNotFound"})

    def _json(self, content: Any) -> None:
        self._send(200, json.dumps(content).encode(), {"Content-Type": "application/json"})

    def _file(self, path: Path) -> None:
        if not path.is_file():
            return self._send(404, b"{}", {"X-Error-Code": "EntryNotFound"})
        if self.command == "GET":
            self.asked.append(path.relative_to(self.at[0]).as_posix())
        content = path.read_bytes()
        etag = f'"{hashlib.sha256(content).hexdigest()}"'
        return self._send(200, content, {"ETag": etag, "X-Repo-Commit": self.at[2]})

    def _send(self, status: int, content: bytes, headers: dict[str, str]) -> None:
        self.send_response(status)
        for key, value in (headers | {"Content-Length": str(len(content))}).items():
            self.send_header(key, value)
        self.end_headers()
        if self.command == "GET":
            self.wfile.write(content)

    def log_message(self, *_: Any) -> None:
        """Be quiet."""


def _entry(path: Path, folder: Path) -> dict[str, Any]:
    content = path.read_bytes()
    oid = hashlib.sha1(content, usedforsecurity=False).hexdigest()
    return {
        "type": "file",
        "path": path.relative_to(folder).as_posix(),
        "size": len(content),
        "oid": oid,
    }
