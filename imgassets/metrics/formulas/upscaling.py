"""Upscaling: is the large image the small one, made large?

Without a high-resolution truth: the upscaled image, made small again, must be its source; it must
not ring, and should be sharper than Lanczos. With a truth: PSNR and SSIM as BasicSR computes them.

Filters, since they are half of every number: made small with Pillow's `BICUBIC` (antialiased, as
MATLAB's `imresize`), made large for the baseline with Pillow's `LANCZOS`.
"""

from __future__ import annotations

import cv2
import numpy as np
from PIL import Image

from imgassets.documents.upscaler import Tiles
from imgassets.images.filters import Values, laplacian
from imgassets.images.pixels import BadImageError, Pixels, check_pair, check_rgb
from imgassets.metrics.formulas.artefact_patterns import luma
from imgassets.metrics.formulas.fidelity import delta_e, psnr, ssim
from imgassets.metrics.formulas.tile_shifts import detail_shifts, tone_shifts
from imgassets.metrics.scores import Score

SHRINK = Image.Resampling.BICUBIC
ENLARGE = Image.Resampling.LANCZOS


def score(upscaled: Pixels, source: Pixels, scale: int, tiles: Tiles | None = None) -> list[Score]:
    """All measures that need no truth.

    Args:
        upscaled: uint8, (scale * H, scale * W, 3), sRGB.
        source: uint8, (H, W, 3), sRGB, at least 16 px a side.
        scale: 2 and up.
        tiles: the upscaler's windows, in pixels of the upscaled image; None: it has none.

    Returns:
        `upscaling.consistency_psnr` (dB on Y, higher is better), `upscaling.consistency_ssim`
        (-1..1 on Y, higher), `upscaling.color_shift` (mean CIEDE2000, lower),
        `upscaling.overshoot` (levels, lower), `upscaling.sharpness` (ratio to Lanczos, higher),
        and with tiles `upscaling.seams` (ratio, lower; see `seams`).

    Raises:
        BadImageError: not two RGB images whose sizes differ by the scale.
    """
    check_scale(upscaled, source, scale)
    small = resized(upscaled, source.shape[1], source.shape[0], SHRINK)
    scores = [
        Score("upscaling.consistency_psnr", psnr(y_channel(small), y_channel(source))),
        Score("upscaling.consistency_ssim", ssim(y_channel(small), y_channel(source))),
        Score("upscaling.color_shift", float(delta_e(small, source).mean())),
        Score("upscaling.overshoot", overshoot(upscaled, source, scale)),
        Score("upscaling.sharpness", sharpness(upscaled, source, scale)),
    ]
    if tiles is not None:
        scores.append(Score("upscaling.seams", seams(upscaled, source, small, scale, tiles)))
    return scores


def check_scale(upscaled: Pixels, source: Pixels, scale: int) -> None:
    """Refuses images whose sizes do not differ by the scale.

    Raises:
        BadImageError: see above; a wrong size is a failure mode, not a low score.
    """
    large, small = check_rgb(upscaled), check_rgb(source, least=16)
    expected = (small.shape[0] * scale, small.shape[1] * scale)
    if scale < 2 or large.shape[:2] != expected:
        raise BadImageError(f"scale {scale}: expected {expected} pixels, got {large.shape[:2]}")


def y_channel(image: Pixels) -> Values:
    """BT.601 Y of sRGB, studio range: 16 + (65.481 R + 128.553 G + 24.966 B) / 255, not rounded.

    Args:
        image: uint8, (H, W, 3), sRGB. (BasicSR's own code takes BGR.)

    Returns:
        float64 (H, W), 16..235.
    """
    weights = np.array([65.481, 128.553, 24.966]) / 255.0
    return check_rgb(image).astype(np.float64) @ weights + 16.0


def full_reference(upscaled: Pixels, truth: Pixels, scale: int) -> list[Score]:
    """PSNR and SSIM against a high-resolution truth, as BasicSR: on Y, border of `scale` cropped.

    Returns:
        `upscaling.psnr` (dB, higher is better) and `upscaling.ssim` (-1..1, higher).

    Agreement: PSNR equals scikit-image's on the cropped Y, SSIM the formula in numpy, to 1e-4.
    """
    upscaled, truth = check_pair(upscaled, truth, least=2 * scale + 16)
    inside = slice(scale, -scale)
    image, reference = (y_channel(x)[inside, inside] for x in (upscaled, truth))
    return [
        Score("upscaling.psnr", psnr(image, reference)),
        Score("upscaling.ssim", ssim(image, reference)),
    ]


