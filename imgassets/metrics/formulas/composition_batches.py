"""Composition of several images in one go, by detectors that look at batches."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from imgassets.documents.prompts import Expectation
from imgassets.judges.detectors import Detection, Detector
from imgassets.judges.errors import JudgeError
from imgassets.metrics.formulas.batches import InBatches, Judged, JudgedBranch
from imgassets.metrics.formulas.composition import score, words_of

Pixels = NDArray[np.uint8]


def scorer(branch: JudgedBranch) -> InBatches:
    """Scores images of a branch by the judge that its contract chose.

    Raises:
        JudgeError: that judge cannot be loaded.
    """
    detector = branch.judge("composition")

    def several(rows: Sequence[Any], images: Sequence[Pixels]) -> Sequence[Judged]:
        wanted = [branch.expectations[row.flow, row.prompt_id] for row in rows]
        return score_many(images, wanted, detector)

    return InBatches(branch.read_array, several)


def score_many(
    images: Sequence[Pixels], expectations: Sequence[Expectation], detector: Detector
) -> list[Judged]:
    """`composition.score` of several images, which the detector looks at in one go if it can.

    Args:
        images: uint8, (H, W, 3), sRGB, each of any size.
        expectations: what each must show.
        detector: as in `composition.score`; with `detect_batch`, that is asked.

    Returns:
        The scores of each image, or the `JudgeError` that says why it has none.
    """
    return [
        _judged(image, wanted, seen)
        for image, wanted, seen in zip(
            images, expectations, _looked_at(images, expectations, detector), strict=True
        )
    ]


@dataclass(frozen=True)
class _Seen:
    """A detector that has looked already; or could not."""

    classes: tuple[str, ...] | None
    colors: tuple[str, ...]
    found: list[Detection] | JudgeError

    def detect(self, image: Pixels, classes: Sequence[str]) -> list[Detection]:  # noqa: ARG002
        if isinstance(self.found, JudgeError):
            raise self.found
        return self.found


def _judged(image: Pixels, wanted: Expectation, seen: Detector) -> Judged:
    try:
        return score(image, wanted, seen)
    except JudgeError as error:
        return error


def _looked_at(
    images: Sequence[Pixels], expectations: Sequence[Expectation], detector: Detector
) -> list[_Seen]:
    places = [p for p, wanted in enumerate(expectations) if wanted.judges_composition]
    words = [words_of(expectations[p], detector) for p in places]
    found = dict(zip(places, _detected(detector, [images[p] for p in places], words), strict=True))
    return [
        _Seen(detector.classes, detector.colors, found.get(place, []))
        for place in range(len(images))
    ]


def _detected(
    detector: Detector, images: Sequence[Pixels], words: Sequence[Sequence[str]]
) -> list[list[Detection] | JudgeError]:
    """What is seen in each image; one by one where a batch cannot be looked at."""
    together = getattr(detector, "detect_batch", None)
    if together is not None and len(images) > 1:
        try:
            return list(together(images, words))
        except JudgeError:
            pass  # one of them cannot; which, this tells
    found: list[list[Detection] | JudgeError] = []
    for image, asked in zip(images, words, strict=True):
        try:
            found.append(detector.detect(image, asked))
        except JudgeError as error:
            found.append(error)
    return found
