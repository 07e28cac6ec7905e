"""Images in overlapping windows, blended so that no border shows."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence

import numpy as np
from PIL import Image

from imgassets.documents.upscaler import Tiles
from imgassets.images.encoding import quantize
from imgassets.images.windows import Span, ramps, spans

#: Paints windows, each `scale` times larger than it came.
Paint = Callable[[Sequence[Image.Image]], Iterable[Image.Image]]


def in_tiles(image: Image.Image, tiles: Tiles, scale: int, paint: Paint) -> Image.Image:
    """The image painted window by window.

    Args:
        image: mode RGB.
        tiles: windows in pixels of `image`.
        scale: how many times larger `paint` makes a window.
        paint: gets all windows at once, row by row.

    Returns:
        Mode RGB, `scale` times larger. Where windows overlap, a weighted mean of them; windows
        that agree leave it as it is.
    """
    columns, rows = spans(image.width, tiles), spans(image.height, tiles)
    boxes = [(c.start, r.start, c.stop, r.stop) for r in rows for c in columns]
    painted = paint([image.crop(box) for box in boxes])
    large = [_larger(axis, scale) for axis in (rows, columns)]
    total = np.zeros((image.height * scale, image.width * scale, 3))
    weight = np.zeros((*total.shape[:2], 1))
    places = [(r, c) for r in _weighted(large[0]) for c in _weighted(large[1])]
    for ((row, down), (column, across)), window in zip(places, painted, strict=True):
        share = np.outer(down, across)[..., None]
        here = np.s_[row.start : row.stop, column.start : column.stop]
        total[here] += share * np.asarray(window.convert("RGB"), np.float64)
        weight[here] += share
    return quantize(total / weight / 255.0)


def _larger(axis: Sequence[Span], scale: int) -> list[Span]:
    return [Span(span.start * scale, span.stop * scale) for span in axis]


def _weighted(axis: Sequence[Span]) -> list[tuple[Span, np.ndarray]]:
    return list(zip(axis, ramps(axis), strict=True))
