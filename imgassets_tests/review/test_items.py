"""Items of an expectation: each once, with an id that answers can name for years."""

from __future__ import annotations

from imgassets.documents.prompts import Expectation
from imgassets.review.items import Item, items_of


def test_every_part_of_an_expectation_is_an_item() -> None:
    expect = Expectation.model_validate(
        {
            "include": [
                {"class": "circle", "color": "red"},
                {"class": "cup", "count": 2, "size": "small", "position": ["left of", 0]},
            ],
            "exclude": [{"class": "dog"}, {"class": "cup", "count": 3}],
            "text": "SALE",
            "background": "white",
            "faces": 2,
        }
    )
    assert items_of(expect) == (
        Item("object:red circle", "red circle"),
        Item("count:2 small cup", "2 \u00d7 small cup"),
        Item("relation:small cup left of red circle", "small cup left of red circle"),
        Item("absent:dog", "no dog"),
        Item("absent:3 cup", "fewer than 3 \u00d7 cup"),
        Item("text", "text \u201cSALE\u201d"),
        Item("background", "white background"),
        Item("faces", "2 faces"),
    )


def test_the_same_object_twice_is_one_item() -> None:
    expect = Expectation.model_validate({"include": [{"class": "circle"}, {"class": "circle"}]})
    assert [item.id for item in items_of(expect)] == ["object:circle"]


def test_nothing_expected_asks_nothing() -> None:
    assert items_of(Expectation()) == ()