def overshoot(upscaled: Pixels, source: Pixels, scale: int) -> float:
    """Ringing and halos: how far edges go beyond anything near them in the source.

    Returns:
        Mean, over pixels near an edge (3 x 3 source pixels that differ by more than 20 levels), of
        the luma above their brightest or below their darkest; levels, 0 and up, lower is better.
        0 where there is no edge.
    """
    check_scale(upscaled, source, scale)
    small, large = luma(source), luma(upscaled)
    square = np.ones((3, 3), np.uint8)
    high, low = (_blown_up(around(small, square), scale) for around in (cv2.dilate, cv2.erode))
    edge = high - low > 20.0
    if not edge.any():
        return 0.0
    beyond = np.maximum(0.0, np.maximum(large - high, low - large))
    return float(beyond[edge].mean())


def sharpness(upscaled: Pixels, source: Pixels, scale: int) -> float:
    """Energy of the Laplacian / that of the source enlarged by Lanczos; 1 is Lanczos, higher is
    sharper. Noise and ringing are sharp too: read it beside consistency and overshoot.
    """
    check_scale(upscaled, source, scale)
    baseline = resized(source, upscaled.shape[1], upscaled.shape[0], ENLARGE)
    energies = [float((laplacian(luma(x)) ** 2).mean()) + 1e-3 for x in (upscaled, baseline)]
    return energies[0] / energies[1]


def seams(upscaled: Pixels, source: Pixels, small: Pixels, scale: int, tiles: Tiles) -> float:
    """Whether the windows of a tiled upscaler show, blended as they are.

    Args:
        upscaled: uint8, (scale * H, scale * W, 3).
        source: uint8, (H, W, 3).
        small: the upscaled image made small again, of the source's size.
        scale: how many times larger.
        tiles: windows in pixels of the upscaled image.

    Returns:
        The larger of: brightness, contrast and tint (`tone_shifts`), and sharpness
        (`detail_shifts`). 0 and up, about 1 without a fault, lower is better. Steps are not looked
        for: our windows overlap and blend, so that a fault of theirs has none.
    """
    baseline = resized(source, upscaled.shape[1], upscaled.shape[0], ENLARGE)
    return max(
        tone_shifts(small, source, tiles, scale),
        detail_shifts(upscaled, baseline, source, tiles, scale),
    )


def tile_seams(image: Pixels, reference: Pixels, tile: int) -> float:
    """Whether the difference of two images steps at the borders of tiles laid without overlap.

    Args:
        image: uint8, (H, W, 3): the image made in tiles.
        reference: the same made in one piece, or the source enlarged by Lanczos.
        tile: side of the tiles in pixels of the image, at most half its side.

    Returns:
        Mean step of the difference's luma across tile borders / mean step elsewhere; 0 and up,
        about 1 without seams, lower is better.
    """
    image, reference = check_pair(image, reference)
    if not 2 <= tile <= min(image.shape[:2]) // 2:
        raise BadImageError(f"tiles of {tile} px leave no border in {image.shape[:2]}")
    difference = luma(image) - luma(reference)
    ratios = []
    for plane in (difference, difference.T):
        steps = np.abs(np.diff(plane, axis=1))
        border = np.arange(1, plane.shape[1]) % tile == 0
        ratios.append((steps[:, border].mean() + 0.01) / (steps[:, ~border].mean() + 0.01))
    return float(np.mean(ratios))


def resized(image: Pixels, width: int, height: int, how: Image.Resampling) -> Pixels:
    """Pillow's resize, which widens its filter when it makes images smaller."""
    return np.asarray(Image.fromarray(image).resize((width, height), how), np.uint8)


def _blown_up(plane: np.ndarray, scale: int) -> np.ndarray:
    """Each pixel as a square of pixels."""
    size = (plane.shape[1] * scale, plane.shape[0] * scale)
    return cv2.resize(plane, size, interpolation=cv2.INTER_NEAREST)
