"""What it means to refuse an input, and words for it that are safe to print."""

from __future__ import annotations

from PIL import Image, UnidentifiedImageError


class RefusedError(ValueError):
    """An input that is not taken in; the message says why, in words for the one who sent it."""


def broken(error: Exception) -> str:
    """A decoder's exception as a reason, without what it says of its own memory addresses."""
    if isinstance(error, UnidentifiedImageError):
        return "broken header: no decoder can open it"
    if isinstance(error, Image.DecompressionBombError):
        return "declares more pixels than can ever be taken in"
    if isinstance(error, MemoryError):
        return "cannot be decoded: not enough memory"
    return f"cannot be decoded: {readable(str(error)) or type(error).__name__}"


def readable(text: str, most: int = 200) -> str:
    """Text from outside on one line, without control characters or odd directions."""
    shown = "".join(c if c.isprintable() else "\ufffd" for c in text[:most])
    return shown + ("..." if len(text) > most else "")
