"""How long each request waited and was made, told in its reply and in a log."""

from __future__ import annotations

import json
import re
import time
from collections.abc import Awaitable, Callable, MutableMapping
from dataclasses import asdict
from typing import Any, TextIO

from imgassets.backends.server_timing import HEADER, ID_HEADER, Timing

_ID = re.compile(r"[A-Za-z0-9._-]{1,64}")
_WHERE = "imgassets.timing"
_Scope = MutableMapping[str, Any]
_Receive = Callable[[], Awaitable[Any]]
_Send = Callable[[Any], Awaitable[None]]


def timing_of(scope: _Scope) -> Timing:
    """The timing of a request, to be filled in by whoever serves it."""
    return scope.setdefault(_WHERE, Timing())


class Timed:
    """Around an application: sends the header, and logs a line for each request once answered."""

    def __init__(self, app: Any, log: TextIO | None = None) -> None:
        """`log` takes JSON lines; `received` and `answered` are seconds since 1970 (UTC)."""
        self._app, self._log = app, log

    async def __call__(self, scope: _Scope, receive: _Receive, send: _Send) -> None:
        """See ASGI."""
        if scope["type"] != "http":
            return await self._app(scope, receive, send)
        received, begun = time.time(), time.perf_counter()
        timing, status = timing_of(scope), 0

        async def told(message: Any) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                header = (HEADER.encode(), timing.header().encode())
                message = message | {"headers": [*message.get("headers", ()), header]}
            await send(message)

        try:
            await self._app(scope, receive, told)
        finally:
            if self._log is not None:
                answered = received + time.perf_counter() - begun
                line = {"id": _id(scope), "path": scope["path"], "status": status}
                line |= {"received": received, "answered": answered} | asdict(timing)
                self._log.write(json.dumps(line) + "\n")
                self._log.flush()


def _id(scope: _Scope) -> str:
    """What the client calls the request; empty where that is no plain name."""
    headers = dict(scope.get("headers", ()))
    given = headers.get(ID_HEADER.encode(), b"").decode("latin-1")
    return given if _ID.fullmatch(given) else ""
