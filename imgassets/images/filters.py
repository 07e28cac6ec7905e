"""Filters, colors and sums that several families need, as fast as one core allows.

Filters are OpenCV's; colors are worked on block by block. These metrics see every image of a swap,
and at 1024 px SciPy's filters, scikit-image's colors and whole-image temporaries took most of the
time. Each agrees with the plain SciPy or scikit-image call to rounding
(`imgassets_tests/images/test_filters.py`).
"""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

from imgassets.images.pixels import Pixels

Values = NDArray[np.float64]

#: Pixels worked on at once where a formula needs many temporaries: they stay in the cache.
BLOCK = 1 << 12


def blurred(plane: np.ndarray, sigma: float, radius: int, border: int) -> Values:
    """Gaussian blur in double precision.

    Args:
        plane: float32 or float64, (H, W).
        sigma: standard deviation, px.
        radius: half the window's side without its middle; weights outside are left out and the
            rest sums to 1, as in `scipy.ndimage.gaussian_filter` with `truncate = radius / sigma`.
        border: `cv2.BORDER_REFLECT` (SciPy's `reflect`) or `cv2.BORDER_REPLICATE` (`nearest`).
    """
    kernel = cv2.getGaussianKernel(2 * radius + 1, sigma, cv2.CV_64F)
    return np.asarray(cv2.sepFilter2D(plane, cv2.CV_64F, kernel, kernel, borderType=border))


def laplacian(plane: NDArray[np.float32]) -> NDArray[np.float32]:
    """Sum of the second differences along both axes, reflected at borders: SciPy's `laplace`."""
    filtered = cv2.Laplacian(plane, cv2.CV_32F, ksize=1, borderType=cv2.BORDER_REFLECT)
    return np.asarray(filtered, np.float32)


def grown(mask: NDArray[np.bool_], width: int) -> NDArray[np.bool_]:
    """A mask and all within `width` px of it (square neighbourhood)."""
    square = np.ones((2 * width + 1, 2 * width + 1), np.uint8)
    return np.asarray(cv2.dilate(mask.view(np.uint8), square), np.uint8).view(np.bool_)


def largest_difference(image: Pixels, reference: Pixels) -> NDArray[np.uint8]:
    """Absolute difference of the channel that differs most, (H, W), levels 0..255."""
    red, green, blue = cv2.split(cv2.absdiff(image, reference))
    return np.asarray(cv2.max(cv2.max(red, green), blue), np.uint8)


def lab(pixels: Pixels) -> Values:
    """CIELAB (D65, 2 degrees) of sRGB, float64 of the same shape.

    Args:
        pixels: uint8, (..., 3), sRGB, 0..255.

    Agreement: scikit-image's `rgb2lab` to 1e-9.
    """
    flat = pixels.reshape(-1, 3)
    out = np.empty(flat.shape, np.float64)
    for start in range(0, len(flat), BLOCK):
        xyz = np.take(_LINEAR, flat[start : start + BLOCK]) @ _TO_XYZ
        bent = np.where(xyz > 0.008856, np.cbrt(xyz), 7.787 * xyz + 16.0 / 116.0)
        out[start : start + BLOCK] = bent @ _TO_LAB
    out[:, 0] -= 16.0
    return out.reshape(pixels.shape)


def ciede2000(one: Values, two: Values) -> Values:
    """Color difference of two arrays of CIELAB colors, (..., 3) to (...); 0 and up.

    Source: Sharma, Wu and Dalal (2005), equations 2 to 22, all weights 1. Agreement: their
    published pairs to 1e-4, scikit-image's `deltaE_ciede2000` to 1e-9.
    """
    first, second = one.reshape(-1, 3), two.reshape(-1, 3)
    out = np.empty(len(first), np.float64)
    for start in range(0, len(first), BLOCK):
        part = slice(start, start + BLOCK)
        out[part] = _ciede2000(first[part].T, second[part].T)
    return out.reshape(one.shape[:-1])


