"""Patterns a pipeline leaves in an image, found without any other image to compare with.

Each measure answers one question and says what a harmless image scores. Edges are kept out of the
pattern measures (`EDGE`), so that drawn shapes and letters are not mistaken for a grid. A picture
may rightly be clipped or periodic (a white page, a fence): hold these against the incumbent with a
margin rather than to an absolute bound.
"""

from __future__ import annotations

from collections.abc import Sequence

import cv2
import numpy as np
from numpy.typing import NDArray

from imgassets.images.filters import blurred
from imgassets.images.pixels import BadImageError, Pixels, check_rgb
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
    plane = check_least(luma(image))
    detail = _detail(plane)  # shared, as it costs more than what looks at it
    return [
        Score("artefacts.clipping", clipping(image)),
        Score("artefacts.banding", _banding(plane)),
        Score("artefacts.blockiness", _blockiness(plane, 8)),
        Score("artefacts.checkerboard", _periodic(detail, 2)),
        Score("artefacts.tiling", _repetition(detail)),
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
    between = cv2.inRange(pixels, np.full(3, 1.0), np.full(3, 254.0))
    return 1.0 - cv2.countNonZero(between) / (pixels.shape[0] * pixels.shape[1])


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
    return _blockiness(luma(image), block)


def _blockiness(plane: Plane, block: int) -> float:
    if not 2 <= block <= min(plane.shape) // 2:
        raise BadImageError(f"a grid of {block} px needs at least two blocks, got {plane.shape}")
    across = cv2.absdiff(plane[:, 1:], plane[:, :-1]), cv2.absdiff(plane[1:], plane[:-1])
    return float(np.mean([_step_ratio(s, axis, block) for axis, s in enumerate(across)]))


def _step_ratio(steps: np.ndarray, reduced: int, block: int) -> float:
    """Steps across borders / steps elsewhere, of which those above `EDGE` are left out."""
    sums, counts = (
        np.ravel(cv2.reduce(cv2.threshold(steps, EDGE, 1.0, how)[1], reduced, cv2.REDUCE_SUM,
                            dtype=cv2.CV_64F))
        for how in (cv2.THRESH_TOZERO_INV, cv2.THRESH_BINARY_INV)
    )  # fmt: skip
    border = np.arange(1, len(sums) + 1) % block == 0
    means = [float(sums[of].sum() / max(1.0, counts[of].sum())) for of in (border, ~border)]
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
    return _banding(luma(image))


def _banding(plane: Plane) -> float:
    plane = np.rint(plane)
    side = _BANDING_WINDOW
    rows, columns = (n // side for n in plane.shape)
    cells = plane[: rows * side, : columns * side].reshape(rows, side, columns, side)
    windows = cells.transpose(0, 2, 1, 3).reshape(-1, side, side)
    skipped = [1.0 - np.unique(w).size / (np.ptp(w) + 1.0) for w in windows[_gradients(windows)]]
    return float(np.mean(skipped)) if skipped else 0.0


def _gradients(windows: Plane) -> NDArray[np.bool_]:
    """Which windows, (N, side, side), are gradients."""
    span = np.ptp(windows, axis=(1, 2))
    likely = (span >= 6.0) & (span <= 64.0)
    steps = [np.abs(np.diff(windows[likely], axis=axis)).max(axis=(1, 2)) for axis in (1, 2)]
    likely[likely] = np.maximum(*steps) <= np.minimum(8.0, span[likely] / 3.0)
    return likely


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
    return _periodic(_detail(luma(image)), period)


def _periodic(detail: Plane, period: int) -> float:
    rows, columns = (n // period for n in detail.shape)
    if min(rows, columns) < 2:
        raise BadImageError(f"a period of {period} px needs two of them, got {detail.shape}")
    whole = detail[: rows * period, : columns * period]
    places = [whole[i::period, j::period] for i in range(period) for j in range(period)]
    return _amplitude(
        np.array([place.mean(dtype=np.float64) for place in places]),
        np.array([place.var(dtype=np.float64) for place in places]) / (rows * columns - 1.0),
    )


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
    return _amplitude(cells.mean(axis=0), cells.var(axis=0, ddof=1) / cells.shape[0])


def _amplitude(means: np.ndarray, chances: np.ndarray) -> float:
    """From the mean of each place of a cell, and the variance that mean has by chance."""
    power = float(((means - means.mean()) ** 2).mean() - chances.mean())
    return float(np.sqrt(max(0.0, power)))


def tiling(image: Pixels) -> float:
    """How much an image repeats itself: the highest autocorrelation of its detail at a distance.

    Returns:
        0..1, lower is better: the biased autocorrelation at lags of an eighth of the side and more
        in either axis. A picture made of n x n equal tiles gives about (n - 1) / n; two equal
        objects give up to .5 and are no fault, so hold it against the incumbent.
    """
    return _repetition(_detail(check_least(luma(image))))


def _repetition(detail: Plane) -> float:
    correlation = _autocorrelation(detail)
    power = float(correlation[0, 0])
    if power <= 1e-6:
        return 0.0
    near_y, near_x = (n // 8 for n in detail.shape)
    correlation[:near_y, :near_x] = 0.0
    correlation[:near_y, -near_x:] = 0.0
    return float(np.clip(correlation.max() / power, 0.0, 1.0))


def _autocorrelation(detail: Plane) -> Plane:
    """Biased, at lags of 0 and more down and all across (negative ones last); lags up mirror it.

    Axis by axis, so that rows of padding are never transformed: half the work of `rfft2`.
    """
    from scipy.fft import fft, irfft, rfft

    height, width = detail.shape
    across = rfft(detail - detail.mean(), 2 * width, axis=1)
    spectrum = fft(across, 2 * height, axis=0, overwrite_x=True)
    power = spectrum.real**2 + spectrum.imag**2
    down = rfft(power, axis=0, norm="forward").conj()  # the inverse, as the power is real
    return np.asarray(irfft(down, 2 * width, axis=1), np.float32)


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
    smooth = blurred(plane, 2.0, 8, cv2.BORDER_REPLICATE).astype(np.float32)
    return np.clip(plane - smooth, -_FINE, _FINE)


def check_least(plane: Plane) -> Plane:
    """Refuses planes too small to hold a pattern."""
    if min(plane.shape) < _LEAST_SIDE:
        raise BadImageError(f"expected at least {_LEAST_SIDE} px a side, got {plane.shape}")
    return plane
