"""PSNR and SSIM, once for all families, with every convention written down.

Both depend on choices papers leave out. Here: data range 255; SSIM with the Gaussian window of the
original paper (11 x 11, sigma 1.5, population covariance); identical images have `IDENTICAL_DB`,
because infinity cannot be averaged.
"""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

from imgassets.images.filters import BLOCK, Values, blurred, ciede2000, lab

#: What a PSNR of identical images is called, in dB. One wrong level in a megapixel is 108 dB.
IDENTICAL_DB = 120.0
#: Half the side of SSIM's window: pixels nearer to a border see beyond it.
SSIM_RADIUS = 5

_SIGMA = 1.5
_C1, _C2 = (0.01 * 255.0) ** 2, (0.03 * 255.0) ** 2


def psnr(image: np.ndarray, reference: np.ndarray, where: NDArray[np.bool_] | None = None) -> float:
    """Peak signal to noise ratio.

    Args:
        image, reference: (H, W) or (H, W, C), any numeric type, 0..255.
        where: bool (H, W), pixels that count; None is all.

    Returns:
        `10 log10(255^2 / MSE)` in dB, at most `IDENTICAL_DB`; higher is better.

    Agreement: scikit-image's `peak_signal_noise_ratio` to 1e-4.
    """
    mse = _mean_square(image, reference, where)
    if mse == 0.0:
        return IDENTICAL_DB
    return min(IDENTICAL_DB, float(10.0 * np.log10(255.0**2 / mse)))


def _mean_square(
    image: np.ndarray, reference: np.ndarray, where: NDArray[np.bool_] | None
) -> float:
    if image.dtype == reference.dtype == np.uint8:  # OpenCV sums 8 bits exactly and 20 times faster
        counted = None if where is None else where.view(np.uint8)
        pixels = image.shape[0] * image.shape[1] if where is None else np.count_nonzero(where)
        channels = image.shape[2] if image.ndim == 3 else 1
        return float(cv2.norm(image, reference, cv2.NORM_L2SQR, counted)) / (pixels * channels)
    error = (image.astype(np.float64) - reference.astype(np.float64)) ** 2
    return float(error.mean() if where is None else error[where].mean())


def ssim_map(image: np.ndarray, reference: np.ndarray) -> Values:
    """SSIM around each pixel, -1..1, 1 is equal, higher is better.

    Args:
        image, reference: (H, W), 0..255, at least 11 px a side.

    Source: Wang et al. (2004), equation 13, over OpenCV's Gaussian in double precision, which is
    several times as fast as scikit-image. Agreement: scikit-image's `structural_similarity` with
    the settings above, and the formula in numpy over SciPy's Gaussian, to 1e-4 (seen: 1e-9).
    """
    height, width = image.shape
    out = np.empty((height, width), np.float64)
    rows = max(4 * SSIM_RADIUS, 16 * BLOCK // width)
    for top in range(0, height, rows):
        seen = slice(max(0, top - SSIM_RADIUS), top + rows + SSIM_RADIUS)
        found = _ssim_map(image[seen].astype(np.float64), reference[seen].astype(np.float64))
        out[top : top + rows] = found[top - seen.start :][:rows]
    return out


def _ssim_map(x: Values, y: Values) -> Values:
    mean_x, mean_y, squares, products = (_window_mean(v) for v in (x, y, x * x + y * y, x * y))
    mean_xy = mean_x * mean_y
    np.multiply(mean_x, mean_x, out=mean_x)
    mean_x += np.multiply(mean_y, mean_y, out=mean_y)
    squares -= mean_x  # sum of both variances
    products -= mean_xy  # covariance
    above = (2.0 * mean_xy + _C1) * (2.0 * products + _C2)
    above /= (mean_x + _C1) * (squares + _C2)
    return above


def _window_mean(values: Values) -> Values:
    return blurred(values, _SIGMA, SSIM_RADIUS, cv2.BORDER_REFLECT)


def ssim(image: np.ndarray, reference: np.ndarray) -> float:
    """Mean SSIM over pixels whose whole window lies inside, as the original code and BasicSR."""
    inside = slice(SSIM_RADIUS, -SSIM_RADIUS)
    return float(ssim_map(image, reference)[inside, inside].mean())


def delta_e(image: np.ndarray, reference: np.ndarray) -> Values:
    """CIEDE2000 of each pixel; 0 is equal, about 1 is just visible, lower is better.

    Args:
        image, reference: uint8, (H, W, 3), sRGB.

    Agreement: Sharma, Wu and Dalal's published pair to 1e-4.
    """
    return ciede2000(lab(reference), lab(image))
