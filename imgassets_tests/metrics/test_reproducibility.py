"""Reproducibility: the three verdicts, the matrix, and the spread over seeds, each by example."""

from __future__ import annotations

import random

import numpy as np
import pytest

from imgassets.documents.metric_catalogue import METRICS
from imgassets.images.pixels import BadImageError
from imgassets.metrics.formulas.fidelity import IDENTICAL_DB
from imgassets.metrics.formulas.reproducibility import (
    Tolerance,
    compare,
    matrix,
    score,
    seed_spread,
)
from imgassets.tiny.scenes import text_scene
from imgassets_tests.metrics import image_faults as faults

PHOTOGRAPHS = {name: faults.photograph(name, 96) for name in faults.PHOTOGRAPHS}
CLOSE = Tolerance(max_difference=4, min_psnr=45.0, min_ssim=0.99, max_bits=2)


def off_by_one(image: np.ndarray) -> np.ndarray:
    """A few pixels one level off: another summation order."""
    out = image.copy()
    out[::7, ::5] ^= 1
    return out


@pytest.mark.parametrize("image", PHOTOGRAPHS.values())
def test_the_three_verdicts(image: np.ndarray) -> None:
    """A copy is identical, rounding is within tolerance, other noise is different."""
    assert compare(image.copy(), image).verdict(CLOSE) == "identical"
    assert compare(off_by_one(image), image).verdict(CLOSE) == "within tolerance"
    assert compare(faults.noise(image, 8.0), image).verdict(CLOSE) == "different"


def test_each_limit_of_the_tolerance_is_binding() -> None:
    """Tightening any one limit turns within tolerance into different."""
    image = PHOTOGRAPHS["coffee"]
    found = compare(off_by_one(image), image)
    assert found.verdict(CLOSE) == "within tolerance"
    for tight in (
        Tolerance(0, 45.0, 0.99, 2),
        Tolerance(4, 110.0, 0.99, 2),
        Tolerance(4, 45.0, 1.0, 2),
        Tolerance(4, 45.0, 0.99, -1),
    ):
        assert found.verdict(tight) == "different"


def test_comparison_is_symmetric_and_sizes_are_a_result() -> None:
    """Order does not matter; another size is different, and no crash."""
    image = PHOTOGRAPHS["chelsea"]
    noisy = faults.noise(image, 3.0)
    assert compare(image, noisy) == compare(noisy, image)
    assert compare(image, image).psnr == IDENTICAL_DB
    other = compare(image[:-1], image)
    assert not other.identical
    assert other.verdict(Tolerance(255, 0.0, -1.0, 64)) == "different"
    with pytest.raises(BadImageError):
        score(image[:-1], image)
    with pytest.raises(BadImageError):
        compare(image.astype(float), image.astype(float))


def test_scores_are_in_the_vocabulary() -> None:
    """All five are known, though contracts cannot use them; the reason names the difference."""
    image = PHOTOGRAPHS["astronaut"]
    found = score(off_by_one(image), image)
    assert {s.metric for s in found} == {
        m.name for m in METRICS.values() if m.family == "reproducibility"
    }
    assert [s.value for s in found[:2]] == [0.0, 1.0]
    assert found[0].reason == "differs by up to 1 levels"
    assert score(image, image.copy())[0].value == 1.0


def test_matrix_counts_verdicts_over_shared_requests() -> None:
    """Batch 1 against itself, rounding and a GPU that differs in one of three images."""
    first = dict(PHOTOGRAPHS)
    rounding = {key: off_by_one(image) for key, image in first.items()}
    broken = first | {"coffee": faults.noise(first["coffee"], 9.0)}
    del broken["chelsea"]
    places = {"cpu": first, "again": dict(first), "batch 4": rounding, "gpu": broken}
    cells = {(c.first, c.second): c for c in matrix(places, CLOSE)}
    assert len(cells) == 6
    assert cells["cpu", "again"].verdict == "identical"
    assert cells["cpu", "batch 4"].verdict == "within tolerance"
    assert cells["cpu", "batch 4"].within == 3
    gpu = cells["cpu", "gpu"]
    assert (gpu.requests, gpu.identical, gpu.different, gpu.verdict) == (2, 1, 1, "different")
    assert gpu.worst.psnr < 35
    with pytest.raises(BadImageError, match="no request in common"):
        matrix({"a": {"x": first["coffee"]}, "b": {"y": first["coffee"]}}, CLOSE)


def test_seed_spread_tells_a_dead_seed_from_a_live_one() -> None:
    """The same image under every seed spreads 0; by hand, two gray images 10 apart."""
    image = PHOTOGRAPHS["coffee"]
    dead = seed_spread([image] * 4)
    assert (dead.pixel_deviation, dead.color_distance, dead.hash_bits) == (0.0, 0.0, 0.0)
    scenes = [text_scene(random.Random(s), "AB", "red", "white").render() for s in range(4)]
    assert seed_spread([np.asarray(s) for s in scenes]).pixel_deviation > 5
    gray = [np.full((32, 32, 3), level, np.uint8) for level in (100, 110)]
    assert seed_spread(gray).pixel_deviation == pytest.approx(np.sqrt(50))
    with pytest.raises(BadImageError, match="two seeds"):
        seed_spread([image])
