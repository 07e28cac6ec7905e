"""How far does a fault move each feature of the look?

    python -m imgassets_tests.benchmarks.look_accuracy

Writes docs/metrics/look.md: mean shifts over three photographs and over forty drawn scenes, and how
far forty other scenes are from them, which is what a margin must leave room for.
"""

from __future__ import annotations

import random

import numpy as np

from imgassets.metrics.formulas.appearance import score
from imgassets.tiny.scenes import sample_scene
from imgassets_tests.benchmarks.pages import table, write
from imgassets_tests.metrics import image_faults as faults

_COUNT = 40


def values(images: list[np.ndarray]) -> np.ndarray:
    """Features, one row an image."""
    return np.array([[s.value for s in score(image)] for image in images])


def shifts(images: list[np.ndarray]) -> list[list[str]]:
    """Mean shift of each feature by each fault."""
    before = values(images)
    changes = {"noise, sigma 2": faults.noise} | faults.FAULTS
    return [
        [name, *(f"{v:+.3f}" for v in (values([c(i) for i in images]) - before).mean(axis=0))]
        for name, c in changes.items()
    ]


def scenes(first: int) -> list[np.ndarray]:
    """Drawn scenes, large enough for every fault."""
    return [
        np.asarray(sample_scene(random.Random(seed)).render().resize((192, 192)))
        for seed in range(first, first + _COUNT)
    ]


def main() -> None:
    """Writes the page."""
    photographs = [faults.photograph(name) for name in faults.PHOTOGRAPHS]
    drawn = scenes(0)
    head = ["fault", *(s.metric.partition(".")[2] for s in score(photographs[0]))]
    apart = values(scenes(_COUNT)) - values(drawn)
    error = apart.std(axis=0, ddof=1) / np.sqrt(_COUNT)
    other = ["other scenes", *(f"{v:+.3f}" for v in apart.mean(axis=0))]
    unsure = ["its standard error", *(f"{v:.3f}" for v in error)]
    write(
        "look",
        "Look: how far faults move the features of images",
        [
            "Features as in `metrics.style_features.features` and `metrics.appearance.frame`. "
            "`look.repeated` finds images whose hashes are within 2 bits and whose pixels differ "
            "by at most 0.1 levels on average; in the demo, images of two seeds differ by 0.5 and "
            "more.\n",
            "## Photographs\n",
            table(head, shifts(photographs)),
            "## Drawn scenes\n",
            table(head, [*shifts(drawn), other, unsure]),
            "Other scenes differ by what they show; criteria compare images of the same prompt, "
            "where little of that is left.\n",
        ],
    )  # fmt: skip


if __name__ == "__main__":
    main()
