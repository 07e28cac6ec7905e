"""Windows: they cover the image, agree where they agree, and blend where they do not."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from imgassets.backends.tiling import in_tiles, ramps, spans
from imgassets.documents.upscaler import Tiles
from imgassets.metrics.formulas.upscaling import tile_seams
from imgassets_tests.metrics import image_faults as faults

TILES = Tiles(size=64, overlap=16)


@given(
    length=st.integers(1, 2000),
    size=st.integers(4, 40).map(lambda n: 8 * n),
    share=st.floats(0.05, 0.5),
)
def test_windows_cover_everything(length: int, size: int, share: float) -> None:
    """Every pixel has a window and a weight; windows have one size; neighbours share enough."""
    overlap = max(8, int(size * share) // 8 * 8)
    if 2 * overlap > size:
        return
    axis = spans(length, Tiles(size=size, overlap=overlap))
    assert axis[0].start == 0
    assert axis[-1].stop == length
    assert {s.stop - s.start for s in axis} == {min(size, length)}
    assert all(a.stop - b.start >= overlap for a, b in pairwise(axis))
    total = np.zeros(length)
    for span, weight in zip(axis, ramps(axis), strict=True):
        total[span.start : span.stop] += weight
    assert total.min() > 0


@pytest.mark.parametrize("size", [(112, 160), (64, 64), (100, 131), (40, 200)])
def test_windows_that_agree_leave_the_image_as_it_is(size: tuple[int, int]) -> None:
    image = Image.effect_noise(size, 60).convert("RGB")
    same = in_tiles(image, TILES, 1, lambda windows: windows)
    assert np.array_equal(np.asarray(same), np.asarray(image))
    large = in_tiles(image, TILES, 2, lambda windows: [_doubled(w) for w in windows])
    assert np.array_equal(np.asarray(large), np.asarray(_doubled(image)))


def test_a_step_between_windows_is_blended_away() -> None:
    """Windows that differ by 12 levels: hard cuts show in the product's own metric, blends not."""
    picture = faults.photograph("coffee", 288).astype(float) * 0.9
    image = Image.fromarray(picture.astype(np.uint8))  # 12 levels more clip nothing

    def uneven(windows: Sequence[Image.Image]) -> list[Image.Image]:
        return [_brighter(w, 12 * (k % 2)) for k, w in enumerate(windows)]

    tiles = Tiles(size=96, overlap=32)
    blended = np.asarray(in_tiles(image, tiles, 1, uneven))
    cut = np.asarray(_pasted(image, tiles, uneven))
    reference = np.asarray(image)
    assert tile_seams(cut, reference, tiles.cell) > 20
    assert tile_seams(blended, reference, tiles.cell) < 1.0


def _doubled(image: Image.Image) -> Image.Image:
    return image.resize((2 * image.width, 2 * image.height), Image.Resampling.NEAREST)


def _brighter(image: Image.Image, levels: int) -> Image.Image:
    return image.point(lambda value: value + levels)


def _pasted(
    image: Image.Image, tiles: Tiles, paint: Callable[[Sequence[Image.Image]], list[Image.Image]]
) -> Image.Image:
    """As `in_tiles` without blending: each window covers its neighbours."""
    boxes = [
        (c.start, r.start, c.stop, r.stop)
        for r in spans(image.height, tiles)
        for c in spans(image.width, tiles)
    ]
    result = image.copy()
    for box, window in zip(boxes, paint([image.crop(b) for b in boxes]), strict=True):
        result.paste(window, box)
    return result
