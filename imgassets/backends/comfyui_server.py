"""The wire to a ComfyUI server: its queue, history, uploads and files, by HTTP and a websocket.

After `server.py` and `main.py` of ComfyUI. The history alone says what became of a request; the
websocket only says when to look, so a broken one costs nothing but time.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import logging
import time
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote, urlsplit

import httpx
import tenacity
from websockets.exceptions import WebSocketException
from websockets.sync.client import ClientConnection, connect

from imgassets.backends.base import HostedError
from imgassets.backends.hosted_http import MAX_REPLY_BYTES, Wire, transport_error
from imgassets.backends.hosted_messages import scrub
from imgassets.backends.hosted_replies import at, json_of, text_of
from imgassets.documents.addresses import is_loopback
from imgassets.documents.failures import ModeName
from imgassets.documents.workflow import Nodes

#: Between two looks at the history, where the websocket does not say when to look.
_LOOK_SECONDS = 0.25
#: The same with a websocket, whose messages may be lost.
_LOOK_AGAIN_SECONDS = 10.0
_UPLOADED = "imgassets-{}.png"
#: ComfyUI-Manager's lists of installed nodes, of version 4 and of those before.
_MANAGER = ("/v2/customnode/installed", "/customnode/installed")
_log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Finished:
    """What the history says of a request: what each node put out, and what happened."""

    outputs: dict[str, Any]
    messages: list[tuple[str, dict[str, Any]]]

    def said(self, kind: str) -> dict[str, Any] | None:
        """The first message of a kind, such as `execution_error`."""
        return next((data for name, data in self.messages if name == kind), None)


class ComfyServer:
    """One server; safe for several threads. All methods raise `HostedError`."""

    def __init__(self, url: str, seconds: float, header: tuple[str, str] | None, secret: str):
        """Nothing is sent yet.

        Args:
            url: where it answers.
            seconds: longest time for one reply.
            header: name and value, sent along with each request; None for nothing.
            secret: what must stand in no message.

        Raises:
            BackendError: a proxy is set that cannot be used.
        """
        self.url, self._secret = url.rstrip("/"), secret
        self._headers = dict([header] if header else [])
        self._wire = Wire(seconds, self.url, plain=True)

    # ---- what it is ------------------------------------------------------------------------

    def system(self) -> dict[str, Any]:
        """`/system_stats`: versions and devices."""
        return _object(self._get("/system_stats"), "/system_stats")

    def has_class(self, name: str) -> bool:
        """Whether it knows a class of nodes."""
        found = self._get(f"/object_info/{quote(name, safe='')}", missing=True)
        return found is not None and name in _object(found, "/object_info")

    def node_versions(self) -> dict[str, str] | None:
        """Versions of packages of custom nodes, by name and by id; None without a Manager."""
        for path in _MANAGER:
            found = self._get(path, missing=True)
            body = None if found is None else json_of(found)
            if isinstance(body, dict):
                packages = [(k, v) for k, v in body.items() if isinstance(v, dict)]
                named = [(n, v) for k, v in packages for n in (k, v.get("cnr_id")) if n]
                return {str(n).lower(): str(v.get("ver")) for n, v in named}
        return None

    # ---- one image -------------------------------------------------------------------------

    def upload(self, png: bytes) -> str:
        """Put an image where loaders find it; the name they know it by."""
        name = _UPLOADED.format(hashlib.sha256(png).hexdigest()[:16])
        files = {"image": (name, png, "image/png")}
        form = {"type": "input", "overwrite": "true"}
        body = _object(self._send("POST", "/upload/image", files=files, data=form), "the upload")
        stored, folder = body.get("name"), body.get("subfolder")
        if not isinstance(stored, str) or not stored:
            raise HostedError("bad_payload", "the upload came back without a name", billed=False)
        return f"{folder}/{stored}" if folder else stored

    def run(self, nodes: Nodes, seconds: float) -> Finished:
        """Queue a workflow and wait until it is over; what takes longer is stopped there."""
        until = time.monotonic() + seconds
        client = uuid.uuid4().hex
        with self._listening(client) as ear:
            request = self._queue(nodes, client)
            try:
                return self._finished(request, ear, until)
            except HostedError as error:
                if error.mode == "timed_out":
                    self._stop(request)
                raise

    def view(self, file: dict[str, Any]) -> bytes:
        """An image that a node saved."""
        named = {k: str(file.get(k) or "") for k in ("filename", "subfolder", "type")}
        found = self._get("/view", missing=True, params=named)
        if found is None:
            message = scrub(f"the server does not have the image it named: {named}", self._secret)
            raise HostedError("bad_payload", message, billed=False)
        return found.content

    def forget_cached(self) -> None:
        """Let it drop what it remembers of earlier requests, its models too."""
        self._send("POST", "/free", json={"free_memory": True})

    # ---- the queue -------------------------------------------------------------------------

    def _queue(self, nodes: Nodes, client: str) -> str:
        response = self._send(
            "POST", "/prompt", json={"prompt": nodes, "client_id": client}, refused=(400,)
        )
        if response.status_code == 400:
            raise HostedError(
                "bad_document", scrub(_refusal(json_of(response)), self._secret), billed=False
            )
        request = _object(response, "/prompt").get("prompt_id")
        if not isinstance(request, str) or not request:
            raise HostedError("bad_payload", "/prompt answered without a prompt_id", billed=False)
        return request

    def _finished(self, request: str, ear: _Ear, until: float) -> Finished:
        while True:
            # A request moves from queue to history in one step: what is in neither is lost.
            found = self._history(request)
            if found is None and not self._waiting(request):
                found = self._history(request)
                if found is None:
                    message = "the server does not know the request any more; was it restarted?"
                    raise HostedError("unreachable", message, billed=False)
            if found is not None:
                return found
            left = until - time.monotonic()
            if left <= 0:
                message = "not done in timeout_seconds, the queue included"
                raise HostedError("timed_out", message, billed=False)
            ear.wait(left)

    def _history(self, request: str) -> Finished | None:
        path = f"/history/{quote(request, safe='')}"
        entry = _object(self._get(path), "/history").get(request)
        if entry is None:
            return None
        outputs, said = at(entry, "outputs"), at(entry, "status", "messages")
        pairs = [m for m in said if isinstance(m, list) and len(m) == 2] if said else []
        if not isinstance(outputs, dict):
            raise HostedError("bad_payload", "/history tells no outputs", billed=False)
        return Finished(outputs, [(str(k), v if isinstance(v, dict) else {}) for k, v in pairs])

    def _waiting(self, request: str, running_alone: bool = False) -> bool:
        body = _object(self._get("/queue"), "/queue")
        parts = ["queue_running"] if running_alone else ["queue_running", "queue_pending"]
        return any(at(item, 1) == request for part in parts for item in body.get(part) or ())

    def _stop(self, request: str) -> None:
        """Take it off the queue; end it where it runs, and nobody else's (old servers end all)."""
        with contextlib.suppress(HostedError):
            self._send("POST", "/queue", json={"delete": [request]})
            if self._waiting(request, running_alone=True):
                self._send("POST", "/interrupt", json={"prompt_id": request})

    # ---- the wire --------------------------------------------------------------------------

    def _get(self, path: str, missing: bool = False, **what: Any) -> Any:
        """A reply, asked for again where it was lost; None for 404 where that may be."""
        tries = tenacity.Retrying(
            retry=tenacity.retry_if_exception(lambda e: isinstance(e, HostedError) and e.again),
            wait=tenacity.wait_fixed(0.2),
            stop=tenacity.stop_after_attempt(3),
            reraise=True,
        )
        refused = (404,) if missing else ()
        response = tries(lambda: self._send("GET", path, refused=refused, **what))
        return None if response.status_code == 404 else response

    def _send(
        self, method: str, path: str, refused: tuple[int, ...] = (), **what: Any
    ) -> httpx.Response:
        try:
            response = self._wire.client.request(
                method, f"{self.url}{path}", headers=self._headers, **what
            )
        except (httpx.HTTPError, httpx.InvalidURL) as error:
            raise self._lost(error) from None
        if response.is_success or response.status_code in refused:
            return response
        status = response.status_code
        modes: dict[int, ModeName] = {401: "unauthorized", 403: "unauthorized", 429: "rate_limited"}
        mode = modes.get(status) or ("server_error" if status >= 500 else "bad_request")
        words = scrub(f"HTTP {status} for {path}: {text_of(response)}", self._secret)
        raise HostedError(mode, words, billed=False, again=mode == "server_error")

    def _lost(self, error: Exception) -> HostedError:
        lost = transport_error(error, self._secret)
        mode: ModeName = "unreachable" if lost.mode == "reply_lost" else lost.mode
        again = mode == "unreachable"
        return HostedError(mode, f"{self.url}: {lost.message}", billed=False, again=again)

    @contextmanager
    def _listening(self, client: str) -> Iterator[_Ear]:
        url = urlsplit(self.url)
        address = f"{'wss' if url.scheme == 'https' else 'ws'}://{url.netloc}{url.path}/ws"
        try:
            socket = connect(
                f"{address}?clientId={client}",
                additional_headers=self._headers,
                open_timeout=10,
                close_timeout=1,
                max_size=MAX_REPLY_BYTES,
                proxy=None if is_loopback(url.hostname or "") else True,
            )
        except (OSError, WebSocketException, ValueError, ImportError) as error:
            _log.info("%s: no websocket (%s); looking often", self.url, type(error).__name__)
            yield _Ear(None)
            return
        with socket:
            yield _Ear(socket)


