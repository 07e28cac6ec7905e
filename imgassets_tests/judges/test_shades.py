"""Two objects of one color name in two shades are two; one object in two shades is one."""

from __future__ import annotations

from collections import Counter

import numpy as np
import pytest

from imgassets.documents.prompts import Expectation
from imgassets.judges.detector_classes import RGB, SHAPES
from imgassets.judges.detectors import FlatShapeDetector
from imgassets.metrics.formulas.composition import score
from imgassets_tests.judges.shades import (
    BACKGROUNDS,
    LAYOUTS,
    SHADINGS,
    Pixels,
    apart,
    draw,
    drawings,
    pairs,
    shaded,
)
from imgassets_tests.metrics.planted_scenes import CONDITIONS

BLUE, NAVY, SKY = (20, 85, 230), (0, 0, 128), (100, 149, 237)
WHITE = BACKGROUNDS[0]


def counted(image: Pixels) -> Counter[tuple[str, str | None]]:
    """What is surely there, by GenEval's bar for counting."""
    found = FlatShapeDetector().detect(image, SHAPES)
    return Counter((d.class_, d.color) for d in found if d.score > 0.9)


def correct(image: Pixels, **expected: object) -> bool:
    return score(image, Expectation.model_validate(expected))[0].value == 1.0


@pytest.mark.parametrize("layout", LAYOUTS)
@pytest.mark.parametrize("condition", ["clean", "all three"])
def test_every_pair_of_shades_is_two_objects(layout: str, condition: str) -> None:
    """Apart or touching, on white and on colors, as drawn and after blur, noise and JPEG."""
    rng = np.random.default_rng(0)
    wrong = [
        (name, shape, found)
        for name, shape, image in drawings([layout])
        if (found := counted(CONDITIONS[condition](image, rng))) != {(shape, name): 2}
    ]
    assert wrong == []


@pytest.mark.parametrize("how", SHADINGS)
def test_one_object_in_two_shades_stays_one(how: str) -> None:
    """A gradient, a shadow, a highlight: shading is no second object."""
    wrong = [
        (name, shape, found)
        for index, (name, a, b) in enumerate(pairs())
        if min(apart(WHITE, a), apart(WHITE, b)) > 46
        for shape in [SHAPES[index % len(SHAPES)]]
        if (found := [cls for cls, _ in counted(shaded(shape, a, b, how, WHITE)).elements()])
        != [shape]
    ]
    assert wrong == []


@pytest.mark.parametrize("colors", [(BLUE, NAVY), (BLUE, NAVY, SKY), (BLUE, NAVY, SKY, BLUE)])
@pytest.mark.parametrize("shape", SHAPES)
def test_shades_are_counted_and_excluded(shape: str, colors: tuple[RGB, ...]) -> None:
    """Right counts pass; one more or one less than asked for, and an extra object, do not."""
    places = [(15.0, 15.0), (145.0, 15.0), (15.0, 145.0), (145.0, 145.0)]
    objects = [
        (shape, color, (x, y, x + 90, y + 90))
        for color, (x, y) in zip(colors, places, strict=False)
    ]
    image, number = draw(WHITE, objects), len(colors)

    def asked(count: int) -> dict[str, object]:
        return {"class": shape, "count": count, "color": "blue"}

    more = [{"class": shape, "count": number + 1}]
    assert correct(image, include=[asked(number)], exclude=more)
    assert not correct(image, include=[asked(number + 1)])
    assert not correct(image, include=[asked(1)], exclude=[{"class": shape, "count": number}])


def test_squares_side_by_side_are_two_and_a_square_half_in_shadow_is_one() -> None:
    """Both meet along a whole edge; what they are together decides."""
    two = draw(WHITE, [("square", BLUE, (38, 83, 128, 173)), ("square", NAVY, (128, 83, 218, 173))])
    assert counted(two) == {("square", "blue"): 2}
    assert counted(shaded("square", BLUE, NAVY, "half in shadow", WHITE)) == {("square", "blue"): 1}


def test_shades_and_another_name_at_once() -> None:
    """The look at one name's shades loses no other color."""
    image = draw(
        WHITE,
        [
            ("circle", BLUE, (10, 10, 80, 80)),
            ("circle", NAVY, (90, 10, 160, 80)),
            ("star", (214, 26, 34), (170, 10, 250, 90)),
            ("star", (139, 0, 0), (10, 150, 90, 230)),
            ("heart", (24, 150, 50), (120, 150, 200, 230)),
        ],
    )
    assert counted(image) == {("circle", "blue"): 2, ("star", "red"): 2, ("heart", "green"): 1}
