"""Did the windows of a tiled upscaler come out unlike each other? Blending hides no such fault.

Where windows overlap and blend, no step is left to see at their borders, and yet one of them may
be brighter, of another tint, or softer than its neighbours. Which share each window has in each
pixel is known (`images.windows`); what a window did differently shows as that pattern of shares.
"""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

from imgassets.documents.upscaler import Tiles
from imgassets.images.filters import Values, laplacian
from imgassets.images.pixels import Pixels
from imgassets.images.windows import shares
from imgassets.metrics.formulas.artefact_patterns import luma

#: How far grids that are not the upscaler's are moved off it, in shares of a cell, (down, across).
_ELSEWHERE = ((1 / 2, 1 / 2), (1 / 3, 2 / 3), (2 / 3, 1 / 3))
_QUIET_TONE = 0.2  # levels that count as nothing
_QUIET_DETAIL = 0.1  # the same for detail, in powers of two of its energy
_TURNS = 4  # of fitting the windows and what is harmless, each beside the other
_NOISE = 4.0  # energy of detail that nobody sees, levels squared


def tone_shifts(small: Pixels, source: Pixels, tiles: Tiles, scale: int) -> float:
    """Whether windows differ from each other in brightness, contrast or tint.

    Args:
        small: uint8, (H, W, 3), sRGB: the upscaled image made small again.
        source: the same size: what it was made from.
        tiles: windows in pixels of the upscaled image.
        scale: how many times larger that is.

    Returns:
        RMS of what the upscaler's grid explains of the difference of the two / RMS of what grids
        moved off it explain; 0 and up, about 1 without a fault, lower is better.
    """
    plain = source.astype(np.float64)
    difference = cv2.medianBlur((small - plain).astype(np.float32), 5)
    return _grid_ratio(np.asarray(difference), plain, tiles, scale, _QUIET_TONE)


def detail_shifts(
    upscaled: Pixels, baseline: Pixels, source: Pixels, tiles: Tiles, scale: int
) -> float:
    """Whether windows differ from each other in sharpness; bounds as `tone_shifts`."""
    fine = _detail(upscaled, scale) - _detail(baseline, scale)
    return _grid_ratio(fine[..., None], source.astype(np.float64), tiles, scale, _QUIET_DETAIL)


def _detail(image: Pixels, scale: int) -> Values:
    energy = laplacian(luma(image)).astype(np.float64) ** 2
    size = (image.shape[1] // scale, image.shape[0] // scale)
    return np.log2(
        cv2.blur(cv2.resize(energy, size, interpolation=cv2.INTER_AREA), (5, 5)) + _NOISE
    )


def _grid_ratio(
    difference: NDArray[np.floating], source: Values, tiles: Tiles, scale: int, quiet: float
) -> float:
    """Energy along the grid over that along grids moved off it, each beside the other and what
    color and place explain. Symmetric, so about 1 where nothing is tied to the upscaler's grid.
    """
    height, width = difference.shape[:2]
    axes = [shares(n * scale, tiles).reshape(-1, n, scale).mean(axis=2) for n in (height, width)]
    cell, known = tiles.cell / scale, _harmless(source)
    grid = _Grid(axes[0], axes[1])
    left = _left(difference, grid, known)
    ratios = []
    for down, across in _ELSEWHERE:
        moved = _Grid(*(np.roll(axis, round(share * cell), axis=1)
                        for axis, share in zip(axes, (down, across), strict=True)))  # fmt: skip
        here = _energy(grid, _left(difference, moved, known))
        ratios.append((here + quiet**2) / (_energy(moved, left) + quiet**2))
    return float(np.sqrt(np.median(ratios)))


class _Grid:
    """Least squares of an image by what its windows share: one value a window and channel."""

    def __init__(self, rows: Values, columns: Values) -> None:
        # Shares are products of one for the row and one for the column, and so is their fit.
        self.down, self.across = (np.linalg.pinv(axis) @ axis for axis in (rows, columns))

    def fit(self, image: Values) -> Values:
        """Image, (H, W, channels), as far as values of windows explain it."""
        return np.asarray(np.einsum("hi,iwc->hwc", self.down, self._rows(image), optimize=True))

    def _rows(self, image: Values) -> Values:
        return np.asarray(np.einsum("hwc,wj->hjc", image, self.across, optimize=True))


def _energy(grid: _Grid, image: Values) -> float:
    return float((grid.fit(image) ** 2).mean())


def _left(difference: NDArray[np.floating], grid: _Grid, known: Values) -> Values:
    """What neither a grid nor anything harmless explains, fitted by turns until both are."""
    image = difference.astype(np.float64)
    windows = np.zeros_like(image)
    for _ in range(_TURNS):
        flat = (image - windows).reshape(-1, image.shape[2])
        harmless = (known @ (known.T @ flat)).reshape(image.shape)
        windows = grid.fit(image - harmless)
    return image - harmless - windows


def _harmless(source: Values) -> Values:
    """Orthonormal basis, (H * W, functions), of changes that go by a pixel's color and place.

    Gamma, contrast, a swap of channels, a vignette: faults perhaps, but of no window.
    """
    height, width = source.shape[:2]
    y, x = (axis.ravel() for axis in np.mgrid[-1 : 1 : height * 1j, -1 : 1 : width * 1j])
    r, g, b = (channel.ravel() / 127.5 - 1.0 for channel in np.moveaxis(source, -1, 0))
    place = [np.ones_like(x), x, y, x * y, x * x, y * y]
    color = [r, g, b, r * r, g * g, b * b, r * g, g * b, b * r, r**3, g**3, b**3]
    functions = np.stack([*place, *color], axis=1)
    power, turn = np.linalg.eigh(functions.T @ functions)  # 18 x 18: far cheaper than of all pixels
    told = power > 1e-9 * power[-1]
    return np.asarray(functions @ (turn[:, told] / np.sqrt(power[told])))
