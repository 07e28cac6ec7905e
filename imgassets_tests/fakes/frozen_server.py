"""An image server that freezes and misbehaves at requests of choice, over real sockets.

One image is made at a time, as on one GPU, so what comes during a freeze waits for its end.
"""

from __future__ import annotations

import base64
import contextlib
import json
import socket
import threading
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from imgassets_tests.fakes.drawing import draw, png


@dataclass
class FrozenServer:
    """What it does, and what it saw.

    Attributes:
        seconds: to make an image.
        freeze_at: the number of the request, from 0, that finds it frozen.
        freeze_seconds: for how long.
        faults: what goes wrong, by number of the request.
        size: of the images.
        seen: numbers and arrival times (`time.perf_counter`) of all requests.
        asked: their bodies.
    """

    seconds: float = 0.01
    freeze_at: int = -1
    freeze_seconds: float = 2.0
    faults: Mapping[int, str] = field(default_factory=dict)
    size: tuple[int, int] = (96, 96)
    seen: list[float] = field(default_factory=list)
    asked: list[dict[str, Any]] = field(default_factory=list)
    url: str = ""
    gpu: threading.Lock = field(default_factory=threading.Lock)
    count: threading.Lock = field(default_factory=threading.Lock)
    over: threading.Event = field(default_factory=threading.Event)

    @contextlib.contextmanager
    def running(self) -> Iterator[FrozenServer]:
        """Serve on loopback meanwhile."""
        handler = type("Handler", (_Handler,), {"fake": self})
        server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
        server.daemon_threads = True
        self.url = f"http://127.0.0.1:{server.server_address[1]}/v1"
        thread = threading.Thread(target=server.serve_forever, daemon=True)
        thread.start()
        try:
            yield self
        finally:
            self.over.set()
            server.shutdown()
            server.server_close()


class _Handler(BaseHTTPRequestHandler):
    fake: FrozenServer
    protocol_version = "HTTP/1.1"

    def do_POST(self) -> None:
        fake = self.fake
        asked = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        with fake.count:
            number = len(fake.seen)
            fake.seen.append(time.perf_counter())
            fake.asked.append(asked)
        with fake.gpu:
            time.sleep(fake.freeze_seconds if number == fake.freeze_at else 0.0)
            time.sleep(fake.seconds)
        getattr(self, f"_{fake.faults.get(number, 'well')}")(asked)

    def _well(self, asked: dict[str, Any], size: tuple[int, int] | None = None) -> None:
        image = draw(asked["prompt"], int(asked["seed"]), size or self.fake.size)
        self._send(200, {"data": [{"b64_json": base64.b64encode(png(image)).decode()}]})

    def _error(self, _: dict[str, Any]) -> None:
        self._send(500, {"error": {"message": "CUDA error", "type": "server_error"}})

    def _busy(self, _: dict[str, Any]) -> None:
        self._send(429, {"error": {"message": "slow down", "type": "requests"}})

    def _hang(self, _: dict[str, Any]) -> None:
        self.fake.over.wait(60)
        self.close_connection = True

    def _drop(self, _: dict[str, Any]) -> None:
        self.connection.shutdown(socket.SHUT_RDWR)
        self.close_connection = True

    def _cut(self, _: dict[str, Any]) -> None:
        self.send_response(200)
        self.send_header("Content-Length", "5000")
        self.end_headers()
        self.wfile.write(b'{"data": [{"b64_json": "iVBORw0')
        self.close_connection = True

    def _bad_base64(self, _: dict[str, Any]) -> None:
        self._send(200, {"data": [{"b64_json": "%%% no base64 %%%"}]})

    def _no_image(self, _: dict[str, Any]) -> None:
        self._send(200, {"data": [{"b64_json": base64.b64encode(b"<html>").decode()}]})

    def _empty(self, _: dict[str, Any]) -> None:
        self._send(200, {"data": []})

    def _wrong_size(self, asked: dict[str, Any]) -> None:
        self._well(asked, (64, 96))

    def do_GET(self) -> None:
        self._send(404, {"error": {"message": "no such address"}})

    def _send(self, status: int, told: dict[str, Any]) -> None:
        body = json.dumps(told).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        with contextlib.suppress(OSError):
            self.wfile.write(body)

    def log_message(self, *_: Any) -> None:
        """Quiet."""
