"""The embedded judge of photographs: what it sees on known photographs, and what it refuses."""

from __future__ import annotations

import shutil
from pathlib import Path

import numpy as np
import pytest
import skimage.data
import yaml
from numpy.typing import NDArray

from imgassets.documents.judge import EMBEDDED, SsdMobilenet
from imgassets.documents.prompts import Expectation
from imgassets.judges.detectors import DetectorError
from imgassets.judges.errors import JudgeError
from imgassets.judges.registry import open_judge
from imgassets.judges.ssd_mobilenet import SsdMobilenetDetector, _anchors, _decoded
from imgassets.metrics.formulas.composition import score

Pixels = NDArray[np.uint8]
WEIGHTS = EMBEDDED.parent / "weights/coco-small/model.onnx"


def opened(root: Path = Path(), **fields: object) -> SsdMobilenetDetector:
    """The embedded judge, with fields changed."""
    document = yaml.safe_load((EMBEDDED / "coco-small.yaml").read_text(encoding="utf-8"))
    judge = open_judge(root, SsdMobilenet.model_validate(document | fields), "cpu")
    assert isinstance(judge, SsdMobilenetDetector)
    return judge


@pytest.fixture(scope="module")
def judge() -> SsdMobilenetDetector:
    return opened()


def motorcycle() -> Pixels:
    return np.asarray(skimage.data.stereo_motorcycle()[0], np.uint8)


def correct(judge: SsdMobilenetDetector, image: Pixels, **expect: object) -> tuple[bool, str]:
    (one,) = score(image, Expectation.model_validate(expect), judge)
    return one.value == 1.0, one.reason or ""


PHOTOGRAPHS = {
    "cat": skimage.data.chelsea,
    "cup": skimage.data.coffee,
    "person": skimage.data.astronaut,
    "motorcycle": motorcycle,
}


@pytest.mark.parametrize("name", PHOTOGRAPHS)
def test_photographs_show_what_they_show_and_nothing_else(
    judge: SsdMobilenetDetector, name: str
) -> None:
    image = PHOTOGRAPHS[name]()
    assert correct(judge, image, include=[{"class": name}]) == (True, "")
    for other in set(PHOTOGRAPHS) - {name}:
        right, reason = correct(judge, image, include=[{"class": other}])
        assert not right
        assert f"expected 1 {other}, found 0" in reason
    assert not correct(judge, image, exclude=[{"class": name}])[0]


def test_no_object_where_there_is_none(judge: SsdMobilenetDetector) -> None:
    assert judge.classes is not None
    for image in (skimage.data.gravel(), skimage.data.brick()):
        assert judge.detect(np.stack([image] * 3, axis=-1), judge.classes) == []
    assert judge.detect(np.full((64, 64, 3), 128, np.uint8), judge.classes) == []


def test_boxes_are_where_the_object_is(judge: SsdMobilenetDetector) -> None:
    """The cup of `coffee`, whose outline a person took from the photograph, within 4 %."""
    (cup,) = judge.detect(skimage.data.coffee(), ["cup"])
    assert cup.box == pytest.approx((172, 17, 412, 240), abs=24)


def test_position_and_count_of_photographs_side_by_side(judge: SsdMobilenetDetector) -> None:
    cat, cup = skimage.data.chelsea()[:, 20:420], skimage.data.coffee()[:300, 100:500]
    both = np.hstack([cat, cup])
    beside = [{"class": "cup"}, {"class": "cat", "position": ["left of", 0]}]
    assert correct(judge, both, include=beside)[0]
    assert not correct(judge, both[:, ::-1].copy(), include=beside)[0]
    assert not correct(judge, both, include=[{"class": "cat", "count": 2}])[0]


def test_words_of_prompts_come_back_as_asked(judge: SsdMobilenetDetector) -> None:
    found = judge.detect(skimage.data.coffee(), ["Mugs", "coffee cup"])
    assert [one.class_ for one in found] == ["Mugs", "coffee cup"]
    assert len({one.box for one in found}) == 1
    assert opened(synonyms={"espresso": "cup"}).detect(skimage.data.coffee(), ["espresso"])


def test_what_was_asked_for_is_not_something_else_that_was_seen(
    judge: SsdMobilenetDetector,
) -> None:
    right, reason = correct(judge, skimage.data.coffee(), include=[{"class": "mug", "count": 3}])
    assert not right
    assert reason.startswith("expected 3 mug, found 1")
    assert "cup" not in reason


