"""Faces: the formula, with the embedded judge and with one that says what it is told."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest
import skimage.data
from numpy.typing import NDArray

from imgassets.documents.judge import CenterFace
from imgassets.documents.prompts import Expectation
from imgassets.judges.errors import JudgeError
from imgassets.judges.faces import Face
from imgassets.judges.registry import open_judge
from imgassets.metrics.faces import FAMILY
from imgassets.metrics.formulas.faces import scored_by

IMAGE = np.zeros((32, 32, 3), np.uint8)


class Told:
    """A judge of faces that sees faces of these scores."""

    def __init__(self, *scores: float) -> None:
        self._scores = scores

    def faces(self, image: NDArray[np.uint8]) -> Sequence[Face]:
        return [Face((0.0, 0.0, 8.0, 8.0), score) for score in self._scores]


def values(judge: Told, number: int | None) -> dict[str, float]:
    scores = scored_by(judge)(IMAGE, Expectation(faces=number))
    assert all(bool(one.reason) == (one.value == 0.0) for one in scores)
    return {one.metric: one.value for one in scores}


def test_as_many_as_asked_for() -> None:
    assert values(Told(), 0) == {"faces.count": 1.0}
    assert values(Told(0.9, 0.6), 2) == {"faces.count": 1.0, "faces.confidence": 0.6}


@pytest.mark.parametrize("seen", [0, 1, 3])
def test_one_more_or_less_is_wrong(seen: int) -> None:
    assert values(Told(*[0.8] * seen), 2)["faces.count"] == 0.0


def test_reasons_can_be_checked_by_looking() -> None:
    (count, _) = scored_by(Told(0.7))(IMAGE, Expectation(faces=3))
    assert count.reason == "expected 3 faces, found 1"


def test_nothing_asked_for_is_not_judged() -> None:
    assert values(Told(0.9), None) == {}


def test_with_the_embedded_judge() -> None:
    score = scored_by(open_judge(Path(), CenterFace(judge="faces", kind="centerface"), "cpu"))
    one, none = Expectation(faces=1), Expectation(faces=0)
    astronaut, cat = skimage.data.astronaut(), skimage.data.chelsea()
    assert next(s.value for s in score(astronaut, one)) == 1.0
    assert next(s.value for s in score(astronaut, none)) == 0.0
    assert [s.value for s in score(cat, none)] == [1.0]
    assert [s.value for s in score(cat, one)] == [0.0]
    assert {s.metric for s in score(astronaut, one)} == {m.name for m in FAMILY.metrics}
    with pytest.raises(JudgeError):
        score(np.zeros((4, 4, 3), np.uint8), one)
