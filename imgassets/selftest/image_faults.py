"""Faults of image files: each takes a PNG file as the product made it and gives a spoiled one.

Strengths are parameters; the catalogue gives them values. Nothing is random: the same file is
spoiled the same way every time.
"""

from __future__ import annotations

import io
from collections.abc import Callable
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray
from PIL import Image

Pixels = NDArray[np.uint8]


@dataclass(frozen=True)
class Spot:
    """Where a file stands: its number among all files of the model, and the file it was made of."""

    number: int
    source: bytes | None = None


#: Spoils a file.
ImageFault = Callable[[bytes, Spot], bytes]


def decode(png: bytes) -> Pixels:
    """uint8 (H, W, 3), sRGB."""
    with Image.open(io.BytesIO(png)) as image:
        return np.asarray(image.convert("RGB"))


def encode(image: np.ndarray) -> bytes:
    """PNG of pixels, rounded and clipped to 8 bits."""
    buffer = io.BytesIO()
    Image.fromarray(np.clip(np.rint(image), 0, 255).astype(np.uint8)).save(buffer, "PNG")
    return buffer.getvalue()


def on_pixels(change: Callable[[Pixels], np.ndarray]) -> ImageFault:
    """A fault that needs to know the pixels alone."""
    return lambda png, _: encode(change(decode(png)))


def every(k: int, spoil: ImageFault) -> ImageFault:
    """Every k-th file only."""
    return lambda png, spot: spoil(png, spot) if spot.number % k == k // 2 else png


def swapped(share: float) -> ImageFault:
    """Red and blue exchanged, or mixed where `share` is below 1."""
    return on_pixels(lambda x: (1 - share) * x + share * x[..., ::-1].astype(float))


def gamma(exponent: float) -> ImageFault:
    """Encoded values raised to `exponent`: 1/2.2 is gamma applied twice."""
    return on_pixels(lambda x: 255.0 * (x / 255.0) ** exponent)


def jpeg(quality: int) -> ImageFault:
    """Through a JPEG file and back."""

    def spoil(png: bytes, _: Spot) -> bytes:
        buffer = io.BytesIO()
        Image.fromarray(decode(png)).save(buffer, "JPEG", quality=quality)
        return encode(decode(buffer.getvalue()))

    return spoil


def enlarged(how: Image.Resampling) -> ImageFault:
    """The upscaled file replaced by its source, enlarged by a plain filter."""

    def spoil(png: bytes, spot: Spot) -> bytes:
        if spot.source is None:
            return png
        height, width = decode(png).shape[:2]
        source = Image.fromarray(decode(spot.source))
        return encode(np.asarray(source.resize((width, height), how)))

    return spoil


def shifted(pixels: float) -> ImageFault:
    """Moved right and down by a part of a pixel, as by an off-by-half in a resize."""
    matrix = np.array([[1.0, 0.0, pixels], [0.0, 1.0, pixels]])
    return on_pixels(
        lambda x: cv2.warpAffine(
            x, matrix, x.shape[1::-1], flags=cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE
        )
    )


def border(darkness: float) -> ImageFault:
    """The outermost line of pixels darkened, 1 is black."""

    def change(x: Pixels) -> np.ndarray:
        out = x.astype(float)
        inside = np.zeros(x.shape[:2], bool)
        inside[1:-1, 1:-1] = True
        out[~inside] *= 1.0 - darkness
        return out

    return on_pixels(change)


def seams(levels: float, tile: int) -> ImageFault:
    """Tiles alternately as they are and darker by `levels`."""

    def change(x: Pixels) -> np.ndarray:
        tiles = np.asarray(np.indices(x.shape[:2]) // tile)
        return x - levels * (tiles.sum(axis=0) % 2)[..., None]

    return on_pixels(change)


def watermark(strength: float) -> ImageFault:
    """Gray text across the middle."""

    def change(x: Pixels) -> np.ndarray:
        height, width = x.shape[:2]
        layer = np.zeros((height, width), np.uint8)
        scale = width / 110.0
        cv2.putText(layer, "SAMPLE", (width // 16, height // 2), cv2.FONT_HERSHEY_SIMPLEX, scale,
                    255, max(1, width // 48), cv2.LINE_AA)  # fmt: skip
        mask = strength * layer[..., None] / 255.0
        return x * (1 - mask) + 96 * mask

    return on_pixels(change)


def rotated() -> ImageFault:
    """Turned by a quarter: what is left when an EXIF orientation is dropped."""
    return on_pixels(lambda x: np.rot90(x, -1))


def premultiplied(radius: float) -> ImageFault:
    """Cut out with a soft edge, and multiplied by its alpha once too often: a dark fringe."""

    def change(x: Pixels) -> np.ndarray:
        ground = np.median(x.reshape(-1, 3), axis=0)
        subject = (np.abs(x - ground).max(axis=2) > 24).astype(np.float32)
        alpha = cv2.GaussianBlur(subject, (0, 0), radius)[..., None]
        return x * (1.0 - alpha * (1.0 - alpha))

    return on_pixels(change)


def black() -> ImageFault:
    """Nothing but black."""
    return on_pixels(np.zeros_like)


def cut(keep: float) -> ImageFault:
    """A file that ends too early."""
    return lambda png, _: png[: int(len(png) * keep)]