def _ciede2000(one: Values, two: Values) -> Values:
    """As `ciede2000`, (3, N) each; the names are the paper's."""
    (l1, a1, b1), (l2, a2, b2) = one, two
    stretch = 1.5 - 0.5 * _chroma_rate(0.5 * (_length(a1, b1) + _length(a2, b2)))
    a1, a2 = stretch * a1, stretch * a2
    c1, c2 = _length(a1, b1), _length(a2, b2)
    h1, h2 = _hue(a1, b1), _hue(a2, b2)
    c, h, l_ = 0.5 * (c1 + c2), _mean_hue(h1, h2, c1 * c2), (0.5 * (l1 + l2) - 50.0) ** 2
    between = np.sin(0.5 * (h2 - h1))  # its sign is wrong where the shorter way passes 0
    between = np.where(np.abs(h2 - h1) > np.pi, -between, between)
    hue = 2.0 * np.sqrt(c1 * c2) * between / (1.0 + 0.015 * c * _t(h))
    chroma = (c2 - c1) / (1.0 + 0.045 * c)
    light = (l2 - l1) / (1.0 + 0.015 * l_ / np.sqrt(20.0 + l_))
    turn = np.deg2rad(60.0) * np.exp(-(((np.rad2deg(h) - 275.0) / 25.0) ** 2))
    mixed = -2.0 * np.sin(turn) * _chroma_rate(c) * chroma * hue
    return np.sqrt(np.maximum(0.0, light * light + chroma * chroma + hue * hue + mixed))


def _length(a: Values, b: Values) -> Values:
    return np.sqrt(a * a + b * b)


def _chroma_rate(chroma: Values) -> Values:
    third = chroma * chroma * chroma
    seventh = third * third * chroma  # a power costs ten times as much
    return np.sqrt(seventh / (seventh + 25.0**7))


def _hue(a: Values, b: Values) -> Values:
    """Angle, 0..2 pi; 0 for grays."""
    angle = np.arctan2(b, a)
    return np.where(angle < 0.0, angle + _TURN, angle)


def _mean_hue(h1: Values, h2: Values, chromas: Values) -> Values:
    """Middle of the shorter way between two hues; that of the other color where one is gray."""
    total = h1 + h2
    across = np.where(total < _TURN, np.pi, -np.pi)
    middle = 0.5 * total + np.where(np.abs(h2 - h1) > np.pi, across, 0.0)
    return np.where(chromas == 0.0, total, middle)


def _t(hue: Values) -> Values:
    """Equation 15, with the cosines of multiples of the hue from those of the hue itself."""
    c, s = np.cos(hue), np.sin(hue)
    c2, s2 = 2.0 * c * c - 1.0, 2.0 * s * c
    c3, s3 = c * c2 - s * s2, s * c2 + c * s2
    c4, s4 = 2.0 * c2 * c2 - 1.0, 2.0 * s2 * c2
    (ca, sa), (cb, sb), (cd, sd) = ((np.cos(x), np.sin(x)) for x in np.deg2rad([30.0, 6.0, 63.0]))
    return (
        1.0 - 0.17 * (c * ca + s * sa) + 0.24 * c2 + 0.32 * (c3 * cb - s3 * sb)
        - 0.20 * (c4 * cd + s4 * sd)
    )  # fmt: skip


def _linear_light() -> Values:
    """Linear light of each of the 256 levels of sRGB (IEC 61966-2-1)."""
    level = np.arange(256) / 255.0
    return np.where(level > 0.04045, ((level + 0.055) / 1.055) ** 2.4, level / 12.92)


_TURN = 2.0 * np.pi
_LINEAR = _linear_light()
#: Linear RGB to XYZ over the white point D65, and cube roots of that to L + 16, a, b; rows in.
_TO_XYZ = (
    np.array([[0.412453, 0.35758, 0.180423], [0.212671, 0.71516, 0.072169],
              [0.019334, 0.119193, 0.950227]]).T / np.array([0.95047, 1.0, 1.08883])
)  # fmt: skip
_TO_LAB = np.array([[0.0, 500.0, 0.0], [116.0, -500.0, 200.0], [0.0, 0.0, -200.0]])
