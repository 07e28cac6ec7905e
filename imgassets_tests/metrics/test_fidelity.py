"""PSNR, SSIM and CIEDE2000 agree with a second implementation to 1e-4."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.ndimage import gaussian_filter
from skimage.metrics import peak_signal_noise_ratio

from imgassets.metrics.formulas.artefact_patterns import luma
from imgassets.metrics.formulas.fidelity import IDENTICAL_DB, delta_e, psnr, ssim, ssim_map
from imgassets_tests.metrics import image_faults as faults

IMAGES = [faults.photograph(name, 96) for name in faults.PHOTOGRAPHS]


def ssim_by_formula(image: np.ndarray, reference: np.ndarray) -> np.ndarray:
    """Wang et al. (2004), equation 13, with means, variances and covariance by Gaussian filter."""

    def blur(values: np.ndarray) -> np.ndarray:
        return gaussian_filter(values, 1.5, truncate=3.5)

    x, y = image.astype(float), reference.astype(float)
    mx, my = blur(x), blur(y)
    vx, vy, vxy = blur(x * x) - mx**2, blur(y * y) - my**2, blur(x * y) - mx * my
    c1, c2 = (0.01 * 255) ** 2, (0.03 * 255) ** 2
    return ((2 * mx * my + c1) * (2 * vxy + c2)) / ((mx**2 + my**2 + c1) * (vx + vy + c2))


@pytest.mark.parametrize("image", IMAGES)
@pytest.mark.parametrize("sigma", [1.0, 5.0, 40.0])
def test_agreement(image: np.ndarray, sigma: float) -> None:
    """PSNR against scikit-image, SSIM against the formula."""
    noisy = faults.noise(image, sigma)
    expected = peak_signal_noise_ratio(image, noisy, data_range=255)
    assert psnr(noisy, image) == pytest.approx(expected, abs=1e-4)
    similarity = ssim_by_formula(luma(noisy), luma(image))[5:-5, 5:-5]
    assert ssim(luma(noisy), luma(image)) == pytest.approx(similarity.mean(), abs=1e-4)
    assert np.abs(ssim_map(luma(noisy), luma(image))[5:-5, 5:-5] - similarity).max() < 1e-4


def test_identity_symmetry_and_order() -> None:
    """Equal images are perfect, order does not matter, more noise is worse."""
    image = IMAGES[0]
    assert psnr(image, image) == IDENTICAL_DB
    assert ssim(luma(image), luma(image)) == pytest.approx(1.0)
    assert delta_e(image, image).max() == pytest.approx(0.0)
    noisy = [faults.noise(image, sigma) for sigma in (1, 4, 16)]
    assert psnr(noisy[0], image) == psnr(image, noisy[0])
    values = [psnr(n, image) for n in noisy]
    assert values == sorted(values, reverse=True)


def test_one_level_by_hand() -> None:
    """All pixels one level off: 10 log10(255^2) = 48.1308 dB; only where it counts."""
    one, two = np.full((20, 20), 7), np.full((20, 20), 8)
    assert psnr(one, two) == pytest.approx(48.1308, abs=1e-4)
    where = np.zeros((20, 20), bool)
    where[0, 0] = True
    two[5:] = 200
    assert psnr(one, two, where) == pytest.approx(48.1308, abs=1e-4)


def test_ciede2000_of_a_published_pair() -> None:
    """Sharma, Wu and Dalal (2005), pairs 1 and 25 of their test data."""
    from skimage.color import deltaE_ciede2000

    one = np.array([[50.0, 2.6772, -79.7751], [60.2574, -34.0099, 36.2677]])
    two = np.array([[50.0, 0.0, -82.7485], [60.4626, -34.1751, 39.4387]])
    assert deltaE_ciede2000(one, two) == pytest.approx([2.0425, 1.2644], abs=1e-4)
