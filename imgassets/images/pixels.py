"""What every pixel metric asks of its input, and how it says no.

Nothing is converted here: a grayscale, 16-bit or float array is refused, because a silently
converted image would get a score nobody asked for.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Pixels = NDArray[np.uint8]


class BadImageError(ValueError):
    """An array that is not an image this metric can judge; the message says what to do."""


def check_rgb(image: np.ndarray, least: int = 1) -> Pixels:
    """The image itself, once it is known to be one.

    Args:
        image: uint8, (H, W, 3), sRGB, 0..255.
        least: shortest side accepted, in pixels.

    Raises:
        BadImageError: another type, shape, or a side shorter than `least`.
    """
    if not isinstance(image, np.ndarray) or image.dtype != np.uint8:
        kind = getattr(image, "dtype", type(image).__name__)
        raise BadImageError(
            f"expected uint8 pixels, got {kind}; quantize with imgassets.images.encoding"
        )
    if image.ndim != 3 or image.shape[2] != 3:
        raise BadImageError(f"expected shape (H, W, 3), got {image.shape}; decode it as RGB")
    if min(image.shape[:2]) < least:
        raise BadImageError(f"expected at least {least} x {least} pixels, got {image.shape[:2]}")
    return image


def check_pair(first: np.ndarray, second: np.ndarray, least: int = 1) -> tuple[Pixels, Pixels]:
    """Two images of the same size.

    Raises:
        BadImageError: either is not an image, or their sizes differ.
    """
    one, two = check_rgb(first, least), check_rgb(second, least)
    if one.shape != two.shape:
        raise BadImageError(
            f"expected two images of the same size, got {one.shape[:2]} and {two.shape[:2]}; "
            "a difference in size is a failure of its own, not a low score"
        )
    return one, two
