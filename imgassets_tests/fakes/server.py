"""The server both fakes stand on: counts what it bills, and breaks replies as told."""

from __future__ import annotations

import contextlib
import hashlib
import json
import struct
import threading
import time
import zlib
from collections import Counter
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Self

from imgassets_tests.fakes.faults import FAULTS, Misbehaviour

SECRET = "sk-hosted-SECRET-4f1c9a"  # noqa: S105 - of a server that is not real


def _bomb(side: int) -> bytes:
    """A PNG of a few bytes that says it has `side` times `side` pixels."""
    head = b"IHDR" + struct.pack(">IIBBBBB", side, side, 8, 2, 0, 0, 0)
    body = b"IDAT" + zlib.compress(b"\0" * 1000)
    chunks = [(len(c) - 4).to_bytes(4) + c + zlib.crc32(c).to_bytes(4) for c in (head, body)]
    return b"\x89PNG\r\n\x1a\n" + b"".join(chunks) + b"\0\0\0\0IEND\xaeB`\x82"


BOMB = _bomb(60_000)


class Refuse(Exception):  # noqa: N818 - a reply, not an error
    """Answer with this status and JSON instead."""

    def __init__(self, status: int, body: Any, headers: dict[str, str] | None = None) -> None:
        super().__init__(status)
        self.status, self.body, self.headers = status, body, headers or {}


class FakeProvider:
    """A provider on a loopback socket, for the length of a `with` block.

    Attributes:
        bills: how often each request (by the hash of what was asked) was billed.
        posts: how often each was sent.
        met: how often each fault was met.
        history: the fault each sending of a request met, None where it met none.
        leaks: requests that carried the API key where it does not belong.
        requests: what was asked, as the fake understood it.
        answers: what to answer POSTs with instead, in order, as raw bytes of HTTP; then as usual.
            Answers are given before anything is understood or billed.
        hold: name of a stage (`drawn`, `download`) to stop in until `release` is set; `held` tells.
    """

    api = ""

    def __init__(self, misbehaviour: Misbehaviour | None = None, slow_seconds: float = 1.0) -> None:
        self.misbehaviour = misbehaviour or Misbehaviour()
        self.slow_seconds = slow_seconds
        self.bills: Counter[str] = Counter()
        self.posts: Counter[str] = Counter()
        self.met: Counter[str] = Counter()
        self.history: dict[str, list[str | None]] = {}
        self.leaks: list[str] = []
        self.requests: list[dict[str, Any]] = []
        self.answers: list[bytes] = []
        self.hold, self.held, self.release = "", threading.Event(), threading.Event()
        self.lock = threading.Lock()

    def __enter__(self) -> Self:
        fake = self

        class Handler(_Handler):
            provider = fake

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        threading.Thread(target=self._server.serve_forever, args=(0.05,), daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        self.release.set()
        self._server.shutdown()
        self._server.server_close()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self._server.server_address[1]}"

    # ---- what an API fills in --------------------------------------------------------------

    def understand(self, path: str, headers: Any, body: bytes) -> dict[str, Any]:
        """What a POST asks for; raises `Refuse` for what the API would not accept."""
        raise NotImplementedError

    def refusal(self, fault: str) -> Refuse:
        """How the API says no."""
        raise NotImplementedError

    def reply(self, asked: dict[str, Any], fault: str | None) -> Any:
        """The JSON of a request that was drawn."""
        raise NotImplementedError

    def download(self, path: str) -> tuple[int, bytes, str | None]:
        """Status, body and fault (of the connection) of a GET; may raise `Refuse`."""
        return 404, b"", None

    # ---- the books -------------------------------------------------------------------------

    def meet(self, asked: dict[str, Any]) -> tuple[str, str | None]:
        """Book a request; returns its hash and the fault it meets."""
        plain = {k: v for k, v in asked.items() if not k.startswith("_")}
        request = hashlib.sha256(json.dumps(plain, sort_keys=True).encode()).hexdigest()[:16]
        with self.lock:
            fault = self.misbehaviour.of(request, self.posts[request])
            self.posts[request] += 1
            self.requests.append(plain)
            self.history.setdefault(request, []).append(fault)
            if fault:
                self.met[fault] += 1
            if fault is None or FAULTS[fault].billed:
                self.bills[request] += 1
        return request, fault

    def stage(self, name: str) -> None:
        """Stop here when told to."""
        if name == self.hold:
            self.held.set()
            self.release.wait(60)


def http(status: int, body: bytes = b"", **headers: str) -> bytes:
    """A reply as it travels; names of headers are written with `_` for `-`, the length is told."""
    told = {"Content-Type": "application/json", "Content-Length": str(len(body))}
    told |= {name.replace("_", "-"): value for name, value in headers.items()}
    lines = [f"HTTP/1.1 {status} Told", *(f"{name}: {value}" for name, value in told.items())]
    return "\r\n".join([*lines, "", ""]).encode("latin-1") + body


class _Handler(BaseHTTPRequestHandler):
    provider: FakeProvider
    protocol_version = "HTTP/1.1"

    def do_POST(self) -> None:
        with self.provider.lock:
            raw = self.provider.answers.pop(0) if self.provider.answers else None
        body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        if raw is not None:
            self.wfile.write(raw)
            return self._hang_up()
        try:
            asked = self.provider.understand(self.path, self.headers, body)
            _, fault = self.provider.meet(asked)
            return self._answer(asked, fault)
        except Refuse as no:
            return self._send(no.status, json.dumps(no.body).encode(), headers=no.headers)

    def _answer(self, asked: dict[str, Any], fault: str | None) -> None:
        provider = self.provider
        if fault == "closed_early":
            return self._hang_up()
        if fault and not FAULTS[fault].billed:
            raise provider.refusal(fault)
        provider.stage("drawn")
        if fault == "closed_late":
            return self._hang_up()
        if fault == "slow":
            time.sleep(provider.slow_seconds)
        if fault == "junk":
            return self._send(200, b"<html>gateway</html>", kind="text/html")
        reply = json.dumps(provider.reply(asked, fault)).encode()
        return self._send(200, reply, broken=fault)

    def do_GET(self) -> None:
        if any(SECRET in value for value in self.headers.values()) or SECRET in self.path:
            self.provider.leaks.append(self.path)
        self.provider.stage("download")
        try:
            status, body, fault = self.provider.download(self.path)
            self._send(status, body, kind="image/png", broken=fault)
        except Refuse as no:
            self._send(no.status, json.dumps(no.body).encode(), headers=no.headers)

    def _send(
        self,
        status: int,
        body: bytes,
        kind: str = "application/json",
        headers: dict[str, str] | None = None,
        broken: str | None = None,
    ) -> None:
        self.send_response(status)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(body)))
        for name, value in (headers or {}).items():
            self.send_header(name, value)
        self.end_headers()
        with contextlib.suppress(OSError):
            if broken == "dripping":
                self._drip(body)
            else:
                self.wfile.write(body[: len(body) // 2] if broken == "truncated" else body)
        if broken in ("truncated", "dripping"):
            self._hang_up()

    def _drip(self, body: bytes) -> None:
        for byte in body[: round(4 * self.provider.slow_seconds / 0.05)]:
            self.wfile.write(bytes([byte]))
            self.wfile.flush()
            time.sleep(0.05)

    def _hang_up(self) -> None:
        self.close_connection = True

    def log_message(self, *_: Any) -> None:
        """Quiet."""
