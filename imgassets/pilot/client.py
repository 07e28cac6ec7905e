"""One request for an image over the OpenAI images protocol, and whatever goes wrong with it."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from functools import cache
from typing import Any

import httpx
from PIL import Image

from imgassets.backends.base import HostedError
from imgassets.backends.generation import Make
from imgassets.backends.hosted_http import MAX_REPLY_BYTES, ReplyTooLargeError, transport_error
from imgassets.backends.hosted_image import decode
from imgassets.backends.hosted_replies import read_reply
from imgassets.backends.openai_images import OpenAIProvider, openai_mask, refusal_of, reply_of
from imgassets.backends.server_timing import HEADER, ID_HEADER, Timing
from imgassets.documents.addresses import is_loopback
from imgassets.documents.models import AnyModel
from imgassets.documents.openai import OpenAIModel
from imgassets.flows import FIRST, FLOWS, FlowName
from imgassets.images.encoding import encode_png
from imgassets.pilot.replay import Clock, Stepped
from imgassets.requests import Request


@dataclass
class Client:
    """Asks one server for images.

    Attributes:
        url: ends before `/images/...`.
        model: its document.
        timeout: seconds for one reply.
        clock: of the replay.
        key: sent as a bearer token; empty sends none.
        offered: flows the server makes; the others are made here, one at a time, by `makers`.
        makers: what makes images of a flow here.
    """

    url: str
    model: AnyModel
    timeout: float
    clock: Clock
    key: str = ""
    offered: frozenset[FlowName] = frozenset({FIRST})
    makers: Mapping[FlowName, Make] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self._here = ThreadPoolExecutor(1, "pilot")
        self._provider = OpenAIProvider(self.model) if isinstance(self.model, OpenAIModel) else None
        here = is_loopback(httpx.URL(self.url).host)
        self._http = httpx.AsyncClient(
            timeout=httpx.Timeout(None, connect=min(self.timeout, 20.0)),  # the rest: `_sent`
            # Servers close idle connections after 5 s or so. One that is closed just as it is used
            # again looks like a lost reply, so ours are given up before.
            limits=httpx.Limits(
                max_connections=None, max_keepalive_connections=64, keepalive_expiry=1.0
            ),
            follow_redirects=False,
            trust_env=not here,
            headers={"Authorization": f"Bearer {self.key}"} if self.key else {},
        )

    async def close(self) -> None:
        """Give connections and threads back."""
        await self._http.aclose()
        self._here.shutdown(wait=False, cancel_futures=True)

    async def flows(self) -> frozenset[FlowName]:
        """The flows a server says it makes; those of the protocol where it says nothing."""
        try:
            reply = await self._http.get(f"{self.url}/models", timeout=10)
            told = reply.json()["data"][0]["flows"]
            return frozenset(flow for flow in FLOWS if flow in told)
        except (httpx.HTTPError, ValueError, LookupError, TypeError):
            return frozenset(name for name, flow in FLOWS.items() if not flow.source or flow.edits)

    async def ask(self, request: Request, source: bytes | None, name: str) -> Stepped:
        """One image. What goes wrong is told by the step, and raises nothing.

        A step lasts from the first byte that is sent to the last one that comes: neither writing
        the message nor reading the image is the server's.
        """
        began = self.clock.now()
        try:
            if request.flow in self.offered:
                told = await self._asked(request, source, name)
            else:
                told = await self._made_here(request, source)
        except HostedError as error:
            told = {"failure": error.mode, "message": error.message}
        return Stepped(request, **({"began": began, "ended": self.clock.now()} | told))

    # ---- by the server ---------------------------------------------------------------------

    async def _asked(self, request: Request, source: bytes | None, name: str) -> dict[str, Any]:
        response, span = await self._sent(request, source, name)
        timing = Timing.read(response.headers.get(HEADER, ""))
        told = _as_told(timing) | span
        try:
            reply = read_reply(
                response, reply_of, lambda refused: refusal_of(refused, self.key), self.key
            )
        except HostedError as error:
            return told | {"failure": error.mode, "message": error.message}
        if reply.image is None:
            message = "the reply holds a link; let the server answer with b64_json"
            return told | {"failure": "bad_payload", "message": message}
        return told | {"image": reply.image}

    async def _sent(
        self, request: Request, source: bytes | None, name: str
    ) -> tuple[httpx.Response, dict[str, float]]:
        """The whole reply, and when it was asked for and was there."""
        address, how = self._message(request, source)
        try:
            async with asyncio.timeout(self.timeout):
                url, headers = f"{self.url}{address}", {ID_HEADER: name}
                asked = self._http.build_request("POST", url, headers=headers, **how)
                began = self.clock.now()
                response = await self._http.send(asked, stream=True)
                try:
                    body = await _body(response)
                    span = {"began": began, "ended": self.clock.now()}
                finally:
                    await response.aclose()
        except TimeoutError:
            message = f"no whole reply within {self.timeout:g} s"
            raise HostedError("timed_out", message, billed=True) from None
        except (httpx.HTTPError, httpx.InvalidURL, httpx.StreamError) as error:
            raise transport_error(error, self.key) from None
        plain = {k: v for k, v in response.headers.items() if k != "content-encoding"}
        whole = httpx.Response(response.status_code, headers=plain, content=body, request=asked)
        return whole, span

    def _message(self, request: Request, source: bytes | None) -> tuple[str, dict[str, Any]]:
        """Where to, and what: arguments of httpx."""
        fields = self._fields(request)
        if request.flow == FIRST:
            return "/images/generations", {"json": fields}
        files = {"image": ("image.png", source or b"", "image/png")}
        if not FLOWS[request.flow].edits:
            return f"/images/{request.flow}", {"data": fields, "files": files}
        size = _size(source)
        files["mask"] = ("mask.png", _mask(tuple(request.inputs["region"]), size), "image/png")
        return "/images/edits", {"data": fields, "files": files}

    def _fields(self, request: Request) -> dict[str, Any]:
        inputs = request.inputs
        if self._provider is not None:
            sent = self._provider.parameters(request.flow, inputs)
            return sent | sent.pop("extra_body")
        width, height = inputs.get("size", (0, 0))
        sent = {
            "model": self.model.model,
            "prompt": inputs.get("prompt"),
            "negative_prompt": inputs.get("negative_prompt") or None,
            "seed": request.seed,
            "n": 1,
            "size": f"{width}x{height}" if request.flow == FIRST else None,
        }
        return {name: value for name, value in sent.items() if value is not None}

    # ---- here ------------------------------------------------------------------------------

    async def _made_here(self, request: Request, source: bytes | None) -> dict[str, Any]:
        loop = asyncio.get_running_loop()
        return await loop.run_in_executor(self._here, self._make, request, source or b"")

    def _make(self, request: Request, source: bytes) -> dict[str, Any]:
        outcome = self.makers[request.flow]([request.inputs], [decode(source)])[0]
        told = {"here": True, "waited": None, "made": outcome.seconds, "batch": 1}
        if outcome.image is None:
            return told | {"failure": outcome.failure, "message": outcome.message}
        return told | {"image": encode_png(outcome.image)}


def _as_told(timing: Timing | None) -> dict[str, Any]:
    if timing is None:
        return {}
    told = {"waited": timing.queue, "made": timing.make, "batch": timing.batch}
    return told | {"memory": timing.memory}


async def _body(response: httpx.Response) -> bytes:
    body = bytearray()
    async for chunk in response.aiter_bytes():
        body += chunk
        if len(body) > MAX_REPLY_BYTES:
            raise ReplyTooLargeError(f"the reply is larger than {MAX_REPLY_BYTES >> 20} MiB")
    return bytes(body)


def _size(source: bytes | None) -> tuple[int, int]:
    """The size of an image that came; decoded, since only a whole one can be edited."""
    return decode(source or b"").size


@cache
def _mask(region: tuple[float, ...], size: tuple[int, int]) -> bytes:
    """What is transparent is edited; the color below says nothing."""
    return encode_png(openai_mask(Image.new("RGB", size), list(region)))
