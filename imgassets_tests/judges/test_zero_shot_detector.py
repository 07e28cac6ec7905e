"""Detectors for any words: OWLv2 and Grounding DINO, small ones, for real."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from imgassets.documents.prompts import Expectation
from imgassets.judges.errors import JudgeError
from imgassets.judges.registry import open_judge
from imgassets.metrics.formulas.composition import score
from imgassets_tests.judges import small_models as small
from imgassets_tests.judges.small_models import document, made, photo

transformers = pytest.importorskip("transformers")

LOW = {"presence": 0.01, "counting": 0.6}


def opened(make: Any = small.owl, **fields: Any) -> Any:
    fields = {"thresholds": LOW, "max_overlap": 0.5, **fields}
    return open_judge(Path(), document("zero-shot-object-detection", made(make), **fields), "cpu")


@pytest.mark.parametrize("make", [small.owl, small.dino])
def test_detections_keep_the_protocol(make: Any) -> None:
    """Words asked for, boxes inside the image, scores above the bar, the surest first."""
    detector = opened(make)
    assert detector.classes is None
    found = detector.detect(photo(), ["cat", "dog"])
    assert {d.class_ for d in found} == {"cat", "dog"}
    assert [d.score for d in found] == sorted((d.score for d in found), reverse=True)
    for one in found:
        x0, y0, x1, y1 = one.box
        assert 0 <= x0 < x1 <= 90
        assert 0 <= y0 < y1 <= 64
        assert 0.3 < one.score <= 1.0
        assert one.color in detector.colors
    assert detector.detect(photo(), []) == []


@pytest.mark.parametrize("make", [small.owl, small.dino])
def test_a_word_is_seen_alike_whatever_else_is_asked(make: Any) -> None:
    detector = opened(make)
    alone = detector.detect(photo(), ["cat"])
    beside = [d for d in detector.detect(photo(), ["dog", "cat", "bird"]) if d.class_ == "cat"]
    assert [d.score for d in alone] == pytest.approx([d.score for d in beside], abs=1e-4)
    assert [d.box for d in alone] == [pytest.approx(d.box, abs=1e-2) for d in beside]


@pytest.mark.parametrize("make", [small.owl, small.dino])
def test_scores_are_those_of_transformers_own_pipeline(make: Any) -> None:
    """Scores to 1e-4, before suppression and stretching."""
    detector = opened(make, thresholds={"presence": 0.3, "counting": 0.9}, max_overlap=1.0)
    folder = made(make)
    kinds = ("AutoModelForZeroShotObjectDetection", "AutoImageProcessor", "AutoTokenizer")
    parts = [getattr(transformers, kind).from_pretrained(folder) for kind in kinds]
    ask = transformers.pipeline(
        "zero-shot-object-detection", model=parts[0], image_processor=parts[1], tokenizer=parts[2]
    )
    labels = ["cat."] if make is small.dino else ["cat"]
    answers = ask(Image.fromarray(photo()), candidate_labels=labels, threshold=0.3)
    found = detector.detect(photo(), ["cat"])
    theirs = [a["score"] for a in answers]
    assert found
    for one in found:
        assert min(abs(one.score - score) for score in theirs) <= 1e-4
    # The pipeline rounds boxes down, and keeps those beyond the image, as OWLv2 sees some.
    clear = [a["score"] for a in answers if _inside(a["box"])]
    assert len(clear) <= len(found) <= len(theirs)


def _inside(box: dict[str, int]) -> bool:
    """Whether pixels of a box are in the image."""
    width = min(box["xmax"], 90) - max(box["xmin"] + 1, 0)
    return width >= 1 and min(box["ymax"], 64) - max(box["ymin"] + 1, 0) >= 1


def test_overlapping_boxes_are_thinned() -> None:
    every = opened(max_overlap=1.0).detect(photo(), ["cat"])
    assert len(opened().detect(photo(), ["cat"])) < len(every)


def test_grounding_dino_hears_sentences() -> None:
    """Its words are spelled its way on the way in, and as asked on the way out."""
    found = opened(small.dino).detect(photo(), ["Cat", "cat.", "dog"])
    assert {d.class_ for d in found} == {"Cat", "cat.", "dog"}
    boxes = {word: [d.box for d in found if d.class_ == word] for word in ("Cat", "cat.")}
    assert boxes["Cat"] == boxes["cat."]


def test_scores_reach_the_rule() -> None:
    """Any words are judged by the same rule as the flat shapes."""
    wanted = Expectation.model_validate({"include": [{"class": "cat", "count": 1}]})
    assert score(photo(), wanted, opened())[0].value == 1.0
    unwanted = Expectation.model_validate({"exclude": [{"class": "cat", "count": 1}]})
    (verdict,) = score(photo(), unwanted, opened())
    assert verdict.value == 0.0
    assert verdict.reason.startswith("expected no cat, found ")


def test_a_detector_of_fixed_classes_is_none_for_any_words() -> None:
    with pytest.raises(JudgeError, match=r"detr model does not fit.*`kind: object-detection`"):
        opened(small.detr)
