"""Two questions of the benchmarks: do places repeat each other, and do seeds change images?"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations

import numpy as np

from imgassets.images.pixels import BadImageError, Pixels, check_pair
from imgassets.metrics.formulas.duplicates import hash_distance, perceptual_hash
from imgassets.metrics.formulas.fidelity import delta_e
from imgassets.metrics.formulas.reproducibility import Comparison, Repetition, Tolerance, compare


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
