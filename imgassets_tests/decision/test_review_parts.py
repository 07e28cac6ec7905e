"""Parts of a review: how many pairs, how far people agree, levels of looks, labels from answers."""

from __future__ import annotations

import itertools
from pathlib import Path

import numpy as np
import pytest
from pydantic import ValidationError

from imgassets.decision.agreement import agreement
from imgassets.decision.evidence import Limit
from imgassets.decision.look_levels import Tested, corrected
from imgassets.decision.review_size import likely_size, pairs_needed
from imgassets.decision.statistics import Estimate, holm
from imgassets.documents.answers import Answer
from imgassets.documents.looks import level
from imgassets.storage.looks import Looks
from imgassets_tests.benchmarks import review_simulation
from imgassets_tests.decision.answers import answer
from imgassets_tests.decision.factories import BASE, NEW, endpoint

ACCEPTED, PREFERENCE = "review.accepted", "review.preference"
BOTH = [{"metric": ACCEPTED, "floor": 0.8}, {"metric": PREFERENCE, "floor": 0.4}]


def test_the_pairs_needed_show_the_floor_in_four_of_five_reviews() -> None:
    """Held against coins: with as many prompts the bound passes in about 80 % of reviews."""
    rng = np.random.default_rng(5)
    for size in pairs_needed(endpoint(BOTH[:1]), NEW):
        assert size.prompts is not None
        wins = rng.binomial(size.prompts, size.truth, 400)
        samples = [[1.0] * w + [0.0] * (size.prompts - w) for w in wins]
        shown = [Estimate.of(s, (0.0, 1.0)).p_at_least(size.floor) <= size.alpha for s in samples]
        assert 0.72 <= np.mean(shown) <= 0.95, size


def test_the_sizes_in_the_documentation_are_those_of_today() -> None:
    """Run `python -m imgassets_tests.benchmarks.review_simulation` when this fails."""
    assert review_simulation.sizes() in review_simulation.PAGE.read_text(encoding="utf-8")


def test_a_size_says_what_it_takes_for_granted() -> None:
    contract = endpoint(BOTH)
    sizes = pairs_needed(contract, NEW)
    assert [s.metric for s in sizes] == [ACCEPTED] * 3 + [PREFERENCE] * 2
    assert sizes[1].words == (
        "accepted by people at least 80 %: 33 pairs, one a prompt, if 95 % is the truth "
        "(80 % chance, 95 % confidence)"
    )
    assert pairs_needed(contract, BASE) == []
    again = pairs_needed(contract, NEW, look=2)
    assert all(b.prompts > a.prompts for a, b in zip(sizes, again, strict=True))  # type: ignore[operator]
    assert level(contract.decision, 2, 1) == again[0].alpha


def test_the_size_to_plan_for_is_the_first_that_can_be_had() -> None:
    likely = likely_size(endpoint(BOTH), NEW, "generate__review_accepted")
    assert likely is not None
    assert (likely.truth, likely.prompts) == (0.95, 33)
    strict = likely_size(
        endpoint([{"metric": ACCEPTED, "floor": 0.95}]), NEW, "generate__review_accepted"
    )
    assert strict is not None
    assert strict.truth == 0.99
    unplanned = endpoint(BOTH, decision={"looks": 1})
    none = likely_size(unplanned, NEW, "generate__review_accepted", look=2)
    assert none is not None
    assert none.prompts is None
    assert "no practical number" in none.words


@pytest.mark.parametrize(
    ("criterion", "field", "said"),
    [
        ({"metric": PREFERENCE, "margin": 0.05}, "margin", "compares with the incumbent already"),
        ({"metric": ACCEPTED, "floor": 0.8, "statistic": "worst"}, "statistic", "no worst image"),
        ({"metric": ACCEPTED, "floor": 0.8, "severity": "review"}, "severity", "review.always"),
        ({"metric": ACCEPTED, "ceiling": 0.8}, "ceiling", "use floor"),
    ],
)
def test_what_people_say_has_a_floor_and_nothing_else(
    criterion: dict[str, object], field: str, said: str
) -> None:
    with pytest.raises(ValidationError) as error:
        endpoint([criterion])
    assert field in str(error.value)
    assert said in str(error.value)


@pytest.mark.parametrize(
    "review",
    [
        {"near": [{"metric": ACCEPTED, "within": 0.1}]},
        {"disagree": [{"metrics": [ACCEPTED, "typography.exact"], "max_rate": 0.1}]},
    ],
)
def test_what_people_said_sends_nobody_to_look_again(review: dict[str, object]) -> None:
    with pytest.raises(ValidationError):
        endpoint(BOTH, review=review)


