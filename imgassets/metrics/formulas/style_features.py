"""Style: simple features of one image, to be held against the incumbent's on the same prompts.

Two models draw different pictures of one prompt, so pixels cannot be compared. Simple features can:
lightness, color, contrast, sharpness, fine noise. A shift of one of them over a whole prompt set is
a style change nobody asked for, or a broken color pipeline.
"""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

from imgassets.images.filters import lab, laplacian
from imgassets.images.pixels import Pixels, check_rgb
from imgassets.metrics.formulas.artefact_patterns import luma

FEATURES = ("lightness", "green_red", "blue_yellow", "chroma", "contrast", "sharpness", "noise")


def features(image: Pixels) -> NDArray[np.float64]:
    """The features of one image.

    Args:
        image: uint8, (H, W, 3), sRGB, at least 8 px a side.

    Returns:
        float64 (7,), in the order of `FEATURES`: mean CIELAB L* (0..100), a*, b* and chroma;
        standard deviation of luma (levels); log10 of the mean squared Laplacian of luma + 1;
        noise, the median absolute Laplacian (levels), which edges hardly move. No direction.
    """
    colors = lab(check_rgb(image, least=8))
    green_red, blue_yellow = colors[..., 1], colors[..., 2]
    plane = luma(image)
    detail = laplacian(plane)
    return np.array(
        [
            *cv2.mean(colors)[:3],
            np.sqrt(green_red * green_red + blue_yellow * blue_yellow).mean(),
            plane.std(),
            np.log10((detail**2).mean() + 1.0),
            np.median(np.abs(detail)),
        ],
        np.float64,
    )
