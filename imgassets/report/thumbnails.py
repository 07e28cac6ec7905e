"""Images made small enough to travel inside the page, and what differs between two of them."""

from __future__ import annotations

import base64
import io
from dataclasses import dataclass

import numpy as np
from PIL import Image

from imgassets.report.inputs import Load

#: Longest side of a picture in the page, in pixels; of those that a verdict is judged by, larger.
LONGEST_SIDE = 320
JUDGED_SIDE = 560
#: Up to this side a picture is kept lossless and shown without smoothing.
LOSSLESS_SIDE = 128
#: How much a difference is amplified so that it can be seen.
GAIN = 4
_JPEG_QUALITY = 82


@dataclass(frozen=True)
class Picture:
    """A picture ready for an `img` element.

    Attributes:
        uri: data URI.
        width, height: of the original, in pixels.
        pixelated: whether it is so small that browsers must not smooth it.
    """

    uri: str
    width: int
    height: int
    pixelated: bool


def open_rgb(load: Load, key: str) -> Image.Image | None:
    """The image of a key as RGB (alpha over mid grey), or None where there is none to show."""
    try:
        opened = Image.open(io.BytesIO(load(key)))
        opened.load()
    except (LookupError, OSError, ValueError, SyntaxError, Image.DecompressionBombError):
        return None  # a picture missing from a report is shown as missing; it decides nothing
    image: Image.Image = opened
    if "A" in image.getbands() or "transparency" in image.info:
        ground = Image.new("RGBA", image.size, (128, 128, 128, 255))
        image = Image.alpha_composite(ground, image.convert("RGBA"))
    return image.convert("RGB")


def picture(image: Image.Image, longest: int = LONGEST_SIDE) -> Picture:
    """The image, shrunk to `longest` pixels: PNG where small, JPEG otherwise."""
    small = image.copy()
    small.thumbnail((longest, longest), Image.Resampling.LANCZOS)
    lossless = max(image.size) <= LOSSLESS_SIDE
    buffer = io.BytesIO()
    if lossless:
        small.save(buffer, "PNG", optimize=True)
    else:
        small.save(buffer, "JPEG", quality=_JPEG_QUALITY, optimize=True)
    data = base64.b64encode(buffer.getvalue()).decode("ascii")
    kind = "png" if lossless else "jpeg"
    return Picture(f"data:image/{kind};base64,{data}", image.width, image.height, lossless)


def difference(first: Image.Image, second: Image.Image) -> tuple[Image.Image, float]:
    """Where two images differ: (grey RGB image, white = changed; mean change, 0..255 levels).

    The largest change of the three channels, amplified by `GAIN`. An image of another size is
    first resized to the first one's.
    """
    if second.size != first.size:
        second = second.resize(first.size, Image.Resampling.LANCZOS)
    a, b = (np.asarray(image, dtype=np.int16) for image in (first, second))
    change = np.abs(a - b)
    shown = np.minimum(change.max(axis=2) * GAIN, 255).astype(np.uint8)
    return Image.fromarray(shown).convert("RGB"), float(change.mean())