def test_one_thing_is_not_two(judge: SsdMobilenetDetector) -> None:
    """A bowl is seen where the cup is; the surer one stays."""
    image = skimage.data.coffee()
    assert opened(max_overlap_across=1.0).detect(image, ["bowl"])
    assert not opened(max_overlap_across=0.7).detect(image, ["bowl"])
    assert not correct(opened(max_overlap_across=0.7), image, include=[{"class": "bowl"}])[0]


def test_thresholds_are_stretched_onto_genevals_scale() -> None:
    image = skimage.data.chelsea()
    (raw,) = opened(thresholds={"presence": 0.3, "counting": 0.9}).detect(image, ["cat"])
    mild = {"presence": 0.2, "counting": raw.score - 0.01}
    (sure,) = opened(thresholds=mild).detect(image, ["cat"])
    assert sure.score > 0.9
    strict = {"presence": raw.score + 0.01, "counting": 0.99}
    assert opened(thresholds=strict).detect(image, ["cat"]) == []


def test_unknown_words_name_the_closest_class(judge: SsdMobilenetDetector) -> None:
    with pytest.raises(DetectorError, match=r"'girafe'.*'giraffe'"):
        judge.detect(skimage.data.coffee(), ["girafe"])


@pytest.mark.parametrize(
    "image", [np.zeros((64, 64), np.uint8), np.zeros((64, 64, 3)), np.zeros((8, 64, 3), np.uint8)]
)
def test_refuses_what_is_no_image(judge: SsdMobilenetDetector, image: Pixels) -> None:
    with pytest.raises(DetectorError, match="expected"):
        judge.detect(image, ["cat"])


@pytest.mark.parametrize("shape", [(16, 16), (1500, 40), (700, 1100)])
def test_takes_any_size(judge: SsdMobilenetDetector, shape: tuple[int, int]) -> None:
    assert judge.classes is not None
    image = np.random.default_rng(0).integers(0, 256, (*shape, 3), np.uint8)
    for one in judge.detect(image, judge.classes):
        assert 0 <= one.box[0] <= one.box[2] <= shape[1]
        assert 0 <= one.box[1] <= one.box[3] <= shape[0]


def test_same_image_same_answer(judge: SsdMobilenetDetector) -> None:
    boxes, scores = judge.seen(skimage.data.coffee())
    again = opened(max_overlap=0.5).seen(skimage.data.coffee())
    assert np.array_equal(boxes, again[0])
    assert np.array_equal(scores, again[1])
    assert boxes.shape == (1917, 4)
    assert scores.shape == (1917, 80)
    assert 0.0 <= scores.min() <= scores.max() <= 1.0


def test_decoding_by_hand() -> None:
    """Nothing encoded is the anchor itself; ten is one side, five is `e` times."""
    anchors = _anchors()
    assert len(anchors) == 19**2 * 3 + (10**2 + 5**2 + 3**2 + 2**2 + 1) * 6
    y, x, height, width = anchors[500].astype(np.float64)
    still = _decoded(np.zeros((1917, 4), np.float32))[500]
    assert still == pytest.approx([x - width / 2, y - height / 2, x + width / 2, y + height / 2])
    moved = _decoded(np.full((1917, 4), [10.0, 0.0, 0.0, 5.0], np.float32))[500]
    sides = (moved[2] - moved[0], moved[3] - moved[1])
    assert sides == pytest.approx((width * np.e, height), rel=1e-5)
    assert (moved[1] + moved[3]) / 2 == pytest.approx(y + height, rel=1e-5)


def test_weights_that_cannot_be_used(tmp_path: Path) -> None:
    with pytest.raises(JudgeError, match="no weights"):
        opened(tmp_path, weights="nowhere")
    (tmp_path / "broken").mkdir()
    (tmp_path / "broken/model.onnx").write_bytes(b"no model")
    with pytest.raises(JudgeError, match="cannot load"):
        opened(tmp_path, weights="broken")
    (tmp_path / "other").mkdir()
    shutil.copy(WEIGHTS.parents[1] / "centerface/model.onnx", tmp_path / "other/model.onnx")
    with pytest.raises(JudgeError, match="boxes, scores"):
        opened(tmp_path, weights="other")
