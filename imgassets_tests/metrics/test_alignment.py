"""Alignment: formulas on judges with known answers, and for real on small models."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from imgassets.documents.project import load_project
from imgassets.documents.prompts import Expectation
from imgassets.judges.alignment import Answer
from imgassets.judges.errors import JudgeError
from imgassets.judges.registry import open_judge
from imgassets.metrics.branch import Branch
from imgassets.metrics.families import FAMILIES, METRICS
from imgassets.metrics.formulas.alignment import score_answers, score_similarity, scorer
from imgassets.metrics.formulas.batches import InBatches
from imgassets.metrics.formulas.expected_questions import ENDING, Question, plural, questions
from imgassets_tests.judges import small_models as small
from imgassets_tests.judges.small_models import document, made, photo

WANTED = Expectation.model_validate(
    {
        "include": [
            {"class": "star", "count": 2, "color": "red"},
            {"class": "apple", "position": ["left of", 0]},
        ],
        "exclude": [{"class": "star", "count": 3}, {"class": "circle"}],
        "background": "white",
    }
)
NOTHING = Expectation()


def texts(expect: dict[str, Any]) -> list[tuple[str, bool]]:
    asked = questions(Expectation.model_validate(expect))
    return [(q.text.removesuffix(ENDING).strip(), q.yes) for q in asked]


class Knowing:
    """Answers as it is told; says yes to all else, surely."""

    question = 'Does it show "{prompt}"?'

    def __init__(self, **answers: tuple[float, float]) -> None:
        self.answers, self.calls = answers, list[int]()

    def ask(self, images: Sequence[np.ndarray], asked: Sequence[str]) -> list[Answer]:
        self.calls.append(len(asked))
        assert len(images) == len(asked)
        return [
            next((Answer(*a) for part, a in self.answers.items() if part in q), Answer(0.9, 0.1))
            for q in asked
        ]


class TestQuestions:
    def test_all_that_is_expected_is_asked_once(self) -> None:
        assert texts(WANTED.model_dump(by_alias=True, exclude_defaults=True)) == [
            ("Is there a star in this picture?", True),
            ("Are there exactly 2 stars in this picture?", True),
            ("Are the stars red?", True),
            ("Is there an apple in this picture?", True),
            ("Is the apple to the left of the stars?", True),
            ("Is there a circle in this picture?", False),
            ("Is the background of this picture white?", True),
        ]
        assert questions(WANTED)[0] == Question(f"Is there a star in this picture? {ENDING}", True)

    def test_too_many_are_asked_for_where_no_number_is(self) -> None:
        assert texts({"exclude": [{"class": "dog", "count": 3}]}) == [
            ("Are there 3 or more dogs in this picture?", False)
        ]
        one = {"include": [{"class": "dog"}], "exclude": [{"class": "dog", "count": 2}]}
        assert texts(one) == [
            ("Is there a dog in this picture?", True),
            ("Is there exactly one dog in this picture?", True),
        ]

    def test_nothing_expected_is_no_question(self) -> None:
        assert texts({}) == []
        assert texts({"text": "HI"}) == []
        twice = {"include": [{"class": "dog"}, {"class": "dog"}]}
        assert len(texts(twice)) == 1

    @pytest.mark.parametrize(
        ("one", "many"),
        [
            ("star", "stars"), ("bus", "buses"), ("wine glass", "wine glasses"),
            ("person", "people"), ("mouse", "mice"), ("bench", "benches"), ("berry", "berries"),
            ("toy", "toys"), ("skis", "skis"), ("scissors", "scissors"), ("box", "boxes"),
        ],
    )  # fmt: skip
    def test_plurals(self, one: str, many: str) -> None:
        assert plural(one) == many


class TestAnswers:
    def test_vqa_score_is_the_probability_of_yes(self) -> None:
        """P(yes) itself: .6 of .8 is .6, not .75."""
        judge = Knowing(show=(0.6, 0.2))
        (scores,) = score_answers([photo()], ["a star"], [NOTHING], judge)
        assert [(s.metric, s.value, s.reason) for s in scores] == [("alignment.vqa_score", 0.6, "")]

    def test_questions_are_the_share_of_right_answers(self) -> None:
        (scores,) = score_answers([photo()], ["x"], [WANTED], Knowing(circle=(0.1, 0.9)))
        assert scores[1].metric == "alignment.questions"
        assert (scores[1].value, scores[1].reason) == (1.0, "")
        (scores,) = score_answers([photo()], ["x"], [WANTED], Knowing(exactly=(0.2, 0.7)))
        assert scores[1].value == pytest.approx(5 / 7)
        assert scores[1].reason == (
            "Are there exactly 2 stars in this picture? expected yes, got no (70%); "
            "Is there a circle in this picture? expected no, got yes (90%)"
        )

    def test_neither_yes_nor_no_is_no_score_and_spoils_no_other(self) -> None:
        judge = Knowing(murmur=(0.2, 0.2))
        mute, fine = score_answers([photo()] * 2, ["murmur", "a star"], [NOTHING] * 2, judge)
        assert isinstance(mute, JudgeError)
        assert "neither yes nor no (together 40%)" in str(mute)
        assert fine[0].value == 0.9

    def test_all_questions_of_a_batch_are_asked_at_once(self) -> None:
        judge = Knowing()
        score_answers([photo()] * 3, ["a", "b", "c"], [WANTED, NOTHING, WANTED], judge)
        assert judge.calls == [8 + 1 + 8]

    def test_clip_score_is_never_below_0_and_says_when_a_prompt_is_cut(self) -> None:
        judge = SimpleNamespace(similarity=lambda images, texts: [(0.25, ""), (-0.1, "cut")])
        near, far = score_similarity([photo()] * 2, ["a", "b"], judge)
        assert [(s.metric, s.value, s.reason) for s in (*near, *far)] == [
            ("alignment.clip_score", 25.0, ""),
            ("alignment.clip_score", 0.0, "cut"),
        ]


class TestBatches:
    ROWS = tuple(
        SimpleNamespace(flow="generate", prompt_id=p, image_key=p) for p in ("one", "two", "bad")
    )

    def branch(self, kind: str, judge: Any) -> Any:
        keys = [("generate", row.prompt_id) for row in self.ROWS]
        return SimpleNamespace(
            judge=lambda _: judge,
            judge_document=lambda _: SimpleNamespace(kind=kind),
            prompts={key: f"a {key[1]}" for key in keys},
            expectations=dict.fromkeys(keys, WANTED),
            read_array=lambda key: photo(len(key)),
        )

    def test_many_are_scored_as_each_alone(self) -> None:
        score = scorer(self.branch("vqa", Knowing(two=(0.3, 0.6), bad=(0.1, 0.1))))
        one, two, bad = score.many(self.ROWS)
        assert isinstance(bad, JudgeError)
        assert [one, two] == [score(row) for row in self.ROWS[:2]]
        with pytest.raises(JudgeError, match="neither yes nor no"):
            score(self.ROWS[2])

    def test_an_image_that_spoils_a_batch_is_found(self) -> None:
        def choosy(rows: Sequence[Any], pixels: Sequence[np.ndarray]) -> list[Any]:
            if any(row.prompt_id == "bad" for row in rows):
                raise JudgeError("not this one")
            return [[len(rows)] for _ in rows]

        score = InBatches(lambda key: photo(), choosy)
        first, second, third = score.many(self.ROWS)
        assert (first, second) == ([1], [1])
        assert str(third) == "not this one"
        assert score.many(self.ROWS[:2]) == [[2], [2]]

    @pytest.mark.parametrize(
        ("make", "metrics"),
        [
            (small.llava, ["alignment.vqa_score", "alignment.questions"]),
            (small.clip, ["alignment.clip_score"]),
            (small.siglip, ["alignment.clip_score"]),
        ],
    )
    def test_on_a_real_model(self, make: Any, metrics: list[str], monkeypatch: Any) -> None:
        monkeypatch.setattr("imgassets.metrics.formulas.alignment.ANSWERED", 0.0)
        kind = "vqa" if make is small.llava else "clip"
        judge = open_judge(Path(), document(kind, made(make), batch_size=3), "cpu")
        score = scorer(self.branch(kind, judge))
        for scores, row in zip(score.many(self.ROWS), self.ROWS, strict=True):
            assert [s.metric for s in scores] == metrics
            assert all(s.metric in METRICS for s in scores)
            alone = score(row)
            assert [s.value for s in scores] == pytest.approx([s.value for s in alone], abs=1e-2)


def test_prompts_are_those_of_the_documents_before_transforms(project_root: Path) -> None:
    """Of an edit, what the whole image shows after it; a prompt without one has none."""
    branch = Branch(load_project(project_root), "cards", "prod", None, None)  # type: ignore[arg-type]
    assert branch.prompts["generate", "red-circle"] == "a large red circle"
    assert branch.prompts["upscale", "two-stars"] == "two green stars"
    assert branch.prompts["edit", "red-circle"] == "a large blue square"
    assert ("edit", "two-stars") not in branch.prompts
    assert branch.prompts.keys() == branch.expectations.keys()


def test_a_contract_chooses_its_judges_by_documents(project_root: Path) -> None:
    """From files to scores: judges of alignment and of composition, with weights in folders."""
    contract = project_root / "contracts/endpoints/cards.yaml"
    chosen = "judges: {alignment: near, composition: boxes}\nprompt_sets:"
    contract.write_text(contract.read_text().replace("prompt_sets:", chosen))
    folder = project_root / "contracts/judges"
    folder.mkdir()
    near = f"judge: near\nkind: clip\nweights: {made(small.clip)}\nbatch_size: 2\n"
    boxes = (
        f"judge: boxes\nkind: object-detection\nweights: {made(small.detr)}\n"
        "synonyms: {circle: cat, square: dog, star: sofa}\n"
    )
    (folder / "near.yaml").write_text(near)
    (folder / "boxes.yaml").write_text(boxes)
    project = load_project(project_root)
    assert not project.problems
    stored = SimpleNamespace(read_array=lambda key: photo(int(key)))
    branch = Branch(project, "cards", "prod", None, stored)  # type: ignore[arg-type]
    rows = [
        SimpleNamespace(flow="generate", prompt_id=prompt, image_key=str(key))
        for key, prompt in enumerate(("red-circle", "two-stars"))
    ]
    for family in ("alignment", "composition"):
        score = FAMILIES[family].scorer(branch)
        many = score.many(rows)  # type: ignore[attr-defined]
        assert [[s.metric for s in of] for of in many] == [
            [s.metric for s in score(row)] for row in rows
        ]
        assert all(of for of in many)
