"""Composition: does an image show the objects asked for, in count, color, position and size?

From an image and its expectation to scores, through a detector and GenEval's rule (`geneval`).
Size and background are not part of GenEval and are scored apart from it.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import numpy as np
from numpy.typing import NDArray

from imgassets.documents.prompts import Expectation, ObjectExpectation
from imgassets.judges.detector_classes import COLOR_NAMES
from imgassets.judges.detectors import (
    Detection,
    Detector,
    DetectorError,
    FlatShapeDetector,
    check_image,
)
from imgassets.judges.regions import background_color
from imgassets.metrics.formulas.doubts import described, readings
from imgassets.metrics.formulas.geneval import GENEVAL, Objects, judge, kept, overall, task_means
from imgassets.metrics.scores import Score

__all__ = ["LARGE_SHARE", "overall", "score", "task_means"]

#: Share of the image an object's box covers from which on the object is large: the geometric mean
#: of the shares of the two sizes of the drawn scenes, 56 and 26 pixels of 96 (.34 and .073, their
#: jitter of 5 % of a side included .31 to .38 and .066 to .081).
LARGE_SHARE = 56.0 * 26.0 / 96.0**2


def score(
    image: NDArray[np.uint8], expectation: Expectation, detector: Detector | None = None
) -> list[Score]:
    """Scores of one image, for what its expectation speaks of.

    Args:
        image: uint8, (H, W, 3), sRGB, 0..255.
        expectation: what the prompt asks for.
        detector: finds the objects; None takes the deterministic one for flat shapes.

    Returns:
        `composition.correct` when objects are included or excluded, `composition.size` when an
        included one has a size, `composition.background` when a background is given: each 1.0 or
        0.0 (higher is better), with a reason where it is 0.0. Empty when none of it is asked for.

    Raises:
        DetectorError: for an image, a class or a color that cannot be judged, and where a score
            hangs on something the detector cannot tell.
    """
    scores = []
    if expectation.judges_composition:
        scores += _object_scores(image, expectation, detector or FlatShapeDetector())
    if expectation.background is not None:
        scores.append(_background_score(image, expectation.background))
    return scores


def _object_scores(
    image: NDArray[np.uint8], expectation: Expectation, detector: Detector
) -> list[Score]:
    _check_colors((wanted.color for wanted in expectation.include), detector.colors)
    asked = [wanted.class_ for wanted in (*expectation.include, *expectation.exclude)]
    found = _by_one_name(detector.detect(image, words_of(expectation, detector)), asked)
    answers = [_judged(image, expectation, seen) for seen in readings(found, expectation)]
    if len({tuple(one.value for one in scores) for scores in answers}) > 1:
        raise DetectorError(f"the verdict hangs on {described(found, expectation)}")
    return answers[0]


def words_of(expectation: Expectation, detector: Detector) -> tuple[str, ...]:
    """What a detector is asked for: objects included and excluded, and all else that it knows.

    What else a closed vocabulary sees makes reasons easier to check: "saw 1 red square".
    """
    asked = (item.class_ for item in (*expectation.include, *expectation.exclude))
    return tuple(dict.fromkeys((*asked, *(detector.classes or ()))))


def _by_one_name(found: Sequence[Detection], asked: Sequence[str]) -> list[Detection]:
    """Without objects under a name nobody asked for that are there under one that was.

    A judge that knows `couch` sees no couch beside the sofa that the prompt asks for.
    """
    named = {(one.box, one.score) for one in found if one.class_ in asked}
    return [one for one in found if one.class_ in asked or (one.box, one.score) not in named]


def _judged(
    image: NDArray[np.uint8], expectation: Expectation, found: Sequence[Detection]
) -> list[Score]:
    verdict = judge(found, expectation, GENEVAL)
    scores = [Score("composition.correct", float(verdict.correct), verdict.reason)]
    sized = [wanted for wanted in expectation.include if wanted.size is not None]
    if sized:
        objects = kept(found, expectation, GENEVAL)
        area = float(image.shape[0] * image.shape[1])
        faults = [fault for wanted in sized if (fault := _size_fault(wanted, objects, area))]
        scores.append(Score("composition.size", float(not faults), "; ".join(faults)))
    return scores


def _size_fault(wanted: ObjectExpectation, objects: Objects, area: float) -> str:
    """What is wrong with the size of the surest object of a class; empty when nothing is."""
    found = objects.get(wanted.class_)
    if not found:
        return f"expected {wanted.size} {wanted.class_}, found none"
    x0, y0, x1, y1 = found[0].box
    share = (x1 - x0) * (y1 - y0) / area
    size = "large" if share >= LARGE_SHARE else "small"
    if size == wanted.size:
        return ""
    return f"expected {wanted.size} {wanted.class_}, found {size} ({share:.0%} of the image)"


def _background_score(image: NDArray[np.uint8], expected: str) -> Score:
    _check_colors((expected,), COLOR_NAMES)
    check_image(image)
    found = background_color(image)
    reason = "" if found == expected else f"expected {expected} background, found {found}"
    return Score("composition.background", float(found == expected), reason)


def _check_colors(colors: Iterable[str | None], known: tuple[str, ...]) -> None:
    unknown = sorted({color for color in colors if color is not None} - set(known))
    if unknown:
        raise DetectorError(
            f"no detector can tell the color {', '.join(map(repr, unknown))}; "
            f"expected one of {', '.join(known)}"
        )
