"""`POST /outcomes/ENDPOINT`: where applications on this machine report what became of requests.

The body is JSON lines, one outcome a line. The answer comes when they are on the disk:

    {"new": 2, "known": 0, "differing": [], "refused": []}

Good lines are kept even if others are refused (422): sending all of it again once it is mended
counts none twice. After any other answer, or none, send the same body again.
"""

from __future__ import annotations

import hmac
import os
import secrets
from collections.abc import Callable
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from imgassets.documents.addresses import from_this_machine
from imgassets.rollout.outcome_lines import read_outcomes
from imgassets.rollout.outcomes import OutcomeLog
from imgassets.storage.image_store import StoreError
from imgassets.storage.project_home import ProjectHome

_MOST_BYTES = 4 * 2**20
_MOST_TOLD = 20


def outcome_routes(
    logs: Callable[[str], OutcomeLog | None],
    token: str,
    clock: Callable[[], datetime] = lambda: datetime.now(UTC),
) -> list[Route]:
    """The route, to be mounted wherever a server on loopback runs.

    Args:
        logs: the log of an endpoint by its name; None where there is no such endpoint.
        token: whoever reports must send it: `Authorization: Bearer TOKEN`.
        clock: what time it is.
    """

    async def report(request: Request) -> Response:
        refusal = _refusal(request, token)
        if refusal is not None:
            return refusal
        name = request.path_params["endpoint"]
        log = logs(name)
        if log is None:
            return _error(404, f"no endpoint {name!r} here")
        body = await _body(request)
        if body is None:
            return _error(413, f"more than {_MOST_BYTES // 2**20} MiB; send it in parts")
        try:
            text = body.decode("utf-8-sig")
        except UnicodeDecodeError:
            return _error(400, "not UTF-8 text; send JSON lines in UTF-8")
        return await run_in_threadpool(_kept, log, text, clock())

    return [Route("/outcomes/{endpoint}", report, methods=["POST"])]


def token_of(home: ProjectHome) -> tuple[str, Path]:
    """The token of a project's servers, and the file it is kept in; made once.

    The file is readable for its owner alone: whoever may read it may report.
    """
    path = home.outcomes / "token"
    path.parent.mkdir(parents=True, exist_ok=True)
    with suppress(FileExistsError):
        made = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(made, "w", encoding="utf-8") as file:
            file.write(secrets.token_urlsafe(24))
    token = path.read_text(encoding="utf-8").strip()
    if not token:
        raise ValueError(f"{path} is empty; delete it, and a new token is made")
    return token, path


def _kept(log: OutcomeLog, text: str, now: datetime) -> Response:
    # A body is whole or was never received, so its last line needs no line break.
    found = read_outcomes(text + "\n", "body", now)
    try:
        kept = log.append(found.outcomes, found.problems, found.lines)
    except StoreError as error:
        return _error(503, str(error))
    told = {
        "new": kept.new,
        "known": kept.known,
        "differing": list(kept.differing[:_MOST_TOLD]),
        "refused": [str(problem) for problem in found.problems[:_MOST_TOLD]],
    }
    return JSONResponse(told, 422 if found.problems else 200)


def _refusal(request: Request, token: str) -> Response | None:
    headers = request.headers
    if not from_this_machine(headers.get("host", ""), headers.get("origin")):
        return _error(403, "this server answers programs of this machine alone")
    given = headers.get("authorization", "").removeprefix("Bearer ")
    if not hmac.compare_digest(given.encode(), token.encode()):
        return _error(401, "send the token: Authorization: Bearer TOKEN")
    return None


async def _body(request: Request) -> bytes | None:
    """The body; None where it is longer than allowed, of which no more is read."""
    body = bytearray()
    async for chunk in request.stream():
        body += chunk
        if len(body) > _MOST_BYTES:
            return None
    return bytes(body)


def _error(status: int, message: str) -> Response:
    return JSONResponse({"error": message}, status)
