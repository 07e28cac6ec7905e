"""Near duplicates: planted ones are found, and unrelated images are left alone."""

from __future__ import annotations

import numpy as np
import pytest
from PIL import Image
from scipy.fft import dct

from imgassets.metrics.formulas.duplicates import (
    hash_distance,
    near_duplicates,
    perceptual_hash,
)
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


def test_duplicates_are_found_and_unrelated_images_are_not() -> None:
    """A recompressed copy and a noisy one are duplicates of their original, and of nothing else."""
    images = dict(PHOTOGRAPHS)
    images["copy"] = faults.jpeg(images["coffee"], 60)
    images["noisy"] = faults.noise(images["chelsea"], 4.0)
    found = {frozenset((pair.first, pair.second)) for pair in near_duplicates(images, 6)}
    assert found == {frozenset(("coffee", "copy")), frozenset(("chelsea", "noisy"))}
    assert near_duplicates(PHOTOGRAPHS, 6) == []
    with pytest.raises(ValueError, match="max_bits"):
        near_duplicates(images, 65)


def test_hash_distance_by_hand() -> None:
    """Bits that differ; symmetric; 0 for equal."""
    assert hash_distance(0b1011, 0b0010) == 2
    assert hash_distance(0b0010, 0b1011) == 2
    assert hash_distance(7, 7) == 0
