"""Composition in batches: the same scores, one name for an object, and nothing spoiled."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np

from imgassets.documents.judge import Shapes
from imgassets.documents.prompts import Expectation
from imgassets.judges.detectors import Detection, DetectorError, FlatShapeDetector
from imgassets.judges.errors import JudgeError
from imgassets.judges.registry import open_judge
from imgassets.metrics.formulas.composition import score
from imgassets.metrics.formulas.composition_batches import score_many, scorer
from imgassets_tests.judges import small_models as small
from imgassets_tests.judges.small_models import document, made, photo

CAT = Expectation.model_validate({"include": [{"class": "cat"}]})
SOFA = Expectation.model_validate({"include": [{"class": "sofa", "count": 2}]})
GROUND = Expectation.model_validate({"background": "white"})
WHITE = np.full((32, 32, 3), 255, np.uint8)


class Couches:
    """Sees one couch in each image, under each of its names; looks at batches."""

    classes = ("cat", "couch")
    colors = ("red",)

    def __init__(self) -> None:
        self.batches: list[int] = []

    def detect(self, image: np.ndarray, classes: Sequence[str]) -> list[Detection]:
        return self.detect_batch([image], [classes])[0]

    def detect_batch(self, images: Sequence[Any], classes: Sequence[Any]) -> list[list[Detection]]:
        self.batches.append(len(images))
        if any("unicorn" in asked for asked in classes):
            raise DetectorError("does not know 'unicorn'")
        names = [[c for c in asked if c in ("sofa", "couch")] for asked in classes]
        return [[Detection(c, (0.0, 0.0, 9.0, 9.0), 0.95, "red") for c in of] for of in names]


def test_a_batch_is_looked_at_in_one_go_and_scores_as_each_alone() -> None:
    judge = Couches()
    found = score_many([WHITE, WHITE, WHITE], [CAT, GROUND, SOFA], judge)
    assert judge.batches == [2]  # a background needs no detector
    assert found[0] == score(WHITE, CAT, Couches())
    assert found[1] == score(WHITE, GROUND)
    assert [s.value for s in found[2]] == [0.0]


def test_an_object_goes_by_one_name() -> None:
    """The sofa asked for is not "seen" as a couch beside it."""
    ((verdict,),) = score_many([WHITE], [SOFA], Couches())
    assert verdict.reason == "expected 2 sofa, found 1"
    ((verdict,),) = score_many([WHITE], [CAT], Couches())
    assert verdict.reason == "expected 1 cat, found 0; saw 1 red couch"


def test_a_word_nobody_knows_spoils_its_own_image_only() -> None:
    unicorn = Expectation.model_validate({"include": [{"class": "unicorn"}]})
    green = Expectation.model_validate({"include": [{"class": "sofa", "color": "green"}]})
    one, other, fine = score_many([WHITE] * 3, [unicorn, green, CAT], Couches())
    assert isinstance(one, JudgeError)
    assert "unicorn" in str(one)
    assert isinstance(other, JudgeError)
    assert "green" in str(other)
    assert fine[0].value == 0.0


def test_detectors_without_batches_are_asked_one_by_one() -> None:
    wanted = Expectation.model_validate({"exclude": [{"class": "circle"}]})
    assert score_many([WHITE] * 2, [wanted] * 2, FlatShapeDetector()) == [
        score(WHITE, wanted) for _ in range(2)
    ]


def test_a_branch_is_scored_by_the_judge_of_its_contract() -> None:
    judge = open_judge(
        Path(),
        document(
            "object-detection", made(small.detr), batch_size=4,
            thresholds={"presence": 0.01, "counting": 0.6},
        ),
        "cpu",
    )  # fmt: skip
    rows = [
        SimpleNamespace(flow="generate", prompt_id="p", image_key=str(seed)) for seed in range(3)
    ]
    branch = SimpleNamespace(
        judge={"composition": judge}.__getitem__,
        expectations={("generate", "p"): SOFA},
        read_array=lambda key: photo(int(key)),
    )
    found = scorer(branch)
    many = found.many(rows)
    assert [[(s.metric, s.value) for s in of] for of in many] == [
        [(s.metric, s.value) for s in found(row)] for row in rows
    ]


def test_the_judge_of_flat_shapes_opens() -> None:
    shapes = Shapes.model_validate({"judge": "shapes", "kind": "shapes"})
    assert isinstance(open_judge(Path(), shapes, "cpu"), FlatShapeDetector)
