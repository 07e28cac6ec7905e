"""Looking again costs alpha: the plan, the record, and what a verdict says of it."""

from __future__ import annotations

import itertools
import json
from pathlib import Path

import pytest

from imgassets.decision import compare, decide
from imgassets.documents.criteria import Decision
from imgassets.documents.looks import chance_of_any, level, share_of_look
from imgassets.storage.looks import Looks
from imgassets_tests.decision.factories import BASE, NEW, endpoint, measured

EXACT = "typography.exact"


@pytest.mark.parametrize("planned", [None, 1, 2, 5])
def test_all_looks_together_never_spend_more_than_alpha(planned: int | None) -> None:
    shares = [share_of_look(number, planned) for number in range(1, 60)]
    assert sum(shares) <= 1 + 1e-12
    assert all(one >= other for one, other in itertools.pairwise(shares))
    assert sum(shares) == pytest.approx(1)


def test_the_first_look_gets_nearly_all_and_a_plan_divides_evenly() -> None:
    assert share_of_look(1, None) == 0.95
    assert share_of_look(2, None) == pytest.approx(0.025)
    assert [share_of_look(n, 2) for n in (1, 2, 3)] == [0.5, 0.5, 0.0]


def test_alpha_over_all_candidates_is_divided_by_their_number() -> None:
    each, all_of_them = Decision(), Decision(over="all")
    assert level(each, 1, 4) == pytest.approx(0.0475)
    assert level(all_of_them, 1, 4) == pytest.approx(0.0475 / 4)
    assert chance_of_any(each, 4) == pytest.approx(0.2)
    assert chance_of_any(all_of_them, 4) == pytest.approx(0.05)
    assert chance_of_any(Decision(alpha=0.4), 9) == 1.0


def test_a_contract_that_plans_one_look_says_that_a_second_is_not_to_be_had() -> None:
    contract = endpoint([{"metric": EXACT, "margin": 0.1}], decision={"looks": 1})
    sides = [measured(m, {EXACT: lambda p, s: 1.0}, range(200)) for m in (NEW, BASE)]
    assert decide(compare(contract, *sides)).verdict == "GO"
    second = decide(compare(contract, *sides, look=2))
    assert second.verdict == "INCONCLUSIVE"
    assert "plans no further look at this comparison (`decision.looks`)" in second.sentence
    assert "This is look 2" in second.sentence


def test_looks_are_counted_by_what_was_looked_at(tmp_path: Path) -> None:
    """The same images again are the same look, in any order; other models begin at 1."""
    looks = Looks(tmp_path)
    models = ["a1", "b1"]
    assert looks.number("e", "m", models, ["k1", "k2"]) == 1
    assert looks.number("e", "m", models, ["k2", "k1", "k2"]) == 1
    assert looks.number("e", "m", models, ["k1", "k2", "k3"]) == 2
    assert looks.number("e", "m", models, ["k1", "k2"]) == 1
    assert looks.number("e", "m", models, ["k9"]) == 3
    assert looks.number("e", "m", ["a2", "b1"], ["k9"]) == 1
    assert looks.number("e", "other", models, ["k9"]) == 1
    kept = json.loads(looks.path("e", "m").read_text(encoding="utf-8"))
    assert [len(entry["images"]) for entry in kept] == [64] * 4


@pytest.mark.parametrize("damage", ["", "{", "[1]", '[{"comparison": "x"}]'])
def test_a_damaged_record_is_named(damage: str, tmp_path: Path) -> None:
    looks = Looks(tmp_path)
    looks.number("e", "m", ["a"], ["k"])
    looks.path("e", "m").write_text(damage, encoding="utf-8")
    with pytest.raises(ValueError, match=r"m\.json is damaged; delete it"):
        looks.number("e", "m", ["a"], ["k"])
