"""Upscaling: Lanczos is consistent with its source, planted faults are not."""

from __future__ import annotations

import numpy as np
import pytest
from PIL import Image
from skimage.metrics import peak_signal_noise_ratio

from imgassets.documents.metric_catalogue import METRICS, UNMEASURED
from imgassets.documents.upscaler import Tiles
from imgassets.images.pixels import BadImageError
from imgassets.metrics.formulas.upscaling import (
    ENLARGE,
    SHRINK,
    full_reference,
    overshoot,
    resized,
    score,
    sharpness,
    tile_seams,
    y_channel,
)
from imgassets_tests.metrics import image_faults as faults
from imgassets_tests.metrics.test_fidelity import ssim_by_formula

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


@pytest.mark.parametrize("name", TRUTHS)
def test_full_reference_agrees_with_a_second_implementation(name: str) -> None:
    """PSNR and SSIM on cropped Y, by scikit-image and by formula, to 1e-4."""
    psnr, ssim = full_reference(LARGE[name], TRUTHS[name], 2)
    image, truth = (y_channel(x[name])[2:-2, 2:-2] for x in (LARGE, TRUTHS))
    expected = peak_signal_noise_ratio(truth, image, data_range=255)
    assert psnr.value == pytest.approx(expected, abs=1e-4)
    similarity = ssim_by_formula(image, truth)[5:-5, 5:-5].mean()
    assert ssim.value == pytest.approx(similarity, abs=1e-4)
    worse = full_reference(faults.noise(LARGE[name], 20), TRUTHS[name], 2)
    assert worse[0].value < psnr.value
    assert worse[1].value < ssim.value


def test_y_is_the_studio_range_of_bt601() -> None:
    """Black is 16, white 235, and green weighs most; RGB order, not BGR."""
    colors = np.array([[[0, 0, 0], [255, 255, 255], [255, 0, 0], [0, 255, 0]]], np.uint8)
    assert y_channel(colors)[0] == pytest.approx([16, 235, 81.481, 144.553], abs=1e-3)


@pytest.mark.parametrize("name", TRUTHS)
def test_tile_seams_are_found_and_their_absence_too(name: str) -> None:
    """Tiles +-3 levels give a ratio far above 1; noise gives 1."""
    assert tile_seams(faults.noise(LARGE[name], 2), LARGE[name], 48) == pytest.approx(1, abs=0.15)
    assert tile_seams(faults.tile_seams(LARGE[name], 48), LARGE[name], 48) > 20
    assert tile_seams(LARGE[name], LARGE[name], 48) == 1.0
    with pytest.raises(BadImageError, match="no border"):
        tile_seams(LARGE[name], LARGE[name], 128)


def test_names_are_in_the_vocabulary_and_wrong_sizes_are_refused() -> None:
    """Contracts may hold what needs no truth to a limit; a wrong size is refused, not scored."""
    large, source, truth = LARGE["coffee"], SOURCES["coffee"], TRUTHS["coffee"]
    measured = {s.metric for s in score(large, source, 2, TILES)}
    against_truth = {s.metric for s in full_reference(large, truth, 2)}
    known = {m.name for m in METRICS.values() if m.family == "upscaling"}
    assert measured == known - set(UNMEASURED)
    assert against_truth == known & set(UNMEASURED)
    for upscaled, scale in ((large[:-2], 2), (large, 3), (source, 1)):
        with pytest.raises(BadImageError):
            score(upscaled, source, scale)
