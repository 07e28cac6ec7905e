"""A review from its verdict to its end: shown, answered, judged by rule; no image made again."""

from __future__ import annotations

import itertools
import json
import secrets
import shutil
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from imgassets.cli.main import main
from imgassets.documents.answers import Answer
from imgassets.documents.project import load_project
from imgassets.report.pairs import joined_images
from imgassets.review.answer_file import Answers
from imgassets.review.deck import Deck, DeckPair, build_deck
from imgassets.review.reasons import reasons_of
from imgassets.review.stored import stored_measured, stored_verdict
from imgassets.storage.project_home import home_of
from imgassets_tests.conftest import edit_file
from imgassets_tests.integration.conftest import read_table
from imgassets_tests.integration.small import Done, validated, write_small_project

COLORS = ("red", "green", "blue", "yellow", "black", "orange", "purple", "gray", "brown", "pink")
SHAPES = ("circle", "square", "star", "triangle")
CRITERIA = """\
criteria:
  - {metric: artefacts.clean, floor: 0.5}
  - {metric: composition.correct, floor: 0.99, severity: review}
  - {metric: review.accepted, floor: 0.8}
review: {near: [{metric: artefacts.clean, within: 0.6}]}
"""
Says = Callable[[DeckPair], dict[str, Any]]
GOOD: Says = lambda pair: {"preference": "equal"}  # noqa: E731
BAD: Says = lambda pair: {"preference": "incumbent"}  # noqa: E731


def write_many_prompts(root: Path) -> None:
    """Forty prompts, one seed, one flow: enough to reach a verdict in seconds."""
    write_small_project(root)
    contract = root / "contracts/endpoints/cards.yaml"
    head = contract.read_text().partition("failure_modes:")[0]
    contract.write_text(head + CRITERIA)
    edit_file(contract, "flows: [generate, edit, upscale]", "flows: [generate]")
    edit_file(contract, "seeds: [5, 6]", "seeds: [5]")
    prompts = [
        f"  - id: {color}-{shape}\n    prompt: a {color} {shape}\n"
        f"    expect: {{include: [{{class: {shape}, color: {color}}}]}}\n"
        for color, shape in itertools.product(COLORS, SHAPES)
    ]
    (root / "prompts/few.yaml").write_text("prompt_set: few\nprompts:\n" + "".join(prompts))