def said(table: dict[str, list[str | None]]) -> list[Answer]:
    """Answers of each person, one a pair; None where they did not answer."""
    return [
        answer(pair, who=who, preference=preference)
        for who, row in table.items()
        for pair, preference in enumerate(row)
        if preference is not None
    ]


def by_hand(table: dict[str, list[float | None]]) -> float:
    """Krippendorff's alpha with squared differences, from its definition."""
    units = [[v for v in column if v is not None] for column in zip(*table.values(), strict=True)]
    units = [unit for unit in units if len(unit) > 1]
    values = [value for unit in units for value in unit]
    observed = sum(
        sum((a - b) ** 2 for a, b in itertools.permutations(unit, 2)) / (len(unit) - 1)
        for unit in units
    ) / len(values)  # fmt: skip
    every = list(itertools.permutations(values, 2))
    return 1 - observed / (sum((a - b) ** 2 for a, b in every) / len(every))


def test_agreement_is_krippendorffs_alpha() -> None:
    words = {1.0: "candidate", 0.5: "equal", 0.0: "incumbent", None: None}
    table: dict[str, list[float | None]] = {
        "ana": [1.0, 0.5, 0.0, 1.0, None, 0.5, 1.0, 0.0],
        "ben": [1.0, 0.0, 0.0, 0.5, 1.0, 0.5, None, 0.0],
        "cy": [0.5, 0.5, 0.0, 1.0, None, None, None, 1.0],
    }
    answers = said({who: [words[v] for v in row] for who, row in table.items()})
    assert agreement(answers, PREFERENCE) == pytest.approx(by_hand(table), abs=1e-12)


def test_agreement_of_krippendorffs_own_example() -> None:
    """Two observers, ten units, two values: 0.095 (Krippendorff 2011, section A)."""
    first, second = "0100000010", "1110010000"
    worth = {"0": "incumbent", "1": "equal"}
    table = {who: [worth[c] for c in row] for who, row in (("a", first), ("b", second))}
    assert agreement(said(table), ACCEPTED) == pytest.approx(0.095, abs=5e-4)


def test_agreement_is_not_known_of_one_person_or_of_one_answer() -> None:
    assert agreement([], ACCEPTED) is None
    assert agreement(said({"ana": ["equal", "candidate"]}), PREFERENCE) is None
    assert agreement(said({"ana": ["equal", None], "ben": [None, "equal"]}), PREFERENCE) is None
    assert agreement(said({"ana": ["equal"] * 3, "ben": ["equal"] * 3}), PREFERENCE) is None


def limit(successes: int, n: int) -> Limit:
    values = [1.0] * successes + [0.0] * (n - successes)
    estimate = Estimate.of(values, (0.0, 1.0))
    return Limit("floor", 0.8, True, estimate=estimate, measured=estimate.value)


def test_limits_at_one_level_are_corrected_by_holm() -> None:
    limits = [limit(10, 40), limit(25, 40), limit(30, 40)]
    found = corrected([Tested(x, 0.05) for x in limits])
    assert [found[id(x)] for x in limits] == pytest.approx(holm([x.p_broken for x in limits]))
    assert corrected([Tested(limits[0], 0.0)]) == {id(limits[0]): limits[0].p_broken}


def test_a_limit_at_a_stricter_level_is_held_against_its_own() -> None:
    """One test alone: broken just where its own p-value is below its own level."""
    strict, loose = limit(25, 40), limit(40, 40)
    found = corrected([Tested(strict, 0.001), Tested(loose, 0.05)])
    assert found[id(strict)] == pytest.approx(2 * strict.p_broken)
    assert found[id(loose)] == 1.0
    unplanned = corrected([Tested(strict, 0.0), Tested(loose, 0.05)])
    assert unplanned[id(strict)] == 1.0


def test_looks_at_answers_are_counted_by_who_said_what(tmp_path: Path) -> None:
    looks = Looks(tmp_path)

    def number(*said: tuple[str, str]) -> int:
        return looks.number_of_answers("hero", "new", ["x", "y"], said)

    assert number() == 1
    assert number(("a", "ana")) == 1
    assert number(("a", "ana"), ("b", "ana")) == 2
    assert number(("a", "ana"), ("a", "ben")) == 3
    assert number(("b", "ana"), ("a", "ana")) == 2
    assert looks.number("hero", "new", ["x", "y"], ["a"]) == 1
