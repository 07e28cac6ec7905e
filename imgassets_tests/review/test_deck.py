"""The deck: what the verdict points at, a sample that grows, nothing that tells models apart."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import pytest

from imgassets.documents.project import load_project
from imgassets.review.deck import MOST_FOR_REASONS, RANDOM, Deck
from imgassets.review.session import Session, open_session
from imgassets.storage.image_store import ImageStore
from imgassets_tests.review.factories import WRONG_EVERY, key_of


def deck_of(root: Path, pairs: int, seed: int = 0) -> Deck:
    return open_session(load_project(root), "cards", "fast", pairs, seed).desk.deck


def drawn(deck: Deck) -> set[str]:
    return {pair.id for pair in deck.pairs if pair.drawn}


def test_pairs_are_in_for_the_criterion_that_broke(session: Session) -> None:
    deck = session.desk.deck
    shown = [pair for pair in deck.pairs if pair.why == "right objects: broken"]
    assert shown
    assert all(int(pair.prompt_id[1:]) % WRONG_EVERY == 0 for pair in shown)
    assert len({pair.prompt_id for pair in shown}) == len(shown)


def test_pairs_are_in_for_metrics_that_contradict(session: Session) -> None:
    shown = [p for p in session.desk.deck.pairs if "contradict" in p.why]
    assert shown
    for pair in shown:
        number = int(pair.prompt_id[1:])
        assert (number % WRONG_EVERY == 0) != (number % 8 == 0)


def test_no_more_than_a_few_pairs_are_in_for_a_reason_alone(session: Session) -> None:
    alone = [pair for pair in session.desk.deck.pairs if not pair.drawn]
    assert len(alone) <= MOST_FOR_REASONS


def test_a_larger_sample_holds_a_smaller_one_and_prompts_come_once_first(reviewed: Path) -> None:
    small, large, all_ = (deck_of(reviewed, n) for n in (10, 30, 500))
    assert drawn(small) < drawn(large) < drawn(all_)
    assert [len(drawn(deck)) for deck in (small, large, all_)] == [10, 30, 96]
    prompts = Counter(pair.prompt_id for pair in large.pairs if pair.drawn)
    assert set(prompts.values()) == {1}
    assert drawn(deck_of(reviewed, 10, seed=1)) != drawn(small)


def test_what_is_drawn_does_not_depend_on_what_points_at_it(session: Session) -> None:
    """Else the sample would lack just those that look bad, and people would seem pleased."""
    both = [p for p in session.desk.deck.pairs if p.drawn and p.why != RANDOM]
    assert both
    assert sum(p.drawn for p in session.desk.deck.pairs) == 40


def test_pairs_of_one_kind_do_not_stand_together(session: Session) -> None:
    kinds = [pair.drawn for pair in session.desk.deck.pairs]
    assert kinds != sorted(kinds)
    assert kinds != sorted(kinds, reverse=True)


def test_left_is_a_fair_coin_that_each_person_throws_once(session: Session) -> None:
    pairs = session.desk.deck.pairs
    thrown = {who: [pair.left(who) for pair in pairs] for who in map(str, range(50))}
    share = sum(side == "candidate" for sides in thrown.values() for side in sides)
    assert 0.46 < share / (50 * len(pairs)) < 0.54
    assert thrown["1"] != thrown["2"]
    assert thrown["1"] == [pair.left("1") for pair in pairs]


def test_a_pair_whose_image_is_gone_is_left_out_and_told(reviewed: Path) -> None:
    ImageStore(reviewed / ".imgassets/images").quarantine(key_of("prod", 0, 5))
    session = open_session(load_project(reviewed), "cards", "fast", 500, 0)
    deck = session.desk.deck
    assert deck.gone == 1
    assert key_of("fast", 0, 5) not in {pair.candidate_key for pair in deck.pairs}
    assert "1 pairs are left out: their images are no longer stored" in session.words


def test_drift_is_shown(reviewed: Path) -> None:
    from imgassets.drift.findings import Drift, DriftFile

    drift = Drift("cards", "fast", "generate", "p007", 5, key_of("fast", 7, 5), 0.5, 9, "x.png")
    DriftFile.of(reviewed).write("cards", "fast", [drift])
    shown = [pair for pair in deck_of(reviewed, 5).pairs if pair.why.startswith("drift")]
    assert [(pair.prompt_id, pair.seed) for pair in shown] == [("p007", 5)]


def test_production_itself_is_shown_alone(reviewed: Path) -> None:
    verdict = reviewed / ".imgassets/tables/cards/fast/verdict.json"
    text = verdict.read_text().replace('"model": "fast"', '"model": "prod"')
    (reviewed / ".imgassets/tables/cards/prod/verdict.json").write_text(text)
    deck = open_session(load_project(reviewed), "cards", "prod", 8, 0).desk.deck
    assert {pair.incumbent_key for pair in deck.pairs} == {None}
    assert {pair.left("ana") for pair in deck.pairs} == {"candidate"}


def test_what_was_never_validated_says_so(reviewed: Path) -> None:
    project = load_project(reviewed)
    with pytest.raises(LookupError, match="no endpoint 'nope'; there are: cards"):
        open_session(project, "nope", "fast", 5, 0)
    with pytest.raises(LookupError, match="cards has no model 'nope'; it has: prod, fast"):
        open_session(project, "cards", "nope", 5, 0)
    with pytest.raises(LookupError, match="run `imgassets validate --endpoint cards` first"):
        open_session(project, "cards", "prod", 5, 0)