class _Ear:
    """Waits for the word that a request is over, and never longer than told."""

    def __init__(self, socket: ClientConnection | None) -> None:
        self._socket = socket

    def wait(self, seconds: float) -> None:
        """Until it is time to look at the history."""
        if self._socket is None:
            time.sleep(min(seconds, _LOOK_SECONDS))
            return
        until = time.monotonic() + min(seconds, _LOOK_AGAIN_SECONDS)
        try:
            while (left := until - time.monotonic()) > 0:
                if _is_over(self._socket.recv(timeout=left)):
                    return
        except TimeoutError:
            return
        except (OSError, WebSocketException):
            self._socket = None


def _is_over(message: str | bytes) -> bool:
    """Whether a message may be the last of a request; pictures on the way are bytes."""
    if isinstance(message, bytes):
        return False
    try:
        said = json.loads(message)
    except (ValueError, RecursionError):
        return False
    over = at(said, "type") in ("execution_error", "execution_interrupted")
    return over or (at(said, "type") == "executing" and at(said, "data", "node") is None)


def _object(response: httpx.Response, what: str) -> dict[str, Any]:
    body = json_of(response)
    if not isinstance(body, dict):
        raise HostedError("bad_payload", f"{what}: the reply is no JSON object", billed=False)
    return body


def _refusal(body: Any) -> str:
    """Why a workflow was refused, in the words of its nodes."""
    told = []
    for node, found in (at(body, "node_errors") or {}).items() if isinstance(body, dict) else ():
        for error in at(found, "errors") or ():
            words = ": ".join(str(w) for w in (at(error, "message"), at(error, "details")) if w)
            told.append(f"node {node} ({at(found, 'class_type')}): {words}")
    error = at(body, "error")
    general = at(error, "message") if isinstance(error, dict) else error
    return "; ".join(told) or str(general or "the workflow was refused without a word")
