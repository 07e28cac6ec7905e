"""The OpenAI images protocol over HTTP: `/v1/images/generations`, `/v1/images/edits`, `/v1/models`.

It answers this machine alone, and no page of a browser from elsewhere: whoever can reach it can
spend what the model costs.
"""

from __future__ import annotations

import asyncio
import base64
import json
import time
from collections.abc import Awaitable, Callable
from typing import Any, TextIO

from starlette.applications import Starlette
from starlette.concurrency import run_in_threadpool
from starlette.datastructures import FormData, UploadFile
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from imgassets.documents.addresses import from_this_machine
from imgassets.flows import FlowName
from imgassets.images.encoding import encode_png
from imgassets.serving.asked import MOST_IMAGE_BYTES, OTHERS, Asked, Wanted
from imgassets.serving.batching import Batcher, BusyError, Made
from imgassets.serving.errors import ServingError, bad, error_of
from imgassets.serving.timing import Timed, timing_of

_MOST_JSON_BYTES = 2**20
_MOST_FORM_BYTES = 2 * MOST_IMAGE_BYTES + 2**20
_MOST_FIELDS = 32
_Handler = Callable[[Request], Awaitable[Response]]


def application(model: str, asked: Asked, batcher: Batcher, log: TextIO | None = None) -> Timed:
    """The server of one model.

    Args:
        model: its name.
        asked: reads requests.
        batcher: makes images.
        log: takes a JSON line for each request.
    """

    async def generations(request: Request) -> Response:
        fields = _json(await _body(request, _MOST_JSON_BYTES))
        return await _made(request, batcher, asked.generation(fields))

    async def edits(request: Request) -> Response:
        fields, image, mask = await _edit_form(request)
        wanted = await run_in_threadpool(asked.edit, fields, image, mask)
        return await _made(request, batcher, wanted)

    def others(flow: FlowName) -> _Handler:
        async def other(request: Request) -> Response:
            fields, image, _ = await _edit_form(request)
            wanted = await run_in_threadpool(asked.from_image, flow, fields, image)
            return await _made(request, batcher, wanted)

        return other

    models = _listing(model, asked.flows)
    routes = Starlette(
        routes=[
            Route("/v1/images/generations", _guarded(generations), methods=["POST"]),
            Route("/v1/images/edits", _guarded(edits), methods=["POST"]),
            *(
                Route(f"/v1/images/{address}", _guarded(others(flow)), methods=["POST"])
                for address, flow in OTHERS.items()
            ),
            Route("/v1/models", _guarded(models)),
            Route("/v1/models/{name}", _guarded(models)),
        ],
        exception_handlers={HTTPException: _not_found, Exception: _broken},
    )
    return Timed(routes, log)


def _listing(model: str, flows: list[FlowName]) -> _Handler:
    """Tells of the one model there is."""
    known = {"id": model, "object": "model", "created": 0, "owned_by": "imgassets", "flows": flows}

    async def models(request: Request) -> Response:
        name = request.path_params.get("name")
        if name is None:
            return JSONResponse({"object": "list", "data": [known]})
        if name != model:
            raise ServingError(404, f"no model {name!r} here", "model_not_found", "model")
        return JSONResponse(known)

    return models


def _guarded(handler: _Handler) -> _Handler:
    async def guarded(request: Request) -> Response:
        try:
            _refuse_strangers(request)
            return await handler(request)
        except ServingError as error:
            # The SDK tries 429 and 5xx again by itself; for images that is the caller's to decide.
            return JSONResponse(error.body(), error.status, headers={"x-should-retry": "false"})

    return guarded


def _refuse_strangers(request: Request) -> None:
    headers = request.headers
    if not from_this_machine(headers.get("host", ""), headers.get("origin")):
        raise ServingError(403, "this server answers programs of this machine alone", "forbidden")


async def _made(request: Request, batcher: Batcher, wanted: Wanted) -> Response:
    try:
        waiting = batcher.submit(wanted.flow, wanted.inputs, wanted.source)
    except BusyError as error:
        raise ServingError(429, str(error), "busy", None, "requests") from None
    made = await asyncio.gather(*(asyncio.wrap_future(one) for one in waiting))
    timing = timing_of(request.scope)
    timing.queue, timing.make = max(m.waited for m in made), max(m.took for m in made)
    timing.batch = max(m.together for m in made)
    timing.memory = max(m.outcome.peak_memory_mib for m in made)
    return await run_in_threadpool(_answer, wanted, made)


def _answer(wanted: Wanted, made: list[Made]) -> Response:
    data, size = [], (0, 0)
    for asked, one in zip(wanted.inputs, made, strict=True):
        if one.outcome.image is None:
            raise error_of(one.outcome)
        image, size = base64.b64encode(encode_png(one.outcome.image)), one.outcome.image.size
        data.append({"b64_json": image.decode(), "seed": asked.get("seed")})
    told = {"output_format": "png", "size": f"{size[0]}x{size[1]}"}
    return JSONResponse({"created": int(time.time()), "data": data} | told)


async def _body(request: Request, most: int) -> bytes:
    """The body, never more than allowed of it."""
    body = bytearray()
    async for chunk in request.stream():
        body += chunk
        if len(body) > most:
            raise ServingError(413, f"the request is larger than {most} bytes", "too_large")
    return bytes(body)


def _json(body: bytes) -> dict[str, Any]:
    try:
        fields = json.loads(body)
    except (ValueError, RecursionError):
        raise bad("the request is no JSON") from None
    if not isinstance(fields, dict):
        raise bad("the request is no JSON object")
    return fields


async def _form(request: Request) -> FormData:
    if not request.headers.get("content-type", "").startswith("multipart/form-data"):
        raise bad("send a form: multipart/form-data with image, mask and prompt")
    body = await _body(request, _MOST_FORM_BYTES)

    async def receive() -> dict[str, Any]:
        return {"type": "http.request", "body": body, "more_body": False}

    try:
        return await Request(request.scope, receive).form(max_files=4, max_fields=_MOST_FIELDS)
    except HTTPException as error:
        raise bad(f"the form cannot be read: {error.detail}") from None


async def _edit_form(request: Request) -> tuple[dict[str, str], bytes, bytes | None]:
    """`(fields, image, mask)` of a form."""
    form = await _form(request)
    fields = {n: v for n, v in form.multi_items() if isinstance(v, str)}
    image, mask = await _file(form, "image"), await _file(form, "mask")
    if image is None:
        raise bad("image: give one image as a file", "image")
    return fields, image, mask


async def _file(form: FormData, name: str) -> bytes | None:
    files = [v for key in (name, f"{name}[]") for v in form.getlist(key)]
    if len(files) > 1:
        raise bad(f"{name}: one file, not {len(files)}", name)
    if not files:
        return None
    if not isinstance(files[0], UploadFile):
        raise bad(f"{name}: must be a file", name)
    return await files[0].read()


async def _not_found(_: Request, error: Exception) -> Response:
    status = error.status_code if isinstance(error, HTTPException) else 404
    return JSONResponse(
        ServingError(status, "no such address, or not by this method").body(), status
    )


async def _broken(_: Request, error: Exception) -> Response:
    told = ServingError(500, f"{type(error).__name__}", "internal", None, "server_error")
    return JSONResponse(told.body(), 500, headers={"x-should-retry": "false"})
