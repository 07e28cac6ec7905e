"""Following the link of a reply to its image, without the API key, and to no other place."""

from __future__ import annotations

from urllib.parse import urljoin

import httpx

from imgassets.backends.base import HostedError
from imgassets.backends.hosted_http import Wire, transport_error
from imgassets.backends.hosted_messages import scrub
from imgassets.backends.hosted_replies import retry_after, said_by_proxy
from imgassets.documents.addresses import is_loopback
from imgassets.documents.failures import ModeName

_GONE = (401, 403, 404, 410)
_REDIRECTS = 3


def download(wire: Wire, own: str, link: str, secret: str) -> bytes:
    """What lies behind a link.

    Args:
        wire: the provider's.
        own: its base URL; a link may lead to https, or to this server.
        link: absolute, or from the base URL.
        secret: the API key, cut out of messages; it does not go along.

    Raises:
        HostedError: it leads elsewhere, or to nothing; always billed.
    """
    place, step = own, link.strip()
    for _ in range(_REDIRECTS + 1):
        try:
            place = urljoin(f"{place}/" if place == own else place, step)
        except ValueError as error:
            message = scrub(f"the image's link is no address: {error}", secret)
            raise HostedError("bad_payload", message, billed=True) from None
        response = _get(wire, own, place, secret)
        if response.status_code == 200 and not said_by_proxy(response):
            return response.content
        if not response.has_redirect_location:
            raise _no_download(response)
        step = response.headers["Location"]
    raise HostedError("bad_payload", "the image's link leads in circles", billed=True)


def _get(wire: Wire, base: str, link: str, secret: str) -> httpx.Response:
    try:
        parts, own = httpx.URL(link), httpx.URL(base)
        here = is_loopback(parts.host)
        same_host = parts.host == own.host or (here and is_loopback(own.host))
        own_api = same_host and (parts.scheme, parts.port) == (own.scheme, own.port)
        if (here and not is_loopback(own.host)) or (parts.scheme != "https" and not own_api):
            where = scrub(f"{parts.scheme}://{parts.host}", secret)
            raise HostedError("bad_payload", f"the image's link leads to {where}", billed=True)
        return wire.client.get(parts)
    except (httpx.HTTPError, httpx.InvalidURL) as error:
        raise transport_error(error, secret) from None


def _no_download(response: httpx.Response) -> HostedError:
    message = f"HTTP {response.status_code} for the image's link"
    if said_by_proxy(response):
        message = f"a proxy answered in place of the provider: {message}"
        return HostedError("unreachable", message, billed=True, again=True)
    if response.status_code in _GONE:
        return HostedError("link_expired", message, billed=True)
    after = retry_after(response)
    busy = response.status_code in (408, 425, 429) or response.status_code >= 500
    mode: ModeName = "server_error" if busy else "bad_payload"
    return HostedError(mode, message, billed=True, again=busy, after=after)
