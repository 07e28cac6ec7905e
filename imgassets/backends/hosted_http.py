"""What all providers share on the wire: one HTTP client, what its errors mean, and no secrets."""

from __future__ import annotations

import os
import time
from collections.abc import Iterator
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from urllib.parse import quote, urlsplit

import httpx

from imgassets.backends.base import BackendError, HostedError

#: A 4K PNG has about 30 MB; base64 makes it a third larger.
MAX_REPLY_BYTES = 64 * 2**20
_LONGEST_MESSAGE = 300
_LOOPBACK = {"127.0.0.1", "localhost", "::1"}
_NOT_SENT = (httpx.ConnectError, httpx.ConnectTimeout, httpx.PoolTimeout)


class ReplyTooLargeError(httpx.HTTPError):
    """A reply went over `MAX_REPLY_BYTES`."""


def open_client(seconds: float) -> httpx.Client:
    """A client whose replies end after `seconds` and `MAX_REPLY_BYTES`, however they are sent.

    Connections are not kept: a provider that closes an idle one just as it is used again looks
    exactly like one that lost a paid reply.
    """
    return httpx.Client(
        timeout=httpx.Timeout(seconds, connect=min(seconds, 20.0)),
        limits=httpx.Limits(max_keepalive_connections=0),
        follow_redirects=False,
        event_hooks={
            "request": [lambda request: _start(request)],
            "response": [lambda response: _bound(response, seconds)],
        },
    )


def _start(request: httpx.Request) -> None:
    request.extensions["imgassets_start"] = time.monotonic()


def _bound(response: httpx.Response, seconds: float) -> None:
    start = response.request.extensions.get("imgassets_start", time.monotonic())
    stream = response.stream
    if isinstance(stream, httpx.SyncByteStream):
        response.stream = _Bounded(stream, start + seconds)


class _Bounded(httpx.SyncByteStream):
    """A body that may neither drip for ever nor fill the memory."""

    def __init__(self, inner: httpx.SyncByteStream, deadline: float) -> None:
        self._inner, self._deadline = inner, deadline

    def __iter__(self) -> Iterator[bytes]:
        size = 0
        for chunk in self._inner:
            size += len(chunk)
            if size > MAX_REPLY_BYTES:
                raise ReplyTooLargeError(f"the reply is larger than {MAX_REPLY_BYTES >> 20} MiB")
            if time.monotonic() > self._deadline:
                raise httpx.ReadTimeout("the reply was not over in time")
            yield chunk

    def close(self) -> None:
        self._inner.close()


def transport_error(error: httpx.HTTPError | httpx.InvalidURL, secret: str) -> HostedError:
    """What an error without a status means: was the request sent, and may it have been billed?"""
    message = scrub(f"{type(error).__name__}: {error}", secret)
    if isinstance(error, _NOT_SENT):
        return HostedError("unreachable", message, billed=False, again=True)
    if isinstance(error, (ReplyTooLargeError, httpx.InvalidURL, httpx.UnsupportedProtocol)):
        return HostedError("bad_payload", message, billed=True)
    if isinstance(error, httpx.TimeoutException):
        return HostedError("timed_out", message, billed=True, again=True)
    return HostedError("reply_lost", message, billed=True, again=True)


def retry_after(value: str | None) -> float | None:
    """Seconds a `Retry-After` header asks for (RFC 9110: seconds or a date); None if unusable."""
    if not value:
        return None
    try:
        return max(0.0, float(value))
    except ValueError:
        pass
    try:
        when = parsedate_to_datetime(value)
    except ValueError:
        return None
    return max(0.0, (when.replace(tzinfo=when.tzinfo or UTC) - datetime.now(UTC)).total_seconds())


def scrub(text: str, secret: str) -> str:
    """A provider's words, fit for tables and logs: without the API key, on one line, not long."""
    for form in {secret, quote(secret, safe="")} - {""}:
        text = text.replace(form, "[API key]")
    text = " ".join(text.split())
    return text if len(text) <= _LONGEST_MESSAGE else text[: _LONGEST_MESSAGE - 1] + "…"


def api_key(variable: str) -> str:
    """A provider's API key, from the environment and from nowhere else.

    Raises:
        BackendError: it is not set.
    """
    key = os.environ.get(variable, "").strip()
    if not key:
        raise BackendError(f"${variable} is not set; export the API key before the run")
    return key


def base_url(variable: str, default: str) -> str:
    """Where a provider's API is: its own address, unless the environment names another.

    Raises:
        BackendError: an address that would send the API key in the clear.
    """
    url = os.environ.get(variable, "").rstrip("/") or default
    parts = urlsplit(url)
    if parts.scheme != "https" and parts.hostname not in _LOOPBACK:
        raise BackendError(f"${variable} is {url!r}; use https, or a loopback address")
    return url
