"""Faults a pipeline can plant in an image, each with the strength it has in the field.

Used by the tests of artefacts, edits, upscales and reproducibility, and by their benchmarks.
"""

from __future__ import annotations

import io
from collections.abc import Callable

import cv2
import numpy as np
from numpy.typing import NDArray
from PIL import Image

Pixels = NDArray[np.uint8]

PHOTOGRAPHS = ("astronaut", "coffee", "chelsea")


def photograph(name: str, side: int = 256) -> Pixels:
    """A photograph bundled with scikit-image, its middle square at `side` px."""
    from skimage import data

    image = getattr(data, name)()[..., :3]
    short = min(image.shape[:2])
    top, left = (image.shape[0] - short) // 2, (image.shape[1] - short) // 2
    square = image[top : top + short, left : left + short]
    return cv2.resize(square, (side, side), interpolation=cv2.INTER_AREA)


def quantized(values: np.ndarray) -> Pixels:
    """Rounded and clipped to 8 bits."""
    return np.clip(np.rint(values), 0, 255).astype(np.uint8)


def noise(image: Pixels, sigma: float = 2.0, seed: int = 0) -> Pixels:
    """Gaussian noise: the harmless change."""
    rng = np.random.default_rng(seed)
    return quantized(image + rng.normal(0, sigma, image.shape))


def jpeg(image: Pixels, quality: int = 75) -> Pixels:
    """Through a JPEG file and back."""
    buffer = io.BytesIO()
    Image.fromarray(image).save(buffer, "JPEG", quality=quality)
    return np.asarray(Image.open(buffer).convert("RGB"))


def gamma_twice(image: Pixels) -> Pixels:
    """Linear light encoded once more."""
    return quantized(255 * (image / 255.0) ** (1 / 2.2))


def narrow_range(image: Pixels) -> Pixels:
    """16 to 235 taken for full range."""
    return quantized(16 + image * (219 / 255))


def weak_vae(image: Pixels) -> Pixels:
    """Latents scaled by .9: less contrast around the middle."""
    return quantized(127.5 + 0.9 * (image - 127.5))


def floored(image: Pixels) -> Pixels:
    """Truncation instead of rounding, seen as half a level on average."""
    rng = np.random.default_rng(0)
    return np.clip(np.floor(image + rng.uniform(-0.5, 0.5, image.shape)), 0, 255).astype(np.uint8)


def blurred_filter(image: Pixels) -> Pixels:
    """Halved and doubled with a soft filter."""
    half = cv2.resize(image, None, fx=0.5, fy=0.5, interpolation=cv2.INTER_AREA)
    return cv2.resize(half, image.shape[1::-1], interpolation=cv2.INTER_LINEAR)


def warped(image: Pixels, scale: float = 1.0, shift: tuple[float, float] = (0.0, 0.0)) -> Pixels:
    """Enlarged about the center, then moved by pixels to the right and down."""
    center = (np.array(image.shape[1::-1]) - 1) / 2
    offset = center - scale * center + np.array(shift)
    matrix = np.array([[scale, 0, offset[0]], [0, scale, offset[1]]])
    return cv2.warpAffine(
        image, matrix, image.shape[1::-1], flags=cv2.INTER_CUBIC, borderMode=cv2.BORDER_REFLECT
    )


def black_tile(image: Pixels, side: int = 32) -> Pixels:
    """One tile that failed."""
    out = image.copy()
    out[64 : 64 + side, 96 : 96 + side] = 0
    return out


def watermark(image: Pixels, strength: float = 0.25) -> Pixels:
    """Pale text over the middle."""
    layer = np.zeros(image.shape[:2], np.uint8)
    place = (image.shape[1] // 8, image.shape[0] // 2)
    cv2.putText(layer, "SAMPLE", place, cv2.FONT_HERSHEY_SIMPLEX, image.shape[1] / 170, 255, 2)
    mask = strength * layer[..., None] / 255.0
    return quantized(image * (1 - mask) + 255 * mask)


def tile_seams(image: Pixels, side: int = 64, levels: int = 3) -> Pixels:
    """Tiles alternately a little brighter and darker."""
    rows, columns = np.indices(image.shape[:2]) // side
    return quantized(image + levels * (1 - 2 * ((rows + columns) % 2))[..., None].astype(float))


def oversharpened(image: Pixels) -> Pixels:
    """Unsharp mask, twice as strong as anybody wants."""
    soft = cv2.GaussianBlur(image, (0, 0), 1.5).astype(float)
    return quantized(image + 1.5 * (image - soft))


def checkerboard(image: Pixels, levels: float = 3.0) -> Pixels:
    """The pattern of a transposed convolution."""
    rows, columns = np.indices(image.shape[:2])
    return quantized(image + levels * (1 - 2 * ((rows + columns) % 2))[..., None])


def posterized(image: Pixels, step: int = 8) -> Pixels:
    """Every `step`-th level only."""
    return quantized(image // step * float(step))


FAULTS: dict[str, Callable[[Pixels], Pixels]] = {
    "BGR swap": lambda image: np.ascontiguousarray(image[..., ::-1]),
    "gamma applied twice": gamma_twice,
    "16-235 range": narrow_range,
    "VAE scale x0.9": weak_vae,
    "floor instead of round": floored,
    "JPEG 75": jpeg,
    "wrong resize filter": blurred_filter,
    "half-pixel shift": lambda image: warped(image, shift=(0.5, 0.5)),
    "2 % zoom": lambda image: warped(image, scale=1.02),
    "one black tile": black_tile,
    "watermark": watermark,
    "tile seams +-3": tile_seams,
    "oversharpened": oversharpened,
    "checkerboard +-3": checkerboard,
    "EXIF rotation lost": lambda image: np.ascontiguousarray(np.rot90(image, -1)),
}
