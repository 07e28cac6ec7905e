"""Expectations are proposed where a prompt's words leave no doubt, and nowhere else."""

from __future__ import annotations

from typing import Any

import pytest

from imgassets.documents.prompts import Expectation
from imgassets.judges.class_names import COCO
from imgassets.judges.proposals import NO_CLASS, NOT_UNDERSTOOD, propose


def expectation(*include: dict[str, Any], **rest: Any) -> Expectation:
    return Expectation.model_validate({"include": include, **rest})


def two_and_no_third(name: str, count: int = 2) -> Expectation:
    more = [{"class": name, "count": count + 1}]
    return expectation({"class": name, "count": count}, exclude=more)


@pytest.mark.parametrize(
    ("prompt", "wanted"),
    [
        ("a photo of a bench", expectation({"class": "bench"})),
        ("a photo of a cake and a zebra", expectation({"class": "cake"}, {"class": "zebra"})),
        ("a photo of four handbags", two_and_no_third("handbag", 4)),
        ("two knives", two_and_no_third("knife")),
        ("2 buses.", two_and_no_third("bus")),
        ("a photo of a red apple", expectation({"class": "apple", "color": "red"})),
        ("A red colored car.", expectation({"class": "car", "color": "red"})),
        ("an orange", expectation({"class": "orange"})),
        ("a red orange", expectation({"class": "orange", "color": "red"})),
        ("a grey cat", expectation({"class": "cat", "color": "gray"})),
        (
            "a photo of a green cup and a red pizza",
            expectation({"class": "cup", "color": "green"}, {"class": "pizza", "color": "red"}),
        ),
        (
            "a photo of a dog right of a teddy bear",
            expectation({"class": "teddy bear"}, {"class": "dog", "position": ["right of", 0]}),
        ),
        (
            "a horse on the left of a man",
            expectation({"class": "man"}, {"class": "horse", "position": ["left of", 0]}),
        ),
        (
            "The black chair is on top of the wooden table.",
            expectation(
                {"class": "table"}, {"class": "chair", "color": "black", "position": ["above", 0]}
            ),
        ),
        ("a cup next to a book", expectation({"class": "book"}, {"class": "cup"})),
        (
            "one pig, three men and two bicycles",
            expectation(
                {"class": "men", "count": 3},
                {"class": "bicycle", "count": 2},
                exclude=[{"class": "men", "count": 4}, {"class": "bicycle", "count": 3}],
            ),
        ),
        (
            "a small blue square on white",
            expectation({"class": "square", "color": "blue", "size": "small"}, background="white"),
        ),
        ("a large bear", expectation({"class": "bear"})),
        ('A storefront with "Hello World" written on it', Expectation(text="Hello World")),
        ("a sign that says 'Let's go'", Expectation(text="Let's go")),
        ("a sign that says \u201cSALE\u201d", Expectation(text="SALE")),
    ],
)
def test_words_of_the_known_grammars(prompt: str, wanted: Expectation) -> None:
    assert propose(prompt).expect == wanted


@pytest.mark.parametrize(
    ("prompt", "reason"),
    [
        ("A dog is walking on a leash with its owner.", NOT_UNDERSTOOD),
        ("a woman holding an umbrella", NOT_UNDERSTOOD),
        ("a cat and no dog", NOT_UNDERSTOOD),
        ("zero cats", NOT_UNDERSTOOD),
        ("0 cats", NOT_UNDERSTOOD),
        ("toy cars", NOT_UNDERSTOOD),
        ("Times Square", NOT_UNDERSTOOD),
        ("a black and white dog", NOT_UNDERSTOOD),
        ("a cup left of a dog right of a cat", NOT_UNDERSTOOD),
        ("a wombat", NO_CLASS),
        ("bond", NO_CLASS),
        ("a dog house", NO_CLASS),
        ('"A" and "B"', "more than one text in quotes"),
        ('the word "שלום"', "a text that the reader has no letters for"),
        ("the dog's ball isn't here", NO_CLASS),
    ],
)
def test_nothing_is_proposed_in_doubt(prompt: str, reason: str) -> None:
    found = propose(prompt)
    assert (found.expect, found.reason) == (None, reason)


def test_what_the_judge_does_not_know_is_left_out_and_named() -> None:
    found = propose("a rabbit on the left of two lamps and a cup")
    assert found.expect == expectation({"class": "cup"})
    assert found.left_out == ("lamps", "rabbit")
    assert propose("a lion and a cup", {"lion"}.__contains__).left_out == ("cup",)


@pytest.mark.parametrize("name", [n for n in COCO if n != "person"])
def test_genevals_own_prompts_read_back(name: str) -> None:
    several = f"{name}es" if name.endswith("s") else f"{name}s"
    article = "an" if name[0] in "aeiou" else "a"
    assert propose(f"a photo of {article} {name}").expect == expectation({"class": name})
    assert propose(f"a photo of three {several}").expect == two_and_no_third(name, 3)
    other = "clock" if name != "clock" else "vase"
    assert propose(f"a photo of {article} {name} below a {other}").expect == expectation(
        {"class": other}, {"class": name, "position": ["below", 0]}
    )
