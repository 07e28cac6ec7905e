"""The wire to a provider: one HTTP client, where it may lead, and how far each request came."""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import httpx

from imgassets.backends.base import BackendError, HostedError
from imgassets.backends.hosted_messages import scrub
from imgassets.documents.addresses import is_loopback

#: A 4K PNG has about 30 MB; base64 makes it a third larger.
MAX_REPLY_BYTES = 64 * 2**20
_PROXIES = ("http_proxy", "https_proxy", "all_proxy")
#: Errors that come before a request has left as a whole: it cannot have been billed.
_NOT_SENT = (
    httpx.ConnectError,
    httpx.ConnectTimeout,
    httpx.PoolTimeout,
    httpx.WriteTimeout,
    httpx.ProxyError,
)


class ReplyTooLargeError(httpx.HTTPError):
    """A reply went over `MAX_REPLY_BYTES`."""


class PlainHttpError(httpx.HTTPError):
    """A request would have left this machine unencrypted."""


@dataclass
class _Sending:
    """How far the request of one thread came.

    Attributes:
        left: it was handed to the network.
        broken_off: it was not sent whole, or a proxy never led it to the provider.
        response: status and headers came; the body may not have.
    """

    left: bool = False
    broken_off: bool = False
    response: httpx.Response | None = None

    def follow(self, event: str, info: dict[str, Any]) -> None:
        """httpcore's `trace` extension; only what it says for sure makes a request unsent."""
        if event.endswith("send_request_headers.started"):
            self.broken_off = getattr(info.get("request"), "method", b"") == b"CONNECT"
        elif event.endswith(("send_request_headers.failed", "send_request_body.failed")):
            self.broken_off = True

    def failure(self, error: Exception, secret: str) -> HostedError:
        """What an error without a reply means: was the request sent, and may it be billed?"""
        if not self.left:
            message = scrub(f"nothing was sent: {type(error).__name__}: {error}", secret)
            return HostedError("machine_error", message, billed=False)
        if self.broken_off or isinstance(error, _NOT_SENT):
            message = scrub(f"{type(error).__name__}: {error}", secret)
            return HostedError("unreachable", message, billed=False, again=True)
        return transport_error(error, secret)


class Wire:
    """The HTTP client of one provider; safe for several threads."""

    def __init__(self, seconds: float, own: str, *, plain: bool = False) -> None:
        """Open it.

        Args:
            seconds: longest time for one reply.
            own: the provider's base URL.
            plain: it may lead to other machines without encryption.

        Raises:
            BackendError: a proxy is set that cannot be used.
        """
        self._threads = threading.local()
        self._seconds, self._plain = seconds, plain
        self.client = self._open(own)

    def heard(self, send: Callable[[], object], secret: str) -> httpx.Response:
        """The response to the one request that `send` sends, whatever `send` makes of it.

        A refusal (no 2xx) may have no readable body; any other response is whole.

        Raises:
            HostedError: none came, or not whole; billed unless the request cannot have arrived.
        """
        self._threads.sending = sending = _Sending()
        try:
            send()
        except HostedError:
            raise
        except Exception as error:
            if sending.response is None:
                raise sending.failure(error, secret) from None
            if sending.response.is_success and not _whole(sending.response):
                raise transport_error(error, secret) from None
        finally:
            self._threads.sending = None
        if sending.response is None:
            raise HostedError("machine_error", "nothing was sent", billed=False)
        return sending.response

    def _open(self, own: str) -> httpx.Client:
        # A proxy would see what is sent to this machine in the clear, and cannot reach it.
        direct = {f"all://{host}": None for host in _loopback_hosts(own)}
        here = is_loopback(httpx.URL(own).host)
        try:
            return httpx.Client(
                timeout=httpx.Timeout(self._seconds, connect=min(self._seconds, 20.0)),
                # A provider that closes an idle connection just as it is used again looks exactly
                # like one that lost a paid reply.
                limits=httpx.Limits(max_keepalive_connections=0),
                follow_redirects=False,
                trust_env=not (here and _set_proxies() and _unusable_proxy()),
                mounts=direct,
                event_hooks={"request": [self._start], "response": [self._bound]},
            )
        except (ImportError, ValueError, httpx.InvalidURL) as error:
            raise BackendError(
                f"a proxy of the environment ({_proxies_set()}) cannot be used: {error}; "
                "correct it, or list the provider in $no_proxy"
            ) from error

    def _start(self, request: httpx.Request) -> None:
        known = self._plain or is_loopback(request.url.host)
        if request.url.scheme != "https" and not known:
            raise PlainHttpError(f"{request.url.host} would be spoken to without encryption")
        request.extensions["imgassets_start"] = time.monotonic()
        sending = getattr(self._threads, "sending", None)
        if sending is not None:
            sending.left = True
            request.extensions["trace"] = sending.follow

    def _bound(self, response: httpx.Response) -> None:
        start = response.request.extensions.get("imgassets_start", time.monotonic())
        stream = response.stream
        if isinstance(stream, httpx.SyncByteStream):
            response.stream = _Bounded(stream, start + self._seconds)
        sending = getattr(self._threads, "sending", None)
        if sending is not None:
            sending.response = response


