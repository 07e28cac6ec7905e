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
from imgassets.metrics.formulas.composition import score

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

    An object goes by one name: a judge that knows `couch` sees no couch beside the sofa that the
    prompt asks for.

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
    asked = [
        tuple(item.class_ for item in (*wanted.include, *wanted.exclude)) for wanted in expectations
    ]
    places = [place for place, words in enumerate(asked) if words]
    # As `composition.score` asks: what else a closed vocabulary sees makes reasons clearer.
    words = [tuple(dict.fromkeys((*asked[p], *(detector.classes or ())))) for p in places]
    found = dict(zip(places, _detected(detector, [images[p] for p in places], words), strict=True))
    return [
        _Seen(detector.classes, detector.colors, _by_one_name(found.get(place, []), asked[place]))
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


def _by_one_name(
    found: list[Detection] | JudgeError, asked: Sequence[str]
) -> list[Detection] | JudgeError:
    """Without objects under a name nobody asked for that are there under one that was."""
    if isinstance(found, JudgeError):
        return found
    named = {(one.box, one.score) for one in found if one.class_ in asked}
    return [one for one in found if one.class_ in asked or (one.box, one.score) not in named]
