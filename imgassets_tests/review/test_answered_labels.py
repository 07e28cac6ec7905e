"""Labels from answers: which answers give one, of what, and whose counts."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from imgassets.documents.answers import Answer
from imgassets.documents.labels import Label, LabelFile
from imgassets.documents.project import Project, load_project
from imgassets.review.answered_labels import answered, labels_with_answers
from imgassets_tests.conftest import edit_file, write_project

MINE, THEIRS = "a" * 64, "b" * 64
CORRECT, EXACT = "composition.correct", "typography.exact"
STARS = ("count:2 green star", "absent:3 star")


@pytest.fixture
def project(tmp_path: Path) -> Project:
    write_project(tmp_path)
    return load_project(tmp_path)


def said(candidate: dict[str, str], prompt: str = "two-stars", **more: Any) -> Answer:
    """Ana's answer on one pair; nothing is said of what the incumbent's image shows."""
    return Answer.model_validate(
        {
            "id": "0" * 32, "when": "2026-11-27T12:00:00Z", "who": "ana", "endpoint": "cards",
            "candidate": "fast", "incumbent": "prod", "flow": "generate", "prompt_id": prompt,
            "seed": 5, "candidate_key": MINE, "incumbent_key": THEIRS, "left": "candidate",
            "why": "random", "drawn": True, "preference": "equal", "seconds": 2.0,
            "correct": {"candidate": candidate, "incumbent": {}},
        } | more
    )  # fmt: skip


def labels(project: Project, *answers: Answer) -> dict[tuple[str, str], float]:
    found = answered(answers, project, project.endpoint("cards"))
    return {(label.image_key, label.metric): label.value for label in found}


@pytest.mark.parametrize(
    ("items", "value"),
    [
        (("yes", "yes"), 1.0),
        (("yes", "no"), 0.0),
        (("no", "no"), 0.0),
        (("yes", "unsure"), None),
        (("no", "unsure"), None),
        (("yes", None), None),
        ((None, None), None),
    ],
)
def test_all_objects_must_be_answered_by_yes_or_no(
    project: Project, items: tuple[str | None, str | None], value: float | None
) -> None:
    seen = {name: word for name, word in zip(STARS, items, strict=True) if word}
    assert labels(project, said(seen)) == ({} if value is None else {(MINE, CORRECT): value})


def test_both_images_of_a_pair_have_labels(project: Project) -> None:
    both = {"candidate": dict.fromkeys(STARS, "no"), "incumbent": dict.fromkeys(STARS, "yes")}
    found = labels(project, said({}, correct=both))
    assert found == {(MINE, CORRECT): 0.0, (THEIRS, CORRECT): 1.0}


def test_text_and_background_judge_metrics_of_their_own(project: Project) -> None:
    assert labels(project, said({"text": "no"}, "word")) == {(MINE, EXACT): 0.0}
    # A size is part of the item, and not of composition.correct.
    seen = {"object:large red circle": "no", "background": "yes"}
    assert labels(project, said(seen, "red-circle")) == {(MINE, "composition.background"): 1.0}


def test_only_the_random_sample_gives_labels(project: Project) -> None:
    seen = dict.fromkeys(STARS, "yes")
    assert labels(project, said(seen, drawn=False, why="near")) == {}
    assert labels(project, said(seen, "gone")) == {}


def test_an_edited_image_must_show_what_the_edit_asks_for(project: Project) -> None:
    found = labels(project, said({"object:blue square": "yes"}, "red-circle", flow="edit"))
    assert found == {(MINE, CORRECT): 1.0}


def test_people_are_averaged_and_a_row_of_labels_counts_before_an_answer(project: Project) -> None:
    contract = project.endpoint("cards")
    ana = said(dict.fromkeys(STARS, "yes"))
    ben = said(dict.fromkeys(STARS, "no"), who="ben", id="1" * 32)
    none = LabelFile("labels/cards.csv")
    assert labels_with_answers(none, [ana, ben], project, contract) == {(MINE, CORRECT): 0.5}
    row = Label(MINE, CORRECT, 0.0, "ana", datetime(2026, 11, 27, tzinfo=UTC), 2)
    written = LabelFile("labels/cards.csv", (row,))
    assert labels_with_answers(written, [ana], project, contract) == {(MINE, CORRECT): 0.0}
    assert labels_with_answers(written, [ana, ben], project, contract) == {(MINE, CORRECT): 0.0}


def test_a_review_that_no_answer_could_close_is_told(tmp_path: Path) -> None:
    from imgassets.documents import review_hints

    write_project(tmp_path)
    contract = tmp_path / "contracts/endpoints/cards.yaml"
    assert review_hints.hints(load_project(tmp_path)) == []
    preferred = "criteria:\n  - {metric: review.preference, floor: 0.4}"
    edit_file(contract, "criteria:", f"review: {{always: true}}\n{preferred}")
    told = review_hints.hints(load_project(tmp_path))
    assert [hint.field for hint in told] == ["review.always", "criteria[0].metric"]
    assert all("add {metric: review.accepted, floor: 0.8}" in hint.fix for hint in told)
    edit_file(contract, "review.preference", "review.accepted")
    assert review_hints.hints(load_project(tmp_path)) == []


def test_the_contract_says_what_people_are_for(tmp_path: Path) -> None:
    """`check` tells a floor that the prompts there are cannot show, and a label of a pair."""
    from imgassets.documents import reachable

    write_project(tmp_path)
    contract = tmp_path / "contracts/endpoints/cards.yaml"
    edit_file(contract, "criteria:", "criteria:\n  - {metric: review.accepted, floor: 0.9}")
    (tmp_path / "labels").mkdir()
    (tmp_path / "labels/cards.csv").write_text(
        f"image_key,metric,value,who,when\n{MINE},review.accepted,1,ana,2026-11-27\n"
    )
    project = load_project(tmp_path)
    (hint,) = [h for h in reachable.hints(project) if "review.accepted" in h.message]
    assert hint.field == "criteria[0].floor"
    assert "people accept every pair" in hint.message
    (problem,) = project.problems
    assert "is said of pairs, by `imgassets review`" in problem.message
