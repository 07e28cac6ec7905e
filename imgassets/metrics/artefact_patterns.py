"""Patterns a pipeline leaves in an image, found without any other image to compare with.

Each measure answers one question and says what a harmless image scores. Edges are kept out of the
pattern measures (`EDGE`), so that drawn shapes and letters are not mistaken for a grid. A picture
may rightly be clipped or periodic (a white page, a fence): hold these against the incumbent with a
margin rather than to an absolute bound.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from imgassets.metrics.pixels import BadImageError, Pixels, check_rgb
from imgassets.metrics.scores import Score

#: Steps above this many levels between neighbours are edges of the picture, not of a pattern.
#: Of 40, 20, 12 and 6, 12 told JPEG 75 best from clean photographs and drawn scenes (1.17 and up
#: against 1.07 at most).
EDGE = 12.0
#: Added to numerator and denominator of step ratios, in levels: without any step the ratio is 1.
_QUIET = 0.3
#: Fine detail is clipped to this many levels either way, so that edges do not outweigh a pattern.
_FINE = 10.0
_BANDING_WINDOW = 32
_LEAST_SIDE = 32

Plane = NDArray[np.float32]


def score_patterns(image: Pixels) -> list[Score]:
    """All measures below that need one image, as scores; see each function for its meaning."""
    return [
        Score("artefacts.clipping", clipping(image)),
        Score("artefacts.banding", banding(image)),
        Score("artefacts.blockiness", blockiness(image)),
        Score("artefacts.checkerboard", periodic_amplitude(image, 2)),
        Score("artefacts.tiling", tiling(image)),
    ]


def luma(image: Pixels) -> Plane:
    """BT.601 luma, full range: 0.299 R + 0.587 G + 0.114 B, float32 (H, W), 0..255."""
    weights = np.array([0.299, 0.587, 0.114], np.float32)
    return check_rgb(image).astype(np.float32) @ weights


def clipping(image: Pixels) -> float:
    """Share of pixels with a channel at 0 or at 255; 0..1, lower is better.

    Flat white or black backgrounds count; compare with the incumbent on the same prompts.
    """
    pixels = check_rgb(image)
    return float(((pixels == 0) | (pixels == 255)).any(axis=2).mean())


def blockiness(image: Pixels, block: int = 8) -> float:
    """How much larger the steps across a grid are than the steps between.

    Args:
        image: uint8, (H, W, 3), sRGB; the grid starts at its top left corner.
        block: side of the blocks in pixels: 8 for JPEG, the tile's side for tile seams.

    Returns:
        Mean step across block borders / mean step elsewhere, averaged over both axes, edges left
        out. 1 is none; JPEG at quality 75 gives about 1.2; lower is better, 0 and up.

    Source: the border term of Wang, Sheikh, Bovik (ICIP 2002), as a ratio.
    """
    plane = luma(image)
    if not 2 <= block <= min(plane.shape) // 2:
        raise BadImageError(f"a grid of {block} px needs at least two blocks, got {plane.shape}")
    return float(np.mean([_step_ratio(plane, block), _step_ratio(plane.T, block)]))


def _step_ratio(plane: Plane, block: int) -> float:
    steps = np.abs(np.diff(plane, axis=1))
    border = np.arange(1, plane.shape[1]) % block == 0
    across, between = steps[:, border], steps[:, ~border]
    inside = [part[part <= EDGE] for part in (across, between)]
    means = [float(part.mean()) if part.size else 0.0 for part in inside]
    return (means[0] + _QUIET) / (means[1] + _QUIET)


def banding(image: Pixels) -> float:
    """Share of luma levels a smooth gradient skips.

    Windows of 32 px whose luma varies by 6 to 64 levels, in steps of at most 8 levels and at most a
    third of the variation, are gradients (a soft edge between two colors is not). In each, the
    share of levels between its darkest and brightest that no pixel has.

    Returns:
        Mean over gradients, 0..1, lower is better; 0 where there is no gradient. A smooth 8-bit
        gradient gives 0, one posterized to every fourth level nearly .75.
    """
    plane = np.rint(luma(image))
    side = _BANDING_WINDOW
    windows = (
        plane[top : top + side, left : left + side]
        for top in range(0, plane.shape[0] - side + 1, side)
        for left in range(0, plane.shape[1] - side + 1, side)
    )
    skipped = [1.0 - np.unique(w).size / (np.ptp(w) + 1.0) for w in windows if _is_gradient(w)]
    return float(np.mean(skipped)) if skipped else 0.0


def _is_gradient(window: Plane) -> bool:
    span = float(np.ptp(window))
    step = max(float(np.abs(np.diff(window, axis=axis)).max()) for axis in (0, 1))
    return 6.0 <= span <= 64.0 and step <= min(8.0, span / 3.0)


def periodic_amplitude(image: Pixels, period: int) -> float:
    """RMS amplitude, in levels, of what repeats every `period` pixels along both axes.

    Args:
        image: uint8, (H, W, 3), sRGB.
        period: 2 finds the checkerboard of transposed convolutions, 8 and 16 those of a VAE.

    Returns:
        0 and up, lower is better. The fine detail (luma minus its blur, edges clipped) is averaged
        over all cells of the grid; noise expected in that average is subtracted, so a harmless
        image is near 0 and a checkerboard of +-a gives about a.
    """
    detail = _detail(luma(image))
    rows, columns = (n // period for n in detail.shape)
    if min(rows, columns) < 2:
        raise BadImageError(f"a period of {period} px needs two of them, got {detail.shape}")
    cells = detail[: rows * period, : columns * period]
    cells = cells.reshape(rows, period, columns, period).transpose(0, 2, 1, 3)
    return _common_amplitude(cells.reshape(rows * columns, period, period))


def shared_overlay(images: Sequence[Pixels]) -> float:
    """RMS amplitude, in levels, of what all images share at the same place: a watermark.

    Args:
        images: at least 4, of one size, of different prompts; more make it finer.

    Returns:
        0 and up, lower is better: 0 when the fine detail of the images is unrelated. Scenes that
        always put the object in the middle share that; compare with the incumbent's images.

    Raises:
        BadImageError: fewer than 4 images, or of several sizes.
    """
    planes = [_detail(luma(image)) for image in images]
    if len(planes) < 4 or len({plane.shape for plane in planes}) != 1:
        raise BadImageError("expected at least 4 images of one size to look for an overlay")
    return _common_amplitude(np.stack(planes))


def _common_amplitude(cells: np.ndarray) -> float:
    """RMS of the mean cell, less what independent cells would leave in it by chance."""
    mean = cells.mean(axis=0)
    mean = mean - mean.mean()
    chance = cells.var(axis=0, ddof=1).mean() / cells.shape[0]
    return float(np.sqrt(max(0.0, float((mean**2).mean() - chance))))


def tiling(image: Pixels) -> float:
    """How much an image repeats itself: the highest autocorrelation of its detail at a distance.

    Returns:
        0..1, lower is better: the biased autocorrelation at lags of an eighth of the side and more
        in either axis. A picture made of n x n equal tiles gives about (n - 1) / n; two equal
        objects give up to .5 and are no fault, so hold it against the incumbent.
    """
    detail = _detail(check_least(luma(image)))
    height, width = detail.shape
    spectrum = np.fft.rfft2(detail - detail.mean(), s=(2 * height, 2 * width))
    correlation = np.fft.irfft2(np.abs(spectrum) ** 2, s=(2 * height, 2 * width))
    power = float(correlation[0, 0])
    if power <= 1e-6:
        return 0.0
    near_y, near_x = height // 8, width // 8
    correlation[:near_y, :near_x] = 0.0
    correlation[-near_y:, :near_x] = 0.0
    correlation[:near_y, -near_x:] = 0.0
    correlation[-near_y:, -near_x:] = 0.0
    return float(np.clip(correlation.max() / power, 0.0, 1.0))


def premultiplied(image: NDArray[np.uint8]) -> float:
    """Share of half-transparent pixels whose color is no brighter than their alpha.

    Args:
        image: uint8, (H, W, 4), RGBA.

    Returns:
        0..1, lower is better: 1 when every one is, as in premultiplied pixels passed off as
        straight (dark fringes); 0 when there are no half-transparent pixels.
    """
    if image.dtype != np.uint8 or image.ndim != 3 or image.shape[2] != 4:
        raise BadImageError(f"expected uint8 (H, W, 4), got {image.dtype} {image.shape}")
    alpha = image[..., 3].astype(int)
    half = (alpha > 8) & (alpha < 200)
    if not half.any():
        return 0.0
    return float((image[..., :3].max(axis=2)[half] <= alpha[half] + 2).mean())


def _detail(plane: Plane) -> Plane:
    """What is finer than about 4 px, without edges."""
    from scipy.ndimage import gaussian_filter

    return np.clip(plane - gaussian_filter(plane, 2.0, mode="nearest"), -_FINE, _FINE)


def check_least(plane: Plane) -> Plane:
    """Refuses planes too small to hold a pattern."""
    if min(plane.shape) < _LEAST_SIDE:
        raise BadImageError(f"expected at least {_LEAST_SIDE} px a side, got {plane.shape}")
    return plane
