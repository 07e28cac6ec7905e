"""Detectors with fixed classes: DETR, RT-DETR, D-FINE and Mask2Former, small ones, for real."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from imgassets.judges.detectors import Detection, DetectorError
from imgassets.judges.errors import JudgeError
from imgassets.judges.registry import open_judge
from imgassets.judges.transformers_detector import _masks
from imgassets_tests.judges import small_models as small
from imgassets_tests.judges.small_models import document, made, photo

transformers = pytest.importorskip("transformers")

LOW = {"presence": 0.01, "counting": 0.6}
BOXES = [small.detr, small.rt_detr, small.d_fine]
KINDS = {
    small.detr: "object-detection",
    small.rt_detr: "object-detection",
    small.d_fine: "object-detection",
    small.mask2former: "instance-segmentation",
}


def opened(make: Any, **fields: Any) -> Any:
    return open_judge(
        Path(), document(KINDS[make], made(make), **{"thresholds": LOW, **fields}), "cpu"
    )


@pytest.mark.parametrize("make", KINDS)
def test_detections_keep_the_protocol(make: Any) -> None:
    """Boxes inside the image, scores above the bar, the surest first, a color of its judge."""
    detector = opened(make)
    assert detector.classes == small.CLASSES
    found = detector.detect(photo(), ["cat", "dog", "sofa"])
    assert found
    assert [d.score for d in found] == sorted((d.score for d in found), reverse=True)
    for one in found:
        x0, y0, x1, y1 = one.box
        assert 0 <= x0 < x1 <= 90
        assert 0 <= y0 < y1 <= 64
        assert 0.3 < one.score <= 1.0
        assert one.color in detector.colors


@pytest.mark.parametrize("make", KINDS)
def test_only_what_is_asked_for_comes_back_under_the_prompts_word(make: Any) -> None:
    detector = opened(make)
    everything = detector.detect(photo(), ["cat", "dog", "sofa"])
    assert {d.class_ for d in detector.detect(photo(), ["Couches", "puppy"])} == {
        {"sofa": "Couches", "dog": "puppy"}[d.class_] for d in everything if d.class_ != "cat"
    }
    assert detector.detect(photo(), []) == []


def test_a_word_of_the_judges_own_and_an_unknown_one() -> None:
    tiger = opened(small.detr, synonyms={"tiger": "cat"})
    assert tiger.detect(photo(), ["tiger"]) == [
        Detection("tiger", d.box, d.score, d.color)
        for d in opened(small.detr).detect(photo(), ["cat"])
    ]
    with pytest.raises(DetectorError, match=r"does not know 'dogma'.*closest.*'dog'"):
        tiger.detect(photo(), ["dogma"])


@pytest.mark.parametrize("make", BOXES)
def test_scores_and_boxes_are_those_of_transformers_own_pipeline(make: Any) -> None:
    """The pipeline rounds boxes down; scores and labels are equal to 1e-4."""
    detector = opened(make, thresholds={"presence": 0.3, "counting": 0.9})
    from PIL import Image

    folder = str(made(make))
    ask = transformers.pipeline("object-detection", model=folder, device="cpu")
    own = [
        answer
        for answer in ask(Image.fromarray(photo()), threshold=0.3)
        if answer["label"] != "N/A"
    ]
    found = detector.detect(photo(), small.CLASSES)
    assert len(own) == len(found)
    for one, answer in zip(found, sorted(own, key=lambda a: -a["score"]), strict=True):
        assert one.score == pytest.approx(answer["score"], abs=1e-4)
        assert one.class_ == answer["label"]


def test_masks_agree_with_transformers_post_processing() -> None:
    """Scores of Mask2Former are transformers' own where masks are as large as 384 x 384."""
    import torch
    from PIL import Image

    detector = opened(small.mask2former)
    inputs = detector._processor(images=[Image.fromarray(photo())], return_tensors="pt")
    with torch.inference_mode():
        outputs = detector._model(**inputs)
        ours = _masks(outputs, {"pixel_values": torch.zeros(1, 3, 384, 384)}, (384, 384), 0.01)[0]
        (theirs,) = detector._processor.post_process_instance_segmentation(
            outputs, threshold=0.01, target_sizes=[(384, 384)], return_binary_maps=True
        )
    scores = sorted((s["label_id"], s["score"]) for s in theirs["segments_info"])
    assert sorted((row[0], row[1]) for row in ours) == [
        (label, pytest.approx(score, abs=1e-4)) for label, score in scores
    ]
    areas = sorted(int(m.sum()) for m in theirs["segmentation"])
    assert sorted(int(row[3].sum()) for row in ours) == areas


def test_a_mask_gives_the_box_and_decides_the_color() -> None:
    """One sure query whose mask is the lower half of a red and blue image: blue."""
    from types import SimpleNamespace

    import torch

    masks = torch.full((1, 2, 8, 8), -9.0)
    masks[0, 0, 4:, :6] = 9.0
    classes = torch.tensor([[[0.0, 9.0, 0.0, -9.0], [-9.0, -9.0, -9.0, 9.0]]])
    outputs = SimpleNamespace(class_queries_logits=classes, masks_queries_logits=masks)
    inputs = {"pixel_values": torch.zeros(1, 3, 64, 64)}
    ((row,),) = _masks(outputs, inputs, (64, 64), 0.3)
    label, score, box, mask = row
    assert label == 1
    assert score > 0.9
    assert box == (0.0, pytest.approx(32, abs=1), pytest.approx(48, abs=1), 64.0)
    image = np.full((64, 64, 3), (214, 26, 34), np.uint8)
    image[32:] = (20, 85, 230)
    assert opened(small.mask2former)._colors.color(image, box, "dog", mask) == "blue"


def test_overlapping_boxes_are_thinned_within_and_across_classes() -> None:
    every, within, across = (
        opened(small.detr, max_overlap=m, max_overlap_across=a).detect(photo(), small.CLASSES)
        for m, a in ((1.0, 1.0), (0.9, 1.0), (1.0, 0.9))
    )
    assert len(across) <= len(within) < len(every)
    assert len(across) < len(every)


def test_the_documents_classes_must_be_the_models() -> None:
    assert opened(small.detr, classes=small.CLASSES).classes == small.CLASSES
    with pytest.raises(JudgeError, match=r"document has horse.*model has sofa"):
        opened(small.detr, classes=("cat", "dog", "horse"))


def test_colors_by_clip_are_genevals() -> None:
    detector = opened(small.detr, colors={"weights": str(made(small.clip))})
    assert len(detector.colors) == 10
    assert {d.color for d in detector.detect(photo(), ["cat", "dog"])} <= set(detector.colors)


def test_no_image_is_said() -> None:
    with pytest.raises(DetectorError, match="expected an image"):
        opened(small.detr).detect(photo().astype(np.float32), ["cat"])
