"""Patterns: near their harmless value on photographs and drawn scenes, far from it when planted."""

from __future__ import annotations

import random

import numpy as np
import pytest

from imgassets.documents.metric_catalogue import METRICS
from imgassets.images.pixels import BadImageError
from imgassets.metrics.formulas.artefact_patterns import (
    banding,
    blockiness,
    clipping,
    luma,
    periodic_amplitude,
    premultiplied,
    score_patterns,
    shared_overlay,
    tiling,
)
from imgassets.tiny.scenes import sample_scene
from imgassets_tests.metrics import image_faults as faults

PHOTOGRAPHS = [faults.photograph(name) for name in faults.PHOTOGRAPHS]
SCENES = [np.asarray(sample_scene(random.Random(seed)).render()) for seed in range(12)]


def flat(level: int = 128, side: int = 64) -> np.ndarray:
    """One color."""
    return np.full((side, side, 3), level, np.uint8)


@pytest.mark.parametrize("image", [*PHOTOGRAPHS, *SCENES, flat()])
def test_harmless_images_score_near_the_harmless_value(image: np.ndarray) -> None:
    """No photograph and no drawn scene looks like a pattern."""
    assert blockiness(image) < 1.1
    assert periodic_amplitude(image, 2) < 0.2
    assert banding(image) < 0.3
    assert tiling(image) < 0.6


@pytest.mark.parametrize("image", PHOTOGRAPHS)
def test_planted_patterns_are_caught(image: np.ndarray) -> None:
    """JPEG blocks, a checkerboard and copied tiles move their own measure."""
    assert blockiness(faults.jpeg(image)) > 1.15
    assert periodic_amplitude(faults.checkerboard(image, 3.0), 2) > 1.5
    assert tiling(np.tile(image[:64, :64], (4, 4, 1))) > 0.55
    assert tiling(np.tile(image[:64, :64], (4, 4, 1))) > 3 * tiling(image)
    assert clipping(faults.quantized((image - 128.0) * 3 + 128)) > clipping(image) + 0.1


def test_stronger_jpeg_compression_is_blockier() -> None:
    """Monotone in the strength of the fault."""
    values = [blockiness(faults.jpeg(PHOTOGRAPHS[0], quality)) for quality in (95, 75, 40, 15)]
    assert values == sorted(values)


def test_blockiness_agrees_with_plain_loops() -> None:
    """A second, slow implementation gives the same ratio to 1e-4."""
    plane = luma(PHOTOGRAPHS[1][:40, :48])
    ratios = []
    for grid in (plane, plane.T):
        across, between = [], []
        for row in grid:
            for column in range(1, len(row)):
                step = abs(float(row[column]) - float(row[column - 1]))
                if step <= 12.0:
                    (across if column % 8 == 0 else between).append(step)
        ratios.append((np.mean(across) + 0.3) / (np.mean(between) + 0.3))
    assert blockiness(PHOTOGRAPHS[1][:40, :48]) == pytest.approx(np.mean(ratios), abs=1e-4)


def test_luma_agrees_with_pillow() -> None:
    """BT.601, as Pillow converts to L, within its rounding."""
    from PIL import Image

    reference = np.asarray(Image.fromarray(PHOTOGRAPHS[0]).convert("L"), float)
    assert np.abs(luma(PHOTOGRAPHS[0]) - reference).max() <= 1.0


@pytest.mark.parametrize("levels", [2.0, 4.0, 8.0])
def test_the_amplitude_of_a_checkerboard_is_measured(levels: float) -> None:
    """On gray, a pattern of +-a has amplitude a, and period 3 sees nothing."""
    board = faults.checkerboard(flat(side=96), levels)
    assert periodic_amplitude(board, 2) == pytest.approx(levels, rel=0.05)
    assert periodic_amplitude(board, 3) < 0.05


def test_noise_has_no_amplitude() -> None:
    """What chance leaves in the average is subtracted."""
    assert periodic_amplitude(faults.noise(flat(side=96), 8.0), 8) < 0.5


def test_banding_of_a_gradient_by_hand() -> None:
    """A full gradient skips nothing; every eighth level skips most of them."""
    rows, columns = np.indices((128, 128))
    ramp = np.repeat((60 + 0.75 * columns + 0.2 * rows)[..., None], 3, axis=2)
    smooth = faults.quantized(ramp)
    assert banding(smooth) == 0.0
    assert banding(faults.posterized(smooth, 8)) > 0.6
    assert banding(faults.posterized(smooth, 4)) > 0.5
    assert banding(flat()) == 0.0


def test_clipping_counts_pixels() -> None:
    """Three of 64 x 64 pixels at an end; 1 and 254 are not."""
    image = flat()
    image[0, 0, 0], image[1, 1, 1], image[2, 2] = 255, 0, (0, 0, 0)
    image[3, 3], image[4, 4] = 1, 254
    assert clipping(image) == pytest.approx(3 / 4096)


def test_a_watermark_over_many_images_is_found() -> None:
    """Unrelated pictures share nothing; with one overlay they share it."""
    pictures = [faults.photograph(n, 128) for n in ("astronaut", "coffee", "chelsea", "rocket")]
    pictures += [np.ascontiguousarray(p[::-1, ::-1]) for p in pictures]
    clean = shared_overlay(pictures)
    marked = shared_overlay([faults.watermark(p) for p in pictures])
    assert clean < 0.5
    assert marked > clean + 0.5
    with pytest.raises(BadImageError, match="at least 4"):
        shared_overlay(pictures[:3])


def test_premultiplied_alpha_is_told_from_straight() -> None:
    """A bright disc with a soft edge: straight keeps its color, premultiplied is darkened."""
    rows, columns = np.indices((64, 64)) - 31.5
    alpha = np.clip((26 - np.hypot(rows, columns)) * 24, 0, 255).round()
    color = np.full((64, 64, 3), (250, 130, 10), float)
    straight = faults.quantized(np.dstack([color, alpha]))
    dark = faults.quantized(np.dstack([color * alpha[..., None] / 255, alpha]))
    assert premultiplied(straight) < 0.1
    assert premultiplied(dark) == 1.0
    assert premultiplied(np.dstack([flat(), np.full((64, 64), 255, np.uint8)])) == 0.0


def test_scores_have_known_names_and_bad_input_is_refused() -> None:
    """Every emitted metric is in the vocabulary; arrays that are no image are refused."""
    scores = score_patterns(SCENES[0])
    assert all(score.metric in METRICS for score in scores)
    for bad in (np.zeros((64, 64), np.uint8), np.zeros((64, 64, 3)), np.zeros((4, 4, 3), np.uint8)):
        with pytest.raises(BadImageError):
            score_patterns(bad)
