"""Near duplicates and drift: planted ones are found, and unrelated images are left alone."""

from __future__ import annotations

import random

import numpy as np
import pytest
from PIL import Image
from scipy.fft import dct

from imgassets.metrics.formulas.duplicates import (
    duplicate_share,
    hash_distance,
    hash_version,
    near_duplicates,
    perceptual_hash,
)
from imgassets.metrics.formulas.style_features import (
    FEATURES,
    TooFewPromptsError,
    drift,
    features,
    holm,
)
from imgassets.tiny.scenes import sample_scene
from imgassets_tests.metrics import image_faults as faults

NAMES = ("astronaut", "coffee", "chelsea", "rocket")
PHOTOGRAPHS = {name: faults.photograph(name, 128) for name in NAMES}


@pytest.mark.parametrize("name", PHOTOGRAPHS)
def test_hash_agrees_with_the_dct(name: str) -> None:
    """Recomputed with scipy, every bit is the same."""
    image = Image.fromarray(PHOTOGRAPHS[name]).convert("L").resize((32, 32), Image.LANCZOS)
    low = dct(dct(np.asarray(image, float), axis=0), axis=1)[:8, :8]
    bits = (low > np.median(low)).flatten()
    assert perceptual_hash(PHOTOGRAPHS[name]) == int("".join("01"[int(b)] for b in bits), 2)
    assert "Pillow" in hash_version()


def test_duplicates_are_found_and_unrelated_images_are_not() -> None:
    """A recompressed copy and a noisy one are duplicates of their original, and of nothing else."""
    images = dict(PHOTOGRAPHS)
    images["copy"] = faults.jpeg(images["coffee"], 60)
    images["noisy"] = faults.noise(images["chelsea"], 4.0)
    found = {frozenset((pair.first, pair.second)) for pair in near_duplicates(images, 6)}
    assert found == {frozenset(("coffee", "copy")), frozenset(("chelsea", "noisy"))}
    assert duplicate_share(images, 6) == pytest.approx(4 / 6)
    assert duplicate_share(PHOTOGRAPHS, 6) == 0.0
    with pytest.raises(ValueError, match="max_bits"):
        near_duplicates(images, 65)


def test_hash_distance_by_hand() -> None:
    """Bits that differ; symmetric; 0 for equal."""
    assert hash_distance(0b1011, 0b0010) == 2
    assert hash_distance(0b0010, 0b1011) == 2
    assert hash_distance(7, 7) == 0


def test_holm_by_hand() -> None:
    """Sorted p-values times 4, 3, 2, 1, never falling, at most 1."""
    assert holm([0.01, 0.04, 0.03, 0.5]) == pytest.approx([0.04, 0.09, 0.09, 0.5])
    assert holm([0.6, 0.6]) == [1.0, 1.0]


def scene_features(count: int, seed: int, change=lambda image: image) -> list[np.ndarray]:
    """Features of drawn scenes of the same prompts, each jittered by its own seed."""
    rows = []
    for number in range(count):
        scene = sample_scene(random.Random(number))
        image = faults.noise(np.asarray(scene.render()), 1.0, seed * 1000 + number)
        rows.append(features(change(image)))
    return rows


def test_drift_is_silent_on_the_same_model_and_finds_a_yellow_cast() -> None:
    """New noise is no drift; a cast of six levels of blue moves blue_yellow, with its sign."""
    incumbent = scene_features(24, 1)
    same = drift(incumbent, scene_features(24, 2))
    assert min(row.p_adjusted for row in same) > 0.05
    cast = drift(incumbent, scene_features(24, 3, lambda i: faults.quantized(i - [0, 0, 6.0])))
    by_name = {row.feature: row for row in cast}
    assert tuple(by_name) == FEATURES
    assert by_name["blue_yellow"].p_adjusted < 0.01
    assert by_name["blue_yellow"].shift > 0
    assert by_name["blue_yellow"].effect > 0.5


def test_drift_finds_blur_and_refuses_too_little() -> None:
    """A softer model is less sharp; 7 prompts are too few; sides must pair."""
    incumbent = scene_features(16, 1)
    soft = drift(incumbent, scene_features(16, 2, faults.blurred_filter))
    assert {row.feature for row in soft if row.p_adjusted < 0.05} >= {"sharpness"}
    with pytest.raises(TooFewPromptsError, match="8 prompts"):
        drift(incumbent[:7], incumbent[:7])
    with pytest.raises(ValueError, match="unpaired"):
        drift(incumbent, incumbent[:9])
    equal = drift(incumbent, incumbent)
    assert {row.p_value for row in equal} == {1.0}
    assert {row.effect for row in equal} == {0.0}
