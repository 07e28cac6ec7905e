"""Readings of what a detector cannot tell, on hand-made detections."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from imgassets.judges.detectors import Detection, DetectorError
from imgassets.metrics.formulas.composition import score
from imgassets.metrics.formulas.doubts import readings
from imgassets.metrics.formulas.geneval import GENEVAL, judge
from imgassets_tests.metrics.test_composition import ONE, TWO, expect, found

SURE = found("circle", 0)


def doubtful(x: float, *may_be: str | None) -> Detection:
    box = (x - 10.0, -10.0, x + 10.0, 10.0)
    return Detection(may_be[0] or "circle", box, 0.5, "red", "is turned", may_be)


def test_each_reading_is_sure_enough_to_count() -> None:
    seen = list(readings([SURE, doubtful(50, "circle", None)], TWO))
    assert [judge(one, TWO, GENEVAL).correct for one in seen] == [True, False]


def test_without_doubts_there_is_one_reading() -> None:
    assert list(readings([SURE], TWO)) == [[SURE]]


def test_doubts_about_other_classes_are_left_alone() -> None:
    other = doubtful(50, "star", None)
    assert list(readings([SURE, other], TWO)) == [[SURE, other]]


def test_readings_multiply_and_too_many_are_refused() -> None:
    doubts = [doubtful(40.0 * k, "circle", "square", None) for k in range(8)]
    assert len(list(readings(doubts[:3], TWO))) == 27
    with pytest.raises(DetectorError, match="8 objects cannot be told: a circle or a square"):
        list(readings(doubts, TWO))


def test_a_score_that_hangs_on_a_doubt_is_refused() -> None:
    class Doubting:
        classes, colors = ("circle", "star"), ("red",)

        def detect(self, image: Any, classes: Any) -> list[Detection]:
            return [SURE, doubtful(50, "circle", None)]

    image = np.zeros((96, 96, 3), np.uint8)
    with pytest.raises(DetectorError, match=r"hangs on a circle or no object at .* is turned"):
        score(image, TWO, Doubting())
    assert score(image, ONE, Doubting())[0].value == 1.0
    assert score(image, expect([{"class": "star"}]), Doubting())[0].value == 0.0