def _whole(response: httpx.Response) -> bool:
    try:
        return response.content is not None
    except httpx.StreamError:
        return False


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


def transport_error(error: Exception, secret: str) -> HostedError:
    """What an error means where the request has left, or what was asked for is paid already."""
    message = scrub(f"{type(error).__name__}: {error}", secret)
    if isinstance(error, _NOT_SENT):
        return HostedError("unreachable", message, billed=True, again=True)
    unusable = (ReplyTooLargeError, PlainHttpError, httpx.InvalidURL, httpx.UnsupportedProtocol)
    if isinstance(error, unusable):
        return HostedError("bad_payload", message, billed=True)
    if isinstance(error, httpx.TimeoutException):
        return HostedError("timed_out", message, billed=True, again=True)
    return HostedError("reply_lost", message, billed=True, again=True)


# ---- where it may lead ---------------------------------------------------------------------


def _loopback_hosts(own: str) -> set[str]:
    host = httpx.URL(own).host
    named = {"localhost", "localhost.", "127.0.0.1", "[::1]"}
    return named | ({f"[{host}]" if ":" in host else host} if is_loopback(host) else set())


def _set_proxies() -> list[str]:
    return [n for name in _PROXIES for n in (name, name.upper()) if os.environ.get(n)]


def _proxies_set() -> str:
    return ", ".join(f"${name}" for name in _set_proxies()) or "system settings"


def _unusable_proxy() -> bool:
    """Whether httpx would refuse to start because of a proxy, also for loopback alone."""
    try:
        httpx.Client().close()
    except (ImportError, ValueError, httpx.InvalidURL):
        return True
    return False


def proxied(url: httpx.URL) -> bool:
    """Whether a request to `url` may have gone through a proxy of the environment."""
    return bool(_set_proxies()) and not is_loopback(url.host)


def api_key(variable: str) -> str:
    """A provider's API key, from the environment and from nowhere else.

    Raises:
        BackendError: it is not set, or no key at all (its value is not repeated).
    """
    key = os.environ.get(variable, "").strip()
    if not key:
        raise BackendError(f"${variable} is not set; export the API key before the run")
    if not (key.isascii() and key.isprintable() and " " not in key):
        raise BackendError(
            f"${variable} holds a space, a line break or a letter that no API key has; "
            "export the key alone"
        )
    return key


def base_url(variable: str, default: str) -> str:
    """Where a provider's API is: its own address, unless the environment names another.

    Raises:
        BackendError: no address, or one that would send the API key in the clear.
    """
    text = os.environ.get(variable, "").strip().rstrip("/") or default
    try:
        url = httpx.URL(text)
    except (httpx.InvalidURL, ValueError) as error:
        raise BackendError(f"${variable} is not an address: {error}") from None
    if url.scheme not in ("https", "http") or not url.host:
        raise BackendError(f"${variable} is {_shown(text)}; use https, or a loopback address")
    if url.scheme == "http" and not is_loopback(url.host):
        raise BackendError(
            f"${variable} is {_shown(text)}: plain http would send the API key in the clear; "
            "use https, or a loopback address"
        )
    return text


def _shown(url: str) -> str:
    """An address without the name and password it may hold."""
    return repr(url.rpartition("@")[2] if "@" in url else url)
