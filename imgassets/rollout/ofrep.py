"""Flags over HTTP by the OpenFeature Remote Evaluation Protocol, for this machine alone.

For applications whose SDK is slow to notice a changed file (JavaScript's looks every few seconds),
and for languages without a provider for files. Source: github.com/open-feature/protocol, OFREP 0.2.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Awaitable, Callable
from http import HTTPStatus
from typing import Any

from openfeature.exception import ErrorCode, InvalidContextError, OpenFeatureError, ParseError
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from imgassets.documents.addresses import from_this_machine
from imgassets.rollout.evaluation import LiveFlags

_PREFIX = "/ofrep/v1/evaluate/flags"
_MOST_BYTES = 64 * 1024
_Handler = Callable[[Request], Awaitable[Response]]


def application(flags: LiveFlags) -> Starlette:
    """The server of a file of flags."""

    async def one(request: Request) -> Response:
        key = request.path_params["key"]
        try:
            context = await _context(request)
            return JSONResponse(flags.evaluate(key, context))
        except OpenFeatureError as error:
            missing = error.error_code == ErrorCode.FLAG_NOT_FOUND
            status = HTTPStatus.NOT_FOUND if missing else HTTPStatus.BAD_REQUEST
            return JSONResponse({"key": key} | _failure(error), status)

    async def all_of_them(request: Request) -> Response:
        try:
            context = await _context(request)
        except OpenFeatureError as error:
            return JSONResponse(_failure(error), HTTPStatus.BAD_REQUEST)
        response = JSONResponse({"flags": [_told(flags, key, context) for key in flags.keys]})
        etag = f'"{hashlib.sha256(response.body).hexdigest()}"'
        if request.headers.get("if-none-match") == etag:
            return Response(status_code=HTTPStatus.NOT_MODIFIED, headers={"ETag": etag})
        response.headers["ETag"] = etag
        return response

    return Starlette(
        routes=[
            Route(_PREFIX, _guarded(flags, all_of_them), methods=["POST"]),
            Route(_PREFIX + "/{key}", _guarded(flags, one), methods=["POST"]),
        ]
    )


def _guarded(flags: LiveFlags, handler: _Handler) -> _Handler:
    """For programs of this machine, with the flags of now, or the last that could be read."""

    async def guarded(request: Request) -> Response:
        headers = request.headers
        if not from_this_machine(headers.get("host", ""), headers.get("origin")):
            told = {"errorDetails": "this server answers programs of this machine alone"}
            return JSONResponse(told, HTTPStatus.FORBIDDEN)
        flags.refresh()
        if flags.fault and not flags.keys:
            told = {"errorDetails": f"no flags could be read yet: {flags.fault}"}
            return JSONResponse(told, HTTPStatus.INTERNAL_SERVER_ERROR)
        return await handler(request)

    return guarded


async def _context(request: Request) -> dict[str, Any]:
    """What the application says of the user.

    Raises:
        ParseError, InvalidContextError: it cannot be read.
    """
    body = bytearray()
    async for chunk in request.stream():
        body += chunk
        if len(body) > _MOST_BYTES:
            raise ParseError(f"the request is larger than {_MOST_BYTES} bytes")
    try:
        fields = json.loads(body or b"{}")
    except (ValueError, RecursionError):
        raise ParseError("the request is no JSON") from None
    context = fields.get("context", {}) if isinstance(fields, dict) else None
    if not isinstance(context, dict):
        raise InvalidContextError("`context` is no JSON object")
    return context


def _told(flags: LiveFlags, key: str, context: dict[str, Any]) -> dict[str, Any]:
    try:
        return flags.evaluate(key, context)
    except OpenFeatureError as error:
        return {"key": key} | _failure(error)


def _failure(error: OpenFeatureError) -> dict[str, Any]:
    return {"errorCode": str(error.error_code.value), "errorDetails": error.error_message or ""}
