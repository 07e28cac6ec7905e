"""What a reply says, whatever its shape: no body makes this raise anything but `HostedError`."""

from __future__ import annotations

import base64
import binascii
import contextlib
import json
import re
from collections.abc import Callable, Iterator, Mapping
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Any, TypeVar
from urllib.parse import unquote

import httpx

from imgassets.backends.base import HostedError
from imgassets.backends.hosted_http import proxied
from imgassets.backends.hosted_messages import scrub
from imgassets.documents.failures import ModeName

T = TypeVar("T")
#: Headers that a proxy adds to what it says itself (RFC 9110, RFC 9209, squid).
_OF_PROXIES = ("Proxy-Authenticate", "Proxy-Status", "X-Squid-Error")
_SECONDS = re.compile(r"\d+(?:\.\d*)?", re.ASCII)
_MOST_NODES = 10_000


def read_reply(
    response: httpx.Response,
    read: Callable[[httpx.Response], T],
    refused: Callable[[httpx.Response], HostedError],
    secret: str,
) -> T:
    """What `read` makes of a success; `refused` says what any other status means.

    Raises:
        HostedError: always the truth about money: a refusal is not billed whatever its body, a
            success is, and its bytes go along where they could not be understood.
    """
    if not response.is_success:
        try:
            error = refused(response)
        except Exception:
            error = refusal(response, {}, secret)
        raise error
    try:
        return read(response)
    except HostedError as error:
        if error.mode in ("bad_payload", "no_image_but_billed"):
            error.reply = _without(body_of(response), secret)
        raise
    except Exception as error:
        message = f"the reply cannot be read: {type(error).__name__}"
        reply = _without(body_of(response), secret)
        raise HostedError("bad_payload", message, billed=True, reply=reply) from None


def _without(body: bytes, secret: str) -> bytes:
    return body.replace(secret.encode(), b"[API key]") if secret else body


#: Modes of statuses that providers agree on.
STATUSES: dict[int, ModeName] = {
    401: "unauthorized",
    402: "out_of_credit",
    403: "unauthorized",
    404: "model_retired",
    429: "rate_limited",
}


def refusal(
    response: httpx.Response,
    statuses: Mapping[int, ModeName],
    secret: str,
    after: float | None = None,
) -> HostedError:
    """What a status other than 2xx means.

    Args:
        response: its body need not be readable.
        statuses: modes of single statuses, as the API documents them.
        secret: the API key, cut out of the message.
        after: seconds to wait, where the body says so; else `Retry-After` counts.
    """
    status = response.status_code
    message = scrub(f"HTTP {status}: {_words(response)}".rstrip(": "), secret)
    if after is None:
        after = retry_after(response)
    if said_by_proxy(response):
        message = scrub(f"a proxy answered in place of the provider: {message}", secret)
        return HostedError("unreachable", message, billed=False, again=True, after=after)
    if response.is_redirect:
        message = f"HTTP {status}: the API sends requests elsewhere; its key is not sent along"
        return HostedError("unreachable", message, billed=False)
    if status in (408, 504):
        return HostedError("timed_out", message, billed=True, again=True, after=after)
    if status == 429 or status >= 500:
        mode = statuses.get(status, "rate_limited" if status == 429 else "server_error")
        return HostedError(mode, message, billed=False, again=True, after=after)
    return HostedError(statuses.get(status, "bad_request"), message, billed=False)


def said_by_proxy(response: httpx.Response) -> bool:
    """Whether something between us and the provider answered: that says nothing of the model."""
    if response.status_code in (407, 511) or any(name in response.headers for name in _OF_PROXIES):
        return True
    page = "html" in response.headers.get("Content-Type", "").lower()
    return page and proxied(response.request.url)


# ---- bodies --------------------------------------------------------------------------------


def body_of(response: httpx.Response) -> bytes:
    """The body; empty where it did not come whole."""
    try:
        return response.content
    except httpx.StreamError:
        return b""


def text_of(response: httpx.Response) -> str:
    """The body as text; a charset that the reply names is not believed."""
    return body_of(response).decode("utf-8", "replace")


def json_of(response: httpx.Response) -> Any:
    """The body as JSON, None where it is none (or nested or long beyond reading)."""
    try:
        return json.loads(body_of(response))
    except (ValueError, RecursionError):
        return None


def at(value: Any, *path: str | int) -> Any:
    """What lies at a path of keys and positions; None where it leads nowhere."""
    for step in path:
        found = isinstance(value, dict) if isinstance(step, str) else isinstance(value, list)
        try:
            value = value[step] if found else None
        except (KeyError, IndexError):
            return None
    return value


def within(value: Any) -> Iterator[dict[str, Any]]:
    """All objects inside a JSON value, outer ones first."""
    left = [value]
    for _ in range(_MOST_NODES):
        if not left:
            return
        value = left.pop(0)
        if isinstance(value, dict):
            yield value
            left.extend(value.values())
        elif isinstance(value, list):
            left.extend(value)


def _words(response: httpx.Response) -> str:
    """What is said to people: status and message where there are such, else all of it."""
    for found in within(json_of(response)):
        message, status = found.get("message"), found.get("status")
        if isinstance(message, str) and message:
            return f"{status}: {message}" if isinstance(status, str) else message
    return text_of(response)


def bytes_of(text: str) -> bytes:
    """Base64 as providers and what lies between write it.

    A data URI, line breaks and spaces (also as the two characters `\\n`), the URL-safe alphabet
    and missing padding all lose nothing.

    Raises:
        HostedError: `bad_payload`: no base64.
    """
    text = text.strip().strip("\"'")
    if text[:5].lower() == "data:":
        text = unquote(text.partition(",")[2])
    text = re.sub(r"\s|\\[nrt]|\ufeff|=", "", text).replace("-", "+").replace("_", "/")
    try:
        return base64.b64decode(text + "=" * (-len(text) % 4), validate=True)
    except (binascii.Error, ValueError) as error:
        message = f"the image is no base64: {error}"
        raise HostedError("bad_payload", message, billed=True) from None


# ---- waits ---------------------------------------------------------------------------------


def retry_after(response: httpx.Response) -> float | None:
    """Seconds that `Retry-After` asks for (RFC 9110: seconds or a date); None if unusable.

    A date is read against the reply's own `Date`: the clocks of two machines differ.
    """
    value = response.headers.get("Retry-After", "").strip()
    if _SECONDS.fullmatch(value):
        return float(value)
    when = _date(value)
    if when is None:
        return None
    now = _date(response.headers.get("Date", "")) or datetime.now(UTC)
    return max(0.0, (when - now).total_seconds())


def _date(value: str) -> datetime | None:
    with contextlib.suppress(ValueError, TypeError, OverflowError, IndexError):
        when = parsedate_to_datetime(value)
        return when.replace(tzinfo=when.tzinfo or UTC)
    return None


def duration(value: Any) -> float | None:
    """Seconds of a `google.protobuf.Duration`: `"3.5s"` or `{"seconds": 3, "nanos": 5e8}`."""
    if isinstance(value, str) and _SECONDS.fullmatch(value.strip().removesuffix("s").strip()):
        return float(value.strip().removesuffix("s"))
    if not isinstance(value, dict):
        return None
    whole, nanos = value.get("seconds", 0), value.get("nanos", 0)
    with contextlib.suppress(ValueError, TypeError, OverflowError):
        seconds = float(whole) + float(nanos) / 1e9
        return seconds if seconds >= 0 else None
    return None
