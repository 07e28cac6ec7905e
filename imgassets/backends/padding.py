"""Images whose sides a model cannot take: made larger for it, and cut off again.

As Real-ESRGAN does it: mirrored at the right and the bottom.
"""

from __future__ import annotations

import numpy as np
from PIL import Image


def padded(image: Image.Image, multiple: int) -> Image.Image:
    """The image (mode RGB) with sides that are multiples, pixels; itself where they are already.

    A side too short to mirror repeats its last pixel.
    """
    right, down = -image.width % multiple, -image.height % multiple
    if not right and not down:
        return image
    pixels = np.asarray(image)
    for axis, more in ((0, down), (1, right)):
        around = [(0, 0)] * 3
        around[axis] = (0, more)
        pixels = np.pad(pixels, around, "reflect" if more < pixels.shape[axis] else "edge")
    return Image.fromarray(pixels)


def cropped(image: Image.Image, size: tuple[int, int]) -> Image.Image:
    """The left upper part of an image; itself where that is all of it."""
    return image if image.size == size else image.crop((0, 0, *size))
