"""How many pairs are enough follows from the contract, by the formulas of the verdict."""

from __future__ import annotations

from imgassets.decision.review_size import pairs_needed
from imgassets.review.enough import enough_pairs
from imgassets_tests.decision.factories import NEW, endpoint


def test_a_criterion_on_people_says_how_many() -> None:
    contract = endpoint([{"metric": "review.accepted", "floor": 0.8}])
    enough = enough_pairs(contract, NEW)
    planned = {size.prompts for size in pairs_needed(contract, NEW) if size.truth == 0.95}
    assert planned == {enough.pairs}
    assert 20 < enough.pairs < 200
    assert enough.words[0].startswith("enough: accepted by people at least 80 %: ")


def test_a_stricter_floor_needs_more_and_the_largest_counts() -> None:
    lax = enough_pairs(endpoint([{"metric": "review.accepted", "floor": 0.7}]), NEW).pairs
    strict = enough_pairs(endpoint([{"metric": "review.accepted", "floor": 0.9}]), NEW).pairs
    both = [
        {"metric": "review.accepted", "floor": 0.7},
        {"metric": "review.preference", "floor": 0.4},
    ]
    assert lax < strict
    assert enough_pairs(endpoint(both), NEW).pairs > lax


def test_a_contract_that_asks_nobody_is_told_what_it_could_ask() -> None:
    enough = enough_pairs(endpoint(), NEW)
    assert "no criterion of the contract asks people" in enough.words[0]
    assert "with `{metric: review.accepted, floor: 80 %}`: " in enough.words[1]
    asked = enough_pairs(endpoint([{"metric": "review.accepted", "floor": 0.8}]), NEW)
    assert enough.pairs == asked.pairs
