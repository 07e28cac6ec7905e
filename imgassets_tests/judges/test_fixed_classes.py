"""What detectors with fixed classes share: stretched scores, words, thinned boxes."""

from __future__ import annotations

import numpy as np
import pytest

from imgassets.judges.class_names import COCO
from imgassets.judges.detectors import Detection, DetectorError
from imgassets.judges.fixed_classes import stretched, thinned, words_by_class


def test_stretches_onto_genevals_scale() -> None:
    own = [0.0, 0.1, 0.2, 0.5, 0.8, 0.9, 1.0]
    expected = [0.0, 0.15, 0.3, 0.6, 0.9, 0.95, 1.0]
    assert [stretched(score, 0.2, 0.8) for score in own] == pytest.approx(expected)
    assert np.all(np.diff([stretched(s, 0.35, 0.36) for s in np.linspace(0, 1, 101)]) > 0)


def test_words_come_back_by_class_in_order() -> None:
    found = words_by_class(["Mugs", "sofa", "cup", "Mugs", "brew"], COCO, {"brew": "cup"})
    assert found == {"cup": ["Mugs", "cup", "brew"], "couch": ["sofa"]}


@pytest.mark.parametrize(
    ("word", "closest"), [("girafe", "giraffe"), ("televisions set", "tv"), ("xyz", "")]
)
def test_unknown_words(word: str, closest: str) -> None:
    with pytest.raises(DetectorError, match=f"{word!r}.*{closest}"):
        words_by_class(["cat", word], COCO, {})


def box(class_: str, score: float, left: float, width: float = 10.0) -> Detection:
    return Detection(class_, (left, 0.0, left + width, 10.0), score, None)


def test_of_two_boxes_of_one_class_the_surer_stays() -> None:
    found = [box("cup", 0.6, 1.0), box("cup", 0.9, 0.0), box("cup", 0.5, 30.0)]
    assert [one.score for one in thinned(found, 0.6)] == [0.9, 0.5]
    assert [one.score for one in thinned(found, 1.0)] == [0.9, 0.6, 0.5]


def test_across_classes_only_where_asked() -> None:
    found = [box("bowl", 0.8, 0.0), box("cup", 0.9, 0.0), box("spoon", 0.4, 6.0)]
    assert [one.class_ for one in thinned(found, 0.6)] == ["cup", "bowl", "spoon"]
    assert [one.class_ for one in thinned(found, 0.6, 0.8)] == ["cup", "spoon"]
