"""Reproducibility: the same request made again, elsewhere or later, and what came of it.

A seed is not promised to repeat across releases, devices, dtypes or batch sizes. Here two images of
one request are compared and called identical, within tolerance or different; a matrix does so for
every pair of places. How much images vary over seeds, where they ought to, is here as well.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations
from typing import Literal

import numpy as np

from imgassets.images.filters import largest_difference
from imgassets.images.pixels import BadImageError, Pixels, check_pair
from imgassets.metrics.formulas.artefact_patterns import luma
from imgassets.metrics.formulas.duplicates import HASH_BITS, hash_distance, perceptual_hash
from imgassets.metrics.formulas.fidelity import delta_e, psnr, ssim
from imgassets.metrics.scores import Score

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


def score(image: Pixels, original: Pixels) -> list[Score]:
    """A comparison as scores; a different size is refused there, since it has no number.

    Returns:
        `reproducibility.identical` (1.0 or 0.0, higher is better), `.max_difference` (levels,
        lower), `.psnr` (dB, higher), `.ssim` (higher) and `.hash_bits` (lower).
    """
    check_pair(image, original)
    found = compare(image, original)
    reason = "" if found.identical else f"differs by up to {found.max_difference} levels"
    return [
        Score("reproducibility.identical", float(found.identical), reason),
        Score("reproducibility.max_difference", float(found.max_difference), reason),
        Score("reproducibility.psnr", found.psnr, reason),
        Score("reproducibility.ssim", found.ssim, reason),
        Score("reproducibility.hash_bits", float(found.bits), reason),
    ]


@dataclass(frozen=True)
class Cell:
    """One pair of places: over all requests made in both, the worst verdict and comparison."""

    first: str
    second: str
    requests: int
    identical: int
    within: int
    different: int
    worst: Comparison

    @property
    def verdict(self) -> Repetition:
        """The worst of its requests."""
        if self.different:
            return "different"
        return "within tolerance" if self.within else "identical"


def matrix(places: Mapping[str, Mapping[str, Pixels]], tolerance: Tolerance) -> list[Cell]:
    """Every pair of places against each other.

    Args:
        places: for each place (`"cpu, float32, batch 1"`) its images by image key.
        tolerance: see `Tolerance`.

    Returns:
        One cell for each pair, in the order given.

    Raises:
        BadImageError: two places have no request in common.
    """
    cells = []
    for (first, ours), (second, theirs) in combinations(places.items(), 2):
        shared = sorted(ours.keys() & theirs.keys())
        if not shared:
            raise BadImageError(f"{first!r} and {second!r} have no request in common")
        found = [compare(ours[key], theirs[key]) for key in shared]
        verdicts = [comparison.verdict(tolerance) for comparison in found]
        identical, within = verdicts.count("identical"), verdicts.count("within tolerance")
        worst = min(found, key=lambda c: (c.psnr, -c.max_difference))
        counts = (len(found), identical, within, len(found) - identical - within)
        cells.append(Cell(first, second, *counts, worst))
    return cells


@dataclass(frozen=True)
class SeedSpread:
    """How much the images of one prompt vary over seeds.

    Attributes:
        seeds: number of images.
        pixel_deviation: standard deviation over seeds, RMS over pixels and channels, levels. 0: the
            seed changes nothing.
        color_distance: mean CIEDE2000 over all pairs.
        hash_bits: mean distance of perceptual hashes over all pairs, 0..64.
    """

    seeds: int
    pixel_deviation: float
    color_distance: float
    hash_bits: float


def seed_spread(images: Sequence[Pixels]) -> SeedSpread:
    """The spread of one prompt's images; neither direction is better, but 0 is a fault.

    Args:
        images: at least two, uint8, (H, W, 3), sRGB, of one size.

    Raises:
        BadImageError: fewer than two images, or several sizes.
    """
    if len(images) < 2:
        raise BadImageError(f"expected images of two seeds or more, got {len(images)}")
    for image in images[1:]:
        check_pair(image, images[0])
    variance = np.stack([image.astype(np.float64) for image in images]).var(axis=0, ddof=1)
    hashes = [perceptual_hash(image) for image in images]
    pairs = list(combinations(range(len(images)), 2))
    return SeedSpread(
        seeds=len(images),
        pixel_deviation=float(np.sqrt(variance.mean())),
        color_distance=float(np.mean([delta_e(images[i], images[j]).mean() for i, j in pairs])),
        hash_bits=float(np.mean([hash_distance(hashes[i], hashes[j]) for i, j in pairs])),
    )
