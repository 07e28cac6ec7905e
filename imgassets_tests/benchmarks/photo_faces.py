"""Collages with a known number of faces, among cats, cups and apples; half are asked wrongly."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache

import cv2
import numpy as np

from imgassets.documents.prompts import Expectation
from imgassets_tests.benchmarks.photo_cutouts import HOPPER, Cutout, Pixels, cutouts, photograph
from imgassets_tests.benchmarks.photo_scenes import Placed, collage

#: Heads: a photograph, and the ellipse around the head in pixels, (x, y, half width, half height).
_HEADS = (
    ("astronaut", (225, 115, 85, 110)),
    (HOPPER, (262, 235, 130, 165)),
    ("camera", (228, 150, 62, 75)),
)


@dataclass(frozen=True)
class FaceSample:
    """One labelled image: uint8, (512, 512, 3), sRGB; what is asked for; whether it shows that."""

    image: Pixels
    expectation: Expectation
    correct: bool


def face_samples(number: int, seed: int = 2026) -> Iterator[FaceSample]:
    """`number` images with none to four faces, and none to two other things."""
    rng = np.random.default_rng([seed, 77])
    for index in range(number):
        shown, correct = int(rng.integers(0, 5)), index % 2 == 0
        asked = shown if correct else max(0, shown + int(rng.choice([-1, 1])))
        if not correct and asked == shown:
            asked = 1
        cells = rng.permutation(9)[: shown + int(rng.integers(0, 3))].tolist()
        things = [one for one in (*cutouts("tune"), *cutouts("held")) if one.class_ != "person"]
        placed = []
        for place, cell in enumerate(cells):
            pool = heads() if place < shown else things
            one = pool[rng.integers(len(pool))]
            x, y = (cell % 3 + 0.5) / 3, (cell // 3 + 0.5) / 3
            placed.append(Placed(one, x, y, float(rng.uniform(0.2, 0.32))))
        image = collage(rng, "held", placed)
        yield FaceSample(image, Expectation(faces=asked), correct)


@cache
def heads() -> tuple[Cutout, ...]:
    """The heads, cut out along their ellipses."""
    found = []
    for source, (x, y, across, down) in _HEADS:
        image = photograph(source)
        alpha = np.zeros(image.shape[:2], np.float32)
        cv2.ellipse(alpha, (x, y), (across, down), 0.0, 0.0, 360.0, 1.0, cv2.FILLED)
        top, left = max(0, y - down), max(0, x - across)
        place = np.s_[top : y + down, left : x + across]
        soft = cv2.GaussianBlur(alpha, (0, 0), 1.5)
        found.append(Cutout("person", "dog", image[place], soft[place], recolored=False))
    return tuple(found)
