"""Reproducibility: the same request made again, elsewhere or later, and what came of it.

A seed is not promised to repeat across releases, devices, dtypes or batch sizes. Here two images of
one request are compared and called identical, within tolerance or different.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from imgassets.images.filters import largest_difference
from imgassets.images.pixels import Pixels, check_pair
from imgassets.metrics.formulas.artefact_patterns import luma
from imgassets.metrics.formulas.duplicates import HASH_BITS, hash_distance, perceptual_hash
from imgassets.metrics.formulas.fidelity import psnr, ssim

Repetition = Literal["identical", "within tolerance", "different"]


@dataclass(frozen=True)
class Tolerance:
    """When two images still count as the same. Every limit must hold; none has a default.

    Attributes:
        max_difference: largest difference of any channel of any pixel, levels, 0..255.
        min_psnr: dB over all channels.
        min_ssim: on luma, -1..1.
        max_bits: of the perceptual hash, 0..64.
    """

    max_difference: int
    min_psnr: float
    min_ssim: float
    max_bits: int


@dataclass(frozen=True)
class Comparison:
    """Two images of one request.

    Attributes:
        same_size: when False, the numbers below are those of two images with nothing in common.
        max_difference: levels, 0..255; 0 is bitwise equal. Lower is better.
        psnr: dB over all channels, `fidelity.IDENTICAL_DB` when equal. Higher is better.
        ssim: of luma, -1..1. Higher is better.
        bits: distance of the perceptual hashes, 0..64. Lower is better.
    """

    same_size: bool
    max_difference: int
    psnr: float
    ssim: float
    bits: int

    @property
    def identical(self) -> bool:
        """Bitwise equal."""
        return self.same_size and self.max_difference == 0

    def verdict(self, tolerance: Tolerance) -> Repetition:
        """What the comparison is called under a tolerance."""
        if self.identical:
            return "identical"
        held = (
            self.same_size
            and self.max_difference <= tolerance.max_difference
            and self.psnr >= tolerance.min_psnr
            and self.ssim >= tolerance.min_ssim
            and self.bits <= tolerance.max_bits
        )
        return "within tolerance" if held else "different"


def compare(image: Pixels, original: Pixels) -> Comparison:
    """Compares two images of one request; symmetric.

    Args:
        image, original: uint8, (H, W, 3), sRGB, at least 11 px a side.

    Raises:
        BadImageError: not RGB images. Different sizes are a result, not an error.
    """
    if image.shape != original.shape:
        return Comparison(False, 255, 0.0, -1.0, HASH_BITS)
    image, original = check_pair(image, original, least=11)
    largest = int(largest_difference(image, original).max())
    bits = hash_distance(perceptual_hash(image), perceptual_hash(original))
    similarity = ssim(luma(image), luma(original))
    return Comparison(True, largest, psnr(image, original), similarity, bits)
