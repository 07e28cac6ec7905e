"""Stands between a client and a server on loopback: counts HTTP requests, and may spoil them."""

from __future__ import annotations

import contextlib
import re
import socket
import threading
from collections.abc import Callable
from typing import Self

_REQUEST = re.compile(rb"(GET|PUT|HEAD|POST|DELETE) (\S+) HTTP/1\.1\r\n")


class CountingProxy:
    """Listens for the length of a `with` block.

    Attributes:
        requests: method and path of each request that passed, in order.
    """

    def __init__(self, port: int, spoil: Callable[[bytes], bytes] = bytes) -> None:
        self.requests: list[str] = []
        self._to, self._spoil = port, spoil
        self._listening = socket.create_server(("127.0.0.1", 0))
        self.endpoint = f"http://127.0.0.1:{self._listening.getsockname()[1]}"

    def __enter__(self) -> Self:
        threading.Thread(target=self._accept, daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        self._listening.close()

    def _accept(self) -> None:
        with contextlib.suppress(OSError):  # closed
            while True:
                client, _ = self._listening.accept()
                server = socket.create_connection(("127.0.0.1", self._to))
                for one in (client, server):
                    one.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
                for ends in ((client, server, True), (server, client, False)):
                    threading.Thread(target=self._pass_on, args=ends, daemon=True).start()

    def _pass_on(self, source: socket.socket, target: socket.socket, asks: bool) -> None:
        with contextlib.suppress(OSError):
            while data := source.recv(1 << 16):
                if asks:
                    self.requests += [b" ".join(m).decode() for m in _REQUEST.findall(data)]
                    data = self._spoil(data)
                target.sendall(data)
            target.shutdown(socket.SHUT_WR)
