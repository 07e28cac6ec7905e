"""What do harmless and harmful differences between two runs of one request measure?

    python -m imgassets_tests.benchmarks.reproducibility_accuracy

Writes docs/metrics/reproducibility.md: medians over three photographs and twelve drawn scenes, and
how far apart unrelated scenes are, which is what a perceptual hash is up against.
"""

from __future__ import annotations

import random
from collections.abc import Callable
from itertools import combinations

import numpy as np

from imgassets.metrics.formulas.duplicates import hash_distance, hash_version, perceptual_hash
from imgassets.metrics.formulas.reproducibility import compare, seed_spread
from imgassets.tiny.scenes import sample_scene
from imgassets_tests.benchmarks.pages import table, write
from imgassets_tests.metrics import image_faults as faults

CHANGES: dict[str, Callable[[np.ndarray], np.ndarray]] = {
    "none": lambda image: image.copy(),
    "one pixel, one level": lambda image: _poked(image.copy()),
    "noise, sigma .5": lambda image: faults.noise(image, 0.5),
    "noise, sigma 2": lambda image: faults.noise(image, 2.0),
    "noise, sigma 8": lambda image: faults.noise(image, 8.0),
    "JPEG 75": faults.jpeg,
    "half-pixel shift": lambda image: faults.warped(image, shift=(0.5, 0.5)),
    "BGR swap": lambda image: np.ascontiguousarray(image[..., ::-1]),
    "NaN to black": np.zeros_like,
}


def _poked(image: np.ndarray) -> np.ndarray:
    image[1, 1, 0] ^= 1
    return image


def rows(images: list[np.ndarray]) -> list[list[str]]:
    """Medians of every comparison."""
    lines = []
    for name, change in CHANGES.items():
        found = [compare(change(image), image) for image in images]
        values = [
            np.median([getattr(c, k) for c in found])
            for k in ("max_difference", "psnr", "ssim", "bits")
        ]
        lines.append([name, *(f"{v:.4g}" for v in values)])
    return lines


def main() -> None:
    """Writes the page."""
    photographs = [faults.photograph(name, 128) for name in faults.PHOTOGRAPHS]
    scenes = [np.asarray(sample_scene(random.Random(seed)).render()) for seed in range(12)]
    hashes = [perceptual_hash(scene) for scene in scenes]
    apart = [hash_distance(a, b) for a, b in combinations(hashes, 2)]
    head = ["change", "max difference", "PSNR, dB", "SSIM", "pHash bits"]
    jittered = [
        np.asarray(sample_scene(random.Random(seed), "single_object").render()) for seed in range(4)
    ]
    spread = seed_spread(jittered)
    write(
        "reproducibility",
        "Reproducibility: what differences between two runs measure",
        [
            f"Hash: {hash_version()}. Identical images have 120 dB.\n",
            "## Photographs\n",
            table(head, rows(photographs)),
            "## Drawn scenes\n",
            table(head, rows(scenes)),
            f"Unrelated drawn scenes are {min(apart)} to {max(apart)} bits apart (median "
            f"{np.median(apart):.0f}); four unrelated single objects spread "
            f"{spread.pixel_deviation:.0f} levels, {spread.hash_bits:.0f} bits.\n",
        ],
    )


if __name__ == "__main__":
    main()
