"""The quick filters and colors are SciPy's and scikit-image's to rounding."""

from __future__ import annotations

import cv2
import numpy as np
import pytest
from scipy.ndimage import gaussian_filter, laplace, maximum_filter
from skimage.color import deltaE_ciede2000, rgb2lab
from skimage.metrics import structural_similarity

from imgassets.images import filters
from imgassets.metrics.formulas.artefact_patterns import luma
from imgassets.metrics.formulas.fidelity import ssim_map
from imgassets_tests.metrics import image_faults as faults

PHOTO = faults.photograph("coffee", 200)[:, :170]
NOISY = faults.noise(PHOTO, 9.0)

#: Sharma, Wu and Dalal (2005), table 1: pairs that find wrong hues, and pairs of real colors.
PUBLISHED = (
    ((50.0, 2.6772, -79.7751), (50.0, 0.0, -82.7485), 2.0425),
    ((50.0, 0.0, 0.0), (50.0, -1.0, 2.0), 2.3669),
    ((50.0, 2.49, -0.001), (50.0, -2.49, 0.0009), 7.1792),
    ((50.0, 2.49, -0.001), (50.0, -2.49, 0.0010), 7.1792),
    ((50.0, 2.49, -0.001), (50.0, -2.49, 0.0011), 7.2195),
    ((50.0, 2.49, -0.001), (50.0, -2.49, 0.0012), 7.2195),
    ((50.0, -0.001, 2.49), (50.0, 0.0009, -2.49), 4.8045),
    ((50.0, -0.001, 2.49), (50.0, 0.0011, -2.49), 4.7461),
    ((50.0, 2.5, 0.0), (50.0, 0.0, -2.5), 4.3065),
    ((50.0, 2.5, 0.0), (73.0, 25.0, -18.0), 27.1492),
    ((50.0, 2.5, 0.0), (61.0, -5.0, 29.0), 22.8977),
    ((60.2574, -34.0099, 36.2677), (60.4626, -34.1751, 39.4387), 1.2644),
    ((22.7233, 20.0904, -46.6940), (23.0331, 14.9730, -42.5619), 2.0373),
    ((2.0776, 0.0795, -1.1350), (0.9033, -0.0636, -0.5514), 0.9082),
)


def test_colors_are_those_of_scikit_image() -> None:
    """All levels, in and around the linear part of sRGB and of CIELAB."""
    every = np.arange(256, dtype=np.uint8)
    pixels = np.stack([every, every[::-1], np.roll(every, 99)], axis=1)[None]
    for image in (PHOTO, pixels, np.zeros((2, 2, 3), np.uint8)):
        assert np.abs(filters.lab(image) - rgb2lab(image)).max() < 1e-9


def test_ciede2000_is_that_of_scikit_image() -> None:
    """Near and far colors, grays among them; more than one block of them."""
    rng = np.random.default_rng(0)
    one = filters.lab(rng.integers(0, 256, (20_000, 3), dtype=np.uint8))
    two = one + rng.normal(0, 3, one.shape)
    far = filters.lab(rng.integers(0, 256, (20_000, 3), dtype=np.uint8))
    far[:50, 1:] = 0.0
    for other in (one, two, far):
        assert np.abs(filters.ciede2000(one, other) - deltaE_ciede2000(one, other)).max() < 1e-9


@pytest.mark.parametrize(("one", "two", "expected"), PUBLISHED)
def test_ciede2000_of_published_pairs(
    one: tuple[float, ...], two: tuple[float, ...], expected: float
) -> None:
    """Both ways round, as the paper demands."""
    first, second = np.array(one), np.array(two)
    assert filters.ciede2000(first, second) == pytest.approx(expected, abs=1e-4)
    assert filters.ciede2000(second, first) == pytest.approx(expected, abs=1e-4)


def test_filters_are_those_of_scipy() -> None:
    plane = luma(PHOTO)
    blurred = filters.blurred(plane, 2.0, 8, cv2.BORDER_REPLICATE)
    assert np.abs(blurred - gaussian_filter(plane.astype(float), 2.0, mode="nearest")).max() < 1e-6
    assert np.abs(filters.laplacian(plane) - laplace(plane)).max() < 1e-3
    mask = np.zeros((40, 50), bool)
    mask[0, 0] = mask[20, 30] = True
    expected = maximum_filter(mask, 7, mode="constant", cval=False)
    assert (filters.grown(mask, 3) == expected).all()
    expected = np.abs(PHOTO.astype(int) - NOISY).max(axis=2)
    assert (filters.largest_difference(PHOTO, NOISY) == expected).all()


@pytest.mark.parametrize("shape", [(200, 170), (11, 11), (12, 150), (100, 5000)])
def test_ssim_is_that_of_scikit_image_up_to_the_border(shape: tuple[int, int]) -> None:
    """Whole maps, made in one strip or in many."""
    one, two = (luma(np.resize(image, (*shape, 3))) for image in (PHOTO, NOISY))
    _, expected = structural_similarity(
        two.astype(float), one.astype(float), data_range=255.0, gaussian_weights=True, sigma=1.5,
        use_sample_covariance=False, full=True,
    )  # fmt: skip
    assert np.abs(ssim_map(one, two) - expected).max() < 1e-9