@pytest.fixture(scope="module")
def waiting(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A project whose candidate waits for people."""
    root = tmp_path_factory.mktemp("waiting")
    write_many_prompts(root)
    validated(root)
    return root


@pytest.fixture
def root(waiting: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    shutil.copytree(waiting, tmp_path, dirs_exist_ok=True)
    monkeypatch.setenv("IMGASSETS_PROJECT", str(tmp_path))
    monkeypatch.delenv("IMGASSETS_HOME", raising=False)
    monkeypatch.delenv("DAGSTER_HOME", raising=False)
    return tmp_path


def verdict_of(root: Path, model: str = "fast") -> dict[str, Any]:
    file = root / ".imgassets/tables/cards" / model / "verdict.json"
    return json.loads(file.read_text())


def deck_of(root: Path, sample: int) -> Deck:
    """The deck that `imgassets review` shows."""
    project, home = load_project(root), home_of(root)
    contract = project.endpoint("cards")
    fast, prod = (stored_measured(home, contract, model) for model in ("fast", "prod"))
    verdict = stored_verdict(home, "cards", "fast")
    prompts = (p for s in project.prompts_of(contract) for p in s.prompts)
    found = reasons_of(contract, verdict, fast, prod, {})
    images = joined_images(fast, prod)
    return build_deck(contract, "fast", images, found, prompts, sample=sample, seed=0)


def answered(root: Path, pairs: list[DeckPair], says: Says, who: str = "ana") -> None:
    """Writes a person's answers as the page does."""
    file = Answers(root, "cards")
    for pair in pairs:
        said = {
            "id": secrets.token_hex(16), "when": datetime.now(UTC).isoformat(), "who": who,
            "endpoint": "cards", "candidate": "fast", "incumbent": "prod", "flow": pair.flow,
            "prompt_id": pair.prompt_id, "seed": pair.seed, "candidate_key": pair.candidate_key,
            "incumbent_key": pair.incumbent_key, "left": pair.left(who), "why": pair.why,
            "drawn": pair.drawn, "seconds": 2.5,
        }  # fmt: skip
        file.add(Answer.model_validate(said | says(pair)))


def judged_anew(root: Path) -> tuple[Done, dict[str, Any]]:
    """One validation; only the candidate's own comparison and what follows may be made."""
    done = validated(root)
    assert sum(done.images.values()) == 0
    assert done.scores == 0
    assert done.assets <= {"cards/fast/comparison", "cards/fast/verdict", "cards/report"}
    assert "cards/fast/comparison" in done.assets
    return done, verdict_of(root)


def test_a_verdict_waits_for_people_and_says_for_how_many(root: Path) -> None:
    found = verdict_of(root)
    assert found["verdict"] == "REVIEW"
    assert found["needed_pairs"] == 33
    assert not validated(root).assets


def test_the_status_says_who_answered_and_that_images_are_out_of_date(
    root: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    status = ["review", "--endpoint", "cards", "--model", "fast", "--status"]
    assert main(status) == 0
    assert "nobody answered" in capsys.readouterr().err
    answered(root, list(deck_of(root, 36).pairs)[:5], GOOD)
    assert main(status) == 0
    told = capsys.readouterr()
    assert "drawn at random from 40" in told.out
    assert "ana answered 5 of 3" in told.err
    assert "out of date" not in told.err
    edit_file(root / "contracts/models/fast.yaml", "{steps: 1,", "{steps: 2,")
    assert main(status) == 0
    told = capsys.readouterr()
    assert "warning: cards/fast/generated is out of date: " in told.err
    assert "cards/prod" not in told.err
    assert "imgassets validate --endpoint cards" in told.err


def test_good_answers_turn_it_into_a_go(root: Path, capsys: pytest.CaptureFixture[str]) -> None:
    deck = deck_of(root, 36)
    answered(root, list(deck.pairs), GOOD)
    answered(root, list(deck.pairs)[:6], BAD, "ben <b>")
    assert main(["check"]) == 0
    done, found = judged_anew(root)
    assert "reviews/cards.jsonl: answers on " in done.planned.assets["cards/fast/comparison"]
    assert found["verdict"] == "GO", found["sentence"]
    assert found["review_reasons"] == []
    assert len(found["answered"]) == 2
    assert "2 people (Krippendorff's alpha" in found["sentence"]
    assert "answered on 36 pairs" in found["sentence"]
    report = (root / ".imgassets/reports/cards/report.html").read_text()
    assert "What people said" in report
    assert "ben &lt;b&gt;" in report
    assert "ben <b>" not in report
    assert not validated(root).assets


def test_bad_answers_turn_it_into_a_no_go(root: Path) -> None:
    answered(root, list(deck_of(root, 36).pairs), BAD)
    _, found = judged_anew(root)
    assert found["verdict"] == "NO-GO"
    assert found["decided_by"] == ["generate__review_accepted"]


def test_few_answers_leave_it_with_a_number_and_more_of_them_are_another_look(root: Path) -> None:
    deck = deck_of(root, 36)
    drawn = [pair for pair in deck.pairs if pair.drawn]
    answered(root, drawn[:8], GOOD)
    _, found = judged_anew(root)
    assert found["verdict"] == "REVIEW"
    assert found["needed_pairs"] > 8
    assert f"About {found['needed_pairs']} further pairs" in found["sentence"]
    answered(root, [pair for pair in deck.pairs if pair not in drawn[:8]], GOOD)
    _, found = judged_anew(root)
    assert "This is look 2 at people's answers, judged at level 0.13 %." in found["sentence"]
    row = read_table(root, "cards", "fast", "comparison").set_index("criterion")
    assert row.loc["generate__review_accepted", "look"] == 2
    assert row.loc["generate__artefacts_clean", "look"] == 1


def test_pairs_shown_for_a_reason_must_be_answered_too(root: Path) -> None:
    deck = deck_of(root, 33)
    answered(root, [pair for pair in deck.pairs if pair.why == "random"], GOOD)
    _, found = judged_anew(root)
    assert found["verdict"] == "REVIEW"
    assert "Nobody has answered yet on" in found["sentence"]


def test_a_bad_line_is_told_and_stops_the_comparison(
    root: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (root / "reviews").mkdir()
    (root / "reviews/cards.jsonl").write_text('{"who": "ana"}\n')
    assert main(["check"]) == 1
    assert "reviews/cards.jsonl:1" in capsys.readouterr().out
