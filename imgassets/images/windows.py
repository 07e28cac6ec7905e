"""Where the windows of a tiled image lie, and how much each counts where they overlap.

Who paints in windows (`backends.tiling`) and who looks for what they left behind
(`metrics.tile_shifts`) share this geometry.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from imgassets.documents.upscaler import Tiles


class Span(NamedTuple):
    """Pixels `start` to `stop` (excluded) of one axis."""

    start: int
    stop: int


def spans(length: int, tiles: Tiles) -> list[Span]:
    """Windows along one axis: all of one size, a cell apart; the last is moved to the end."""
    if length <= tiles.size:
        return [Span(0, length)]
    count = math.ceil((length - tiles.overlap) / tiles.cell)
    starts = [min(k * tiles.cell, length - tiles.size) for k in range(count)]
    return [Span(start, start + tiles.size) for start in starts]


def ramps(axis: Sequence[Span]) -> list[np.ndarray]:
    """Weights of each window along one axis: 1, and falling linearly where it meets another."""
    weights = [np.ones(span.stop - span.start) for span in axis]
    for k in range(len(axis) - 1):
        shared = axis[k].stop - axis[k + 1].start
        ramp = (np.arange(shared) + 0.5) / shared
        weights[k][-shared:] *= ramp[::-1]
        weights[k + 1][:shared] *= ramp
    return weights


def shares(length: int, tiles: Tiles) -> np.ndarray:
    """Share of each window in each pixel of one axis: (windows, length), columns sum to 1."""
    axis = spans(length, tiles)
    weights = np.zeros((len(axis), length))
    for row, span, ramp in zip(weights, axis, ramps(axis), strict=True):
        row[span.start : span.stop] = ramp
    return np.asarray(weights / weights.sum(axis=0))
