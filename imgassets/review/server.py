"""The review page over HTTP, for browsers of this machine that know the token.

The page is one HTML file, one script and two style sheets; what it shows comes as JSON and is put
in as text. Nothing but that and the images of the deck can be fetched.
"""

from __future__ import annotations

import secrets
from collections.abc import Callable, MutableMapping
from functools import cache
from importlib.resources import files
from typing import Any, cast

from pydantic import TypeAdapter, ValidationError
from starlette.applications import Starlette
from starlette.concurrency import run_in_threadpool
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import JSONResponse, PlainTextResponse, Response
from starlette.routing import Mount, Route
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from imgassets.documents.addresses import from_this_machine
from imgassets.documents.answers import Person
from imgassets.documents.problems import InvalidDocumentsError
from imgassets.review.desk import Desk, Place, Sent, UnknownPairError

_MOST_BYTES = 64 * 2**10
_FILES = {
    "": ("imgassets.review", "page/review.html", "text/html"),
    "review.css": ("imgassets.review", "page/review.css", "text/css"),
    "review.js": ("imgassets.review", "page/review.js", "text/javascript"),
    "tokens.css": ("imgassets.report", "templates/tokens.css", "text/css"),
}
_HEADERS = {
    "Content-Security-Policy": "default-src 'none'; script-src 'self'; style-src 'self'; "
    "img-src 'self' data:; connect-src 'self'; base-uri 'none'; form-action 'none'; "
    "frame-ancestors 'none'",
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cache-Control": "no-store",
}
_PERSON: TypeAdapter[str] = TypeAdapter(Person)


def application(desk: Desk, token: str) -> Starlette:
    """The server of one deck.

    Args:
        desk: what is shown, and where answers go.
        token: first part of every path; without it nothing is told.
    """

    async def deck(request: Request) -> Response:
        return JSONResponse(await run_in_threadpool(desk.shown, _who(request)))

    async def image(request: Request) -> Response:
        place = request.path_params["place"]
        if place not in ("left", "right"):
            raise HTTPException(404, "no such image")
        asked = request.path_params["pair"], cast(Place, place), _who(request)
        try:
            png = await run_in_threadpool(desk.picture, *asked)
        except LookupError as error:
            raise HTTPException(404, str(error.args[0])) from None
        # Asked for before it is shown; the page must not fetch it twice.
        return Response(
            png, media_type="image/png", headers={"Cache-Control": "private, max-age=3600"}
        )

    async def answers(request: Request) -> Response:
        sent = await _sent(request)
        try:
            kept = await run_in_threadpool(desk.add, sent)
        except UnknownPairError as error:
            raise HTTPException(404, str(error.args[0])) from None
        except InvalidDocumentsError as error:
            raise HTTPException(409, str(error)) from None
        except ValueError as error:
            raise HTTPException(400, str(error)) from None
        except OSError as error:
            raise HTTPException(507, f"the answer cannot be written: {error.strerror}") from None
        return JSONResponse({"id": kept.id}, 201)

    routes = [
        Route("/deck", deck),
        Route("/image/{pair}/{place}", image),
        Route("/answers", answers, methods=["POST"]),
        *(Route(f"/{name}", _file(name)) for name in _FILES),
    ]
    return Starlette(
        routes=[Mount(f"/{token}", routes=routes)],
        middleware=[Middleware(_Guard, token=token)],
        exception_handlers={HTTPException: _refused, Exception: _broken},
    )


class _Guard:
    """Answers this machine and those who know the token, and seals what is answered."""

    def __init__(self, app: ASGIApp, token: str) -> None:
        self._app, self._token = app, token

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return

        async def sealed(message: Message) -> None:
            if message["type"] == "http.response.start":
                _seal(message)
            await send(message)

        request = Request(scope)
        headers, first = request.headers, scope["path"].split("/")[1]
        if not from_this_machine(headers.get("host", ""), headers.get("origin")):
            refused: ASGIApp = PlainTextResponse("this page answers this machine alone", 403)
        elif not secrets.compare_digest(first.encode(), self._token.encode()):
            refused = PlainTextResponse("open the whole address that the command printed", 404)
        else:
            refused = self._app
        await refused(scope, receive, sealed)


def _seal(message: MutableMapping[str, Any]) -> None:
    there = {name.lower() for name, _ in message["headers"]}
    message["headers"] = [
        *message["headers"],
        *(
            (n.lower().encode(), v.encode())
            for n, v in _HEADERS.items()
            if n.lower().encode() not in there
        ),
    ]


def _file(name: str) -> Callable[[Request], Response]:
    def served(_: Request) -> Response:
        return Response(_content(name), media_type=_FILES[name][2])

    return served


@cache
def _content(name: str) -> bytes:
    package, path, _ = _FILES[name]
    return files(package).joinpath(path).read_bytes()


def _who(request: Request) -> str:
    try:
        return _PERSON.validate_python(request.query_params.get("who", ""))
    except ValidationError:
        raise HTTPException(400, "who: give a name of up to 64 visible characters") from None


async def _sent(request: Request) -> Sent:
    """What the page sent, never more than allowed of it."""
    # No form of another page can send this type, and no script without being asked first.
    if request.headers.get("content-type", "").partition(";")[0].strip() != "application/json":
        raise HTTPException(415, "send application/json")
    body = bytearray()
    async for chunk in request.stream():
        body += chunk
        if len(body) > _MOST_BYTES:
            raise HTTPException(413, f"larger than {_MOST_BYTES} bytes")
    try:
        return Sent.model_validate_json(bytes(body))
    except ValidationError as error:
        first = error.errors(include_url=False, include_context=False)[0]
        where = ".".join(map(str, first["loc"]))
        raise HTTPException(400, f"{where}: {first['msg']}" if where else first["msg"]) from None


async def _refused(_: Request, error: Exception) -> Response:
    known = isinstance(error, HTTPException)
    status, said = (error.status_code, error.detail) if known else (500, "")  # type: ignore[attr-defined]
    return JSONResponse({"error": said}, status)


async def _broken(_: Request, error: Exception) -> Response:
    return JSONResponse({"error": type(error).__name__}, 500)
