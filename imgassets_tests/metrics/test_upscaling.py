"""Upscaling: Lanczos is consistent with its source, planted faults are not."""

from __future__ import annotations

import numpy as np
import pytest
from PIL import Image

from imgassets.documents.upscaler import Tiles
from imgassets.images.pixels import BadImageError
from imgassets.metrics.families import METRICS
from imgassets.metrics.formulas.upscaling import (
    ENLARGE,
    SHRINK,
    overshoot,
    resized,
    score,
    sharpness,
    y_channel,
)
from imgassets_tests.metrics import image_faults as faults

TRUTHS = {name: faults.photograph(name, 192) for name in faults.PHOTOGRAPHS}
SOURCES = {name: resized(image, 96, 96, SHRINK) for name, image in TRUTHS.items()}
TILES = Tiles(size=64, overlap=16)
LARGE = {name: resized(image, 192, 192, ENLARGE) for name, image in SOURCES.items()}


def scores(upscaled: np.ndarray, source: np.ndarray, scale: int = 2) -> dict[str, float]:
    """Values by the metric's last name."""
    return {s.metric.split(".")[1]: s.value for s in score(upscaled, source, scale)}


@pytest.mark.parametrize("name", TRUTHS)
def test_lanczos_and_the_truth_are_consistent(name: str) -> None:
    """The truth returns its source exactly, Lanczos nearly; Lanczos has sharpness 1."""
    truth, lanczos = (scores(x[name], SOURCES[name]) for x in (TRUTHS, LARGE))
    assert truth["consistency_psnr"] == 120.0
    assert truth["color_shift"] == pytest.approx(0.0)
    assert truth["sharpness"] > 1.2
    assert lanczos["consistency_psnr"] > 35
    assert lanczos["consistency_ssim"] > 0.97
    assert lanczos["color_shift"] < 1.0
    assert lanczos["sharpness"] == 1.0


@pytest.mark.parametrize("name", TRUTHS)
@pytest.mark.parametrize(
    "fault", ["gamma applied twice", "BGR swap", "half-pixel shift", "one black tile"]
)
def test_an_upscale_of_something_else_is_caught(name: str, fault: str) -> None:
    """Planted into an upscale, each fault lowers the consistency with the source by 5 dB."""
    broken = scores(faults.FAULTS[fault](LARGE[name]), SOURCES[name])
    good = scores(LARGE[name], SOURCES[name])
    assert broken["consistency_psnr"] < good["consistency_psnr"] - 5
    if fault in ("gamma applied twice", "BGR swap"):
        assert broken["color_shift"] > good["color_shift"] + 3


@pytest.mark.parametrize("name", TRUTHS)
def test_halos_overshoot_and_blur_is_not_sharp(name: str) -> None:
    """Oversharpening goes beyond the source's range; bilinear is duller than Lanczos."""
    source = SOURCES[name]
    halo = faults.oversharpened(LARGE[name])
    assert overshoot(halo, source, 2) > 2 * overshoot(LARGE[name], source, 2)
    assert sharpness(halo, source, 2) > 1.5
    soft = resized(source, 192, 192, Image.Resampling.BILINEAR)
    assert sharpness(soft, source, 2) < 0.8
    assert overshoot(soft, source, 2) == pytest.approx(0.0, abs=0.05)


def test_overshoot_by_hand() -> None:
    """An edge from 50 to 200, with 30 levels of halo on every pixel of its bright side."""
    source = np.full((32, 32, 3), 50, np.uint8)
    source[:, 16:] = 200
    exact = source.repeat(2, axis=0).repeat(2, axis=1)
    assert overshoot(exact, source, 2) == 0.0
    halo = exact.copy()
    halo[:, 32:34] = 230
    assert overshoot(halo, source, 2) == pytest.approx(15.0)  # 2 of the 4 columns near the edge
    assert overshoot(np.full_like(exact, 50), np.full_like(source, 50), 2) == 0.0


def test_y_is_the_studio_range_of_bt601() -> None:
    """Black is 16, white 235, and green weighs most; RGB order, not BGR."""
    colors = np.array([[[0, 0, 0], [255, 255, 255], [255, 0, 0], [0, 255, 0]]], np.uint8)
    assert y_channel(colors)[0] == pytest.approx([16, 235, 81.481, 144.553], abs=1e-3)


def test_names_are_in_the_vocabulary_and_wrong_sizes_are_refused() -> None:
    """Contracts may hold all of them to a limit; a wrong size is refused, not scored."""
    large, source = LARGE["coffee"], SOURCES["coffee"]
    measured = {s.metric for s in score(large, source, 2, TILES)}
    known = {m.name for m in METRICS.values() if m.family == "upscaling"}
    assert measured == known
    for upscaled, scale in ((large[:-2], 2), (large, 3), (source, 1)):
        with pytest.raises(BadImageError):
            score(upscaled, source, scale)
