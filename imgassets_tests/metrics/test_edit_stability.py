"""Edit stability: a clean edit is stable, each way of bleeding out of the mask is caught."""

from __future__ import annotations

import random

import numpy as np
import pytest

from imgassets.documents.metric_catalogue import METRICS
from imgassets.images.pixels import BadImageError
from imgassets.metrics.formulas.edit_stability import band, repeated_edits, score
from imgassets.metrics.formulas.fidelity import IDENTICAL_DB
from imgassets.tiny.scenes import sample_scene
from imgassets_tests.metrics import image_faults as faults

PHOTOGRAPHS = [faults.photograph(name, 96) for name in faults.PHOTOGRAPHS]
MASK = np.zeros((96, 96), bool)
MASK[24:72, 32:80] = True


def scores(edited: np.ndarray, source: np.ndarray, mask: np.ndarray = MASK) -> dict[str, float]:
    """Values by the metric's last name."""
    return {s.metric.split(".")[1]: s.value for s in score(edited, source, mask)}


def pasted(source: np.ndarray, inside: np.ndarray, mask: np.ndarray = MASK) -> np.ndarray:
    """The source, with the mask filled from another image."""
    return np.where(mask[..., None], inside, source).astype(np.uint8)


@pytest.mark.parametrize("source", PHOTOGRAPHS)
def test_a_clean_edit_is_perfect_outside(source: np.ndarray) -> None:
    """Whatever is painted inside, outside is untouched, and all outside measures say so."""
    found = scores(pasted(source, 255 - source), source)
    assert found["psnr_outside"] == IDENTICAL_DB
    assert found["ssim_outside"] == pytest.approx(1.0)
    assert found["max_difference"] == found["changed_outside"] == found["changed_band"] == 0.0
    assert found["changed_inside"] == 1.0


@pytest.mark.parametrize("source", PHOTOGRAPHS)
def test_bleeding_by_one_level_is_caught(source: np.ndarray) -> None:
    """SSIM hardly moves; the share of changed pixels goes from none to all."""
    bled = faults.quantized(pasted(source, 255 - source).astype(float) + 1)
    found = scores(bled, source)
    assert found["ssim_outside"] > 0.99
    assert found["changed_outside"] > 0.95
    assert found["max_difference"] == 1.0
    assert found["psnr_outside"] == pytest.approx(48.13, abs=0.3)


def test_bleeding_near_the_mask_is_told_from_bleeding_far_away() -> None:
    """A soft mask changes the band; a changed corner does not."""
    source = PHOTOGRAPHS[0]
    soft = pasted(source, 255 - source, MASK | band(MASK, 4))
    corner = source.copy()
    corner[:6, :6] ^= 64
    assert scores(soft, source)["changed_band"] > 0.4
    assert scores(corner, source)["changed_band"] == 0.0
    assert scores(corner, source)["changed_outside"] == pytest.approx(36 / (~MASK).sum())


def test_a_vae_round_trip_is_caught() -> None:
    """diffusers#4782: the unmasked part comes back decoded, slightly different everywhere."""
    source = PHOTOGRAPHS[1]
    found = scores(faults.noise(source, 1.5), source)
    assert found["psnr_outside"] < 46
    assert found["changed_outside"] > 0.5


@pytest.mark.parametrize("seed", range(6))
def test_a_seam_on_a_flat_ground_is_measured(seed: int) -> None:
    """The region repainted without its object is clean; in another shade it shows a seam."""
    scene = sample_scene(random.Random(seed), "single_object")
    source = np.asarray(scene.render())
    ground = source[0, 0].astype(float)
    mask = np.zeros((96, 96), bool)
    mask[10:86, 10:86] = True  # around the largest object
    clean = scores(pasted(source, np.full_like(source, source[0, 0]), mask), source, mask)
    shade = faults.quantized(ground + (8 if ground.mean() < 128 else -8))
    tinted = scores(pasted(source, np.full_like(source, shade), mask), source, mask)
    assert clean["border_color"] == pytest.approx(0.0)
    assert tinted["border_color"] > 1.0
    assert tinted["seam"] > clean["seam"] + 4.0


@pytest.mark.parametrize("source", PHOTOGRAPHS)
def test_a_seam_on_a_photograph_is_measured(source: np.ndarray) -> None:
    """Nothing painted shows no seam; 12 levels brighter inside shows about 12."""
    assert scores(source, source)["seam"] < 3.0
    brighter = scores(pasted(source, np.minimum(source, 235) + 20), source)
    assert brighter["seam"] > scores(source, source)["seam"] + 5.0


def test_an_edit_that_paints_nothing_is_seen() -> None:
    """Stable, and useless: changed_inside is 0."""
    assert scores(PHOTOGRAPHS[0], PHOTOGRAPHS[0])["changed_inside"] == 0.0


def test_repeated_edits_drift() -> None:
    """Each edit decodes the whole image: PSNR falls, and the brightening is named by channel."""
    source = PHOTOGRAPHS[2]
    masks = [MASK, np.roll(MASK, 8, axis=0), np.roll(MASK, -8, axis=1)]
    images = [source]
    for _ in masks:
        images.append(faults.quantized(faults.noise(images[-1], 1.0) + np.array([2.0, 0, 0])))
    steps = repeated_edits(images, masks)
    assert [step.edits for step in steps] == [1, 2, 3]
    values = [step.psnr for step in steps]
    assert values == sorted(values, reverse=True)
    assert steps[2].color[0] == pytest.approx(6.0, abs=0.5)
    assert steps[2].color[1] == pytest.approx(0.0, abs=0.5)
    clean = repeated_edits(
        [source, pasted(source, 255 - source), pasted(source, source)], [MASK] * 2
    )
    assert [step.psnr for step in clean] == [IDENTICAL_DB] * 2
    assert [step.changed for step in clean] == [0.0, 0.0]


def test_names_are_in_the_vocabulary() -> None:
    """What is emitted can be held to a contract."""
    emitted = {s.metric for s in score(PHOTOGRAPHS[0], PHOTOGRAPHS[0], MASK)}
    assert emitted == {m.name for m in METRICS.values() if m.family == "edit_stability"}


@pytest.mark.parametrize(
    ("edited", "mask"),
    [
        (PHOTOGRAPHS[0][:64], MASK),
        (PHOTOGRAPHS[0], MASK[:64]),
        (PHOTOGRAPHS[0], MASK.astype(np.uint8)),
        (PHOTOGRAPHS[0], np.zeros_like(MASK)),
        (PHOTOGRAPHS[0], np.ones_like(MASK)),
        (PHOTOGRAPHS[0][..., 0], MASK),
    ],
)
def test_input_that_cannot_be_judged_is_refused(edited: np.ndarray, mask: np.ndarray) -> None:
    """A changed size, a wrong mask and other arrays are refused by name."""
    with pytest.raises(BadImageError):
        score(edited, PHOTOGRAPHS[0], mask)
    with pytest.raises(BadImageError, match="image for each mask"):
        repeated_edits([PHOTOGRAPHS[0]], [])
