"""Faces: from what a judge sees to scores."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from imgassets.documents.prompts import Expectation
from imgassets.judges.faces import FaceJudge
from imgassets.metrics.scores import Score


def scored_by(judge: FaceJudge) -> Callable[[NDArray[np.uint8], Expectation], list[Score]]:
    """A function from an image (uint8, (H, W, 3), sRGB) and its expectation to its scores.

    It gives `faces.count`, 1.0 or 0.0, and where a face is seen `faces.confidence`, 0..1; nothing
    where no number of faces is asked for. Higher is better. It raises `JudgeError` for an image
    the judge cannot take.
    """

    def score(image: NDArray[np.uint8], wanted: Expectation) -> list[Score]:
        if wanted.faces is None:
            return []
        found = judge.faces(image)
        right = len(found) == wanted.faces
        reason = "" if right else f"expected {wanted.faces} faces, found {len(found)}"
        scores = [Score("faces.count", float(right), reason)]
        if found:
            scores.append(Score("faces.confidence", min(face.score for face in found)))
        return scores

    return score
