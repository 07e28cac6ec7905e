"""Against a reference: each planted fault is caught by the measure that is there for it."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest

from imgassets.images.pixels import BadImageError
from imgassets.metrics.formulas.artefact_reference import (
    Differences,
    differences,
    gamma,
    registration,
)
from imgassets_tests.metrics import image_faults as faults

PHOTOGRAPHS = {name: faults.photograph(name, 192) for name in faults.PHOTOGRAPHS}

#: What a change must look like to be harmless.
HARMLESS: dict[str, Callable[[Differences], bool]] = {
    "lab_shift": lambda d: d.lab_shift < 1.0,
    "contrast": lambda d: abs(d.contrast - 1) < 0.02,
    "gamma": lambda d: abs(d.gamma - 1) < 0.03,
    "signed_mean": lambda d: abs(d.signed_mean) < 0.2,
    "sharpness": lambda d: 0.85 < d.sharpness < 1.3,
    "worst_window": lambda d: d.worst_window < 5.0,
    "worst_ssim": lambda d: d.worst_ssim > 0.9,
    "shift": lambda d: np.hypot(d.shift_x, d.shift_y) < 0.1,
    "scale": lambda d: abs(d.scale - 1) < 0.002,
    "channel_swap": lambda d: not d.channel_swap,
    "orientation": lambda d: d.orientation == "upright",
}
CAUGHT_BY = {
    "BGR swap": "channel_swap",
    "gamma applied twice": "gamma",
    "16-235 range": "contrast",
    "VAE scale x0.9": "contrast",
    "floor instead of round": "signed_mean",
    "wrong resize filter": "sharpness",
    "half-pixel shift": "shift",
    "2 % zoom": "scale",
    "one black tile": "worst_window",
    "watermark": "worst_ssim",
    "oversharpened": "sharpness",
    "EXIF rotation lost": "orientation",
}


@pytest.mark.parametrize("name", PHOTOGRAPHS)
def test_harmless_changes_pass_every_measure(name: str) -> None:
    """The image itself and weak noise are not accused of anything."""
    image = PHOTOGRAPHS[name]
    for changed in (image.copy(), faults.noise(image, 1.0)):
        found = differences(changed, image)
        assert [m for m, harmless in HARMLESS.items() if not harmless(found)] == []


@pytest.mark.parametrize("fault", CAUGHT_BY)
def test_each_fault_is_caught_by_its_measure(fault: str) -> None:
    """On every photograph, the measure named for a fault leaves its harmless range."""
    for name, image in PHOTOGRAPHS.items():
        found = differences(faults.FAULTS[fault](image), image)
        assert not HARMLESS[CAUGHT_BY[fault]](found), (name, found)


def test_identical_images_have_no_difference() -> None:
    """Identity: every value at its neutral point."""
    image = PHOTOGRAPHS["coffee"]
    found = differences(image, image.copy())
    assert found == Differences(
        lab_shift=0.0, delta_e=0.0, contrast=1.0, gamma=pytest.approx(1.0), signed_mean=0.0,
        sharpness=1.0, worst_window=0.0, worst_ssim=pytest.approx(1.0), shift_x=0.0, shift_y=0.0,
        scale=1.0, channel_swap=False, orientation="upright",
    )  # fmt: skip


@pytest.mark.parametrize("shift", [(0.5, 0.0), (-1.5, 0.75), (3.0, -2.0)])
def test_registration_agrees_with_phase_correlation(shift: tuple[float, float]) -> None:
    """OpenCV's ECC and scikit-image's phase correlation agree on the planted shift within .2 px."""
    from skimage.registration import phase_cross_correlation

    image = PHOTOGRAPHS["astronaut"]
    moved = faults.warped(image, shift=shift)
    x, y, scale = registration(moved, image)
    assert (x, y) == pytest.approx(shift, abs=0.1)
    assert scale == pytest.approx(1.0, abs=0.002)
    (back_y, back_x), _, _ = phase_cross_correlation(
        image.mean(axis=2), moved.mean(axis=2), upsample_factor=20
    )
    assert (-back_x, -back_y) == pytest.approx((x, y), abs=0.2)


@pytest.mark.parametrize("exponent", [0.45, 0.8, 1.0, 2.2])
def test_gamma_is_recovered(exponent: float) -> None:
    """The exponent that was applied is the one that is found."""
    reference = np.linspace(30, 220, 4000)
    plane = 255 * (reference / 255) ** exponent
    assert gamma(plane, reference) == pytest.approx(exponent, abs=1e-3)
    assert gamma(reference[:50], reference[:50]) == 1.0


@pytest.mark.parametrize("turns", [1, 2, 3])
@pytest.mark.parametrize("mirrored", [False, True])
def test_every_orientation_is_named(turns: int, mirrored: bool) -> None:
    """The seven wrong ways to lay an image."""
    image = PHOTOGRAPHS["coffee"]
    laid = image[:, ::-1] if mirrored else image
    laid = np.ascontiguousarray(np.rot90(laid, -turns))
    prefix = "mirrored, " if mirrored else ""
    assert differences(laid, image).orientation == f"{prefix}turned {90 * turns}"


def test_images_that_cannot_be_compared_are_refused() -> None:
    """Other sizes, other types and images below one window."""
    image = PHOTOGRAPHS["coffee"]
    for other in (image[:-1], image.astype(float), image[..., 0]):
        with pytest.raises(BadImageError):
            differences(image, other)
    with pytest.raises(BadImageError, match="at least 32"):
        differences(image[:16], image[:16])
