"""Addresses of servers: which of them are this machine."""

from __future__ import annotations

from ipaddress import IPv6Address, ip_address
from urllib.parse import urlsplit


def is_loopback(host: str) -> bool:
    """Whether a host is this machine: 127.0.0.0/8, ::1 or `localhost`; no name is looked up."""
    host = host.strip("[]").rstrip(".").lower()
    if host == "localhost":
        return True
    try:
        address = ip_address(host)
    except ValueError:
        return False
    mapped = address.ipv4_mapped if isinstance(address, IPv6Address) else None
    return (mapped or address).is_loopback


def from_this_machine(host: str, origin: str | None) -> bool:
    """Whether a request of HTTP comes from a program or a page of this machine.

    Pages of the web reach this machine through a browser, by its name or by one of theirs.

    Args:
        host: the header of the request, with or without a port.
        origin: the header, None where there is none.
    """
    hosts = [urlsplit(f"//{host}").hostname, *([urlsplit(origin).hostname] if origin else [])]
    return all(is_loopback(name or "") for name in hosts)


def host_of(url: str) -> str:
    """The host of a base URL that a key may be sent to: https, or plain http on this machine.

    Raises:
        ValueError: it is another address, or holds more than one.
    """
    parts = urlsplit(url)
    host = parts.hostname or ""
    if "@" in parts.netloc or parts.query or parts.fragment:
        raise ValueError("a base URL holds no name, password or query; a key has its variable")
    if not host or not (parts.scheme == "https" or (parts.scheme == "http" and is_loopback(host))):
        raise ValueError(
            "use https://HOST/v1, or http on this machine such as http://127.0.0.1:8000/v1"
        )
    return host
