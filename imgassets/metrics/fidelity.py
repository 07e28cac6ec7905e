"""PSNR and SSIM, once for all families, with every convention written down.

Both depend on choices papers leave out. Here: data range 255; SSIM with the Gaussian window of the
original paper (11 x 11, sigma 1.5, population covariance); identical images have `IDENTICAL_DB`,
because infinity cannot be averaged.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

#: What a PSNR of identical images is called, in dB. One wrong level in a megapixel is 108 dB.
IDENTICAL_DB = 120.0
#: Half the side of SSIM's window: pixels nearer to a border see beyond it.
SSIM_RADIUS = 5

Values = NDArray[np.float64]


def psnr(image: np.ndarray, reference: np.ndarray, where: NDArray[np.bool_] | None = None) -> float:
    """Peak signal to noise ratio.

    Args:
        image, reference: (H, W) or (H, W, C), any numeric type, 0..255.
        where: bool (H, W), pixels that count; None is all.

    Returns:
        `10 log10(255^2 / MSE)` in dB, at most `IDENTICAL_DB`; higher is better.

    Agreement: scikit-image's `peak_signal_noise_ratio` to 1e-4.
    """
    error = (image.astype(np.float64) - reference.astype(np.float64)) ** 2
    mse = float(error.mean() if where is None else error[where].mean())
    if mse == 0.0:
        return IDENTICAL_DB
    return min(IDENTICAL_DB, float(10.0 * np.log10(255.0**2 / mse)))


def ssim_map(image: np.ndarray, reference: np.ndarray) -> Values:
    """SSIM around each pixel, -1..1, 1 is equal, higher is better.

    Args:
        image, reference: (H, W), 0..255, at least 11 px a side.

    Source: Wang et al. (2004), as scikit-image has it. Agreement: its formula written in numpy over
    a Gaussian filter, to 1e-4, `SSIM_RADIUS` px and more from the border.
    """
    from skimage.metrics import structural_similarity

    _, similarity = structural_similarity(
        reference.astype(np.float64), image.astype(np.float64), data_range=255.0,
        gaussian_weights=True, sigma=1.5, use_sample_covariance=False, full=True,
    )  # fmt: skip
    return np.asarray(similarity, np.float64)


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
    from skimage.color import deltaE_ciede2000, rgb2lab

    return np.asarray(deltaE_ciede2000(rgb2lab(reference), rgb2lab(image)), np.float64)
