"""Sixteen bits a channel to eight, rounded. Pillow alone keeps the high byte, which darkens."""

from __future__ import annotations

import sys
from typing import Any

import numpy as np
from PIL import Image
from PIL.ImageFile import ImageFile

from imgassets.images.errors import RefusedError

#: Pillow's unpackers of 16-bit channels take the high byte; with the other byte order, the low one.
_OTHER_ORDER = {"B": "L", "L": "B", "N": "B" if sys.byteorder == "little" else "L"}
_ROWS = 256


def is_deep(image: ImageFile) -> bool:
    """Whether a file that was opened but not decoded has 16 bits a channel."""
    return image.mode.startswith("I;16") or any(";16" in _rawmode(t.args) for t in image.tile)


def to_8_bits(image: ImageFile, again: ImageFile) -> Image.Image:
    """The image with 8 bits a channel, `round(value / 257)`; one color made transparent is alpha.

    Args:
        image: opened, not decoded; 16 bits a channel.
        again: the same file opened once more.

    Raises:
        RefusedError: a layout whose low bytes cannot be had.
    """
    transparent = image.info.get("transparency")
    values, mode = _values(image, again)
    eight = Image.fromarray(_rounded(values), mode)
    if transparent is not None:
        same = values == np.array(transparent, np.uint16)
        same = same.all(axis=2) if same.ndim == 3 else same
        eight.putalpha(Image.fromarray(np.where(same, 0, 255).astype(np.uint8)))
    return eight


def _values(image: ImageFile, again: ImageFile) -> tuple[np.ndarray, str]:
    """Values as uint16, (H, W) or (H, W, C), and the mode they have as 8 bits."""
    if image.mode.startswith("I;16"):
        return _decoded(image), "L"
    if any(_rawmode(t.args) == "LA;16B" for t in image.tile):
        # Both bytes of gray and alpha are the four bytes of a pixel: read them as they are.
        again.tile = [t._replace(args="RGBA") for t in again.tile]
        raw = _decoded(again)
        return raw[..., ::2] << 8 | raw[..., 1::2], "LA"
    again.tile = [t._replace(args=_swapped(t.args)) for t in again.tile]
    return _decoded(image) << 8 | _decoded(again), image.mode


def _decoded(image: ImageFile) -> np.ndarray:
    image.load()  # by itself: `np.asarray` may hide a decoder's exception
    return np.asarray(image).astype(np.uint16)


def _rounded(values: np.ndarray) -> np.ndarray:
    """`round(value / 257)` of each, some rows at a time for the memory's sake."""
    rounded = np.empty(values.shape, np.uint8)
    for top in range(0, len(values), _ROWS):
        part = values[top : top + _ROWS].astype(np.uint32)
        rounded[top : top + _ROWS] = (part * 255 + 32895) >> 16
    return rounded


def _rawmode(arguments: Any) -> str:
    return str(arguments[0] if isinstance(arguments, tuple) else arguments)


def _swapped(arguments: Any) -> Any:
    """A decoder's arguments with the rawmode of the other byte order."""
    rawmode = _rawmode(arguments)
    pixels, _, order = rawmode.partition(";16")
    if pixels not in ("RGB", "RGBA", "RGBX", "CMYK") or order not in _OTHER_ORDER:
        raise RefusedError(f"16-bit pixels laid out as {rawmode}, which cannot be read exactly")
    swapped = f"{pixels};16{_OTHER_ORDER[order]}"
    return (swapped, *arguments[1:]) if isinstance(arguments, tuple) else swapped
