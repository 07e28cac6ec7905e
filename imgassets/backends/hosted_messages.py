"""A provider's words: free of secrets, and fit for tables and logs."""

from __future__ import annotations

from urllib.parse import quote

_LONGEST_MESSAGE = 300


def scrub(text: str, secret: str) -> str:
    """Text without the API key, on one line, not long, and storable as UTF-8."""
    for form in {secret, quote(secret, safe="")} - {""}:
        text = text.replace(form, "[API key]")
    text = text.encode("utf-8", "replace").decode().replace("\0", "")
    text = " ".join(text.split())
    return text if len(text) <= _LONGEST_MESSAGE else text[: _LONGEST_MESSAGE - 1] + "…"
