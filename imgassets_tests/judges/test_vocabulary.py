"""`check` asks the judge of each endpoint whether it knows the words of its prompts."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from imgassets.documents.judge import judge_class
from imgassets.documents.project import load_project
from imgassets.judges.class_names import COCO
from imgassets.judges.known_words import known_words
from imgassets.judges.vocabulary import hints, unknown_words
from imgassets_tests.conftest import ENDPOINT, PROMPTS, edit_file

SOFAS = PROMPTS.replace("class: circle, color: red", "class: sofa, color: cyan")


def use_judge(root: Path, endpoint: str, judge: str) -> None:
    """An endpoint like `cards` with a judge of composition of its own."""
    text = ENDPOINT.replace("endpoint: cards", f"endpoint: {endpoint}")
    text = text.replace("prompt_sets:", f"judges: {{composition: {judge}}}\nprompt_sets:")
    (root / "contracts/endpoints" / f"{endpoint}.yaml").write_text(text)


def write_judge(root: Path, name: str, text: str) -> None:
    (root / "contracts/judges").mkdir(exist_ok=True)
    (root / "contracts/judges" / f"{name}.yaml").write_text(f"judge: {name}\n{text}\n")


def test_all_words_known_are_no_problem(project_root: Path) -> None:
    assert unknown_words(load_project(project_root)) == []


def test_a_word_is_told_with_the_judge_the_nearest_and_who_knows_it(project_root: Path) -> None:
    (project_root / "prompts/few.yaml").write_text(SOFAS)
    (problem,) = unknown_words(load_project(project_root))
    assert problem.message == "judge shapes does not know 'sofa'"
    assert problem.file == "prompts/few.yaml"
    assert problem.field == "prompts[0].expect.include[0].class"
    assert problem.fix == (
        "use one of: circle, square, triangle, star, diamond, heart; or name a judge that knows it "
        "in cards: `judges: {composition: coco-small}`"
    )


def test_a_set_of_two_endpoints_is_a_problem_of_the_judge_that_does_not_know(
    project_root: Path,
) -> None:
    """The photographs' judge knows sofas and no circles; the other way round for shapes."""
    (project_root / "prompts/few.yaml").write_text(SOFAS)
    use_judge(project_root, "photos", "coco-small")
    found = unknown_words(load_project(project_root))
    assert {p.message for p in found} == {
        "judge shapes does not know 'sofa'",
        "judge coco-small does not know 'square'",
        "judge coco-small does not know 'star'",
    }
    star = next(p for p in found if "'star'" in p.message)
    assert star.fix.startswith("the closest it knows is ")
    assert star.fix.endswith("in photos: `judges: {composition: shapes}`")


def test_any_words_are_known_to_a_zero_shot_judge_and_clip_knows_ten_colors(
    project_root: Path,
) -> None:
    (project_root / "prompts/few.yaml").write_text(SOFAS)
    commit = "1" * 40
    write_judge(
        project_root, "owl",
        "kind: zero-shot-object-detection\n"
        f"weights: hub:google/owlv2-base-patch16-ensemble\nrevision: '{commit}'\n"
        f"colors: {{weights: hub:openai/clip-vit-large-patch14, revision: '{commit}'}}",
    )  # fmt: skip
    (project_root / "contracts/endpoints/cards.yaml").unlink()
    use_judge(project_root, "photos", "owl")
    (problem,) = unknown_words(load_project(project_root))
    assert problem.message == "judge owl does not know 'cyan'"
    assert problem.field == "prompts[0].expect.include[0].color"
    assert problem.fix.startswith("use one of: red, orange, yellow, green, blue, purple, pink")


def test_a_background_no_judge_knows(project_root: Path) -> None:
    path = project_root / "prompts/few.yaml"
    path.write_text(PROMPTS.replace("background: white", "background: teal"))
    (problem,) = unknown_words(load_project(project_root))
    assert problem.message == "no judge knows the color 'teal'"


@pytest.mark.parametrize(
    ("fields", "config", "classes"),
    [
        ({"kind": "object-detection", "classes": ["cat"]}, None, ("cat",)),
        ({"kind": "object-detection"}, {"id2label": {"0": "N/A", "1": "cat"}}, ("cat",)),
        ({"kind": "instance-segmentation"}, {"id2label": {"0": "dog"}}, ("dog",)),
        ({"kind": "object-detection"}, {"model_type": "detr"}, None),
        ({"kind": "object-detection"}, None, None),
        ({"kind": "zero-shot-object-detection"}, {"id2label": {"0": "dog"}}, None),
    ],
)
def test_classes_come_from_the_document_else_from_the_weights(
    fields: dict, config: dict | None, classes: tuple[str, ...] | None, tmp_path: Path
) -> None:
    if config is not None:
        (tmp_path / "weights").mkdir()
        (tmp_path / "weights/config.json").write_text(json.dumps(config))
    data = {"judge": "j", "weights": "weights", **fields}
    known = known_words(tmp_path, judge_class(data).model_validate(data))
    assert known is not None
    assert known.classes == classes


def test_synonyms_of_the_judge_and_those_that_ship_count() -> None:
    data = {"judge": "j", "kind": "ssd-mobilenet", "synonyms": {"tiger": "cat"}}
    known = known_words(Path(), judge_class(data).model_validate(data))
    assert known is not None
    assert known.classes == COCO
    for word, knows in (("Tiger", True), ("sofas", True), ("dogs", True), ("unicorn", False)):
        assert known.knows("class", word) is knows


def test_words_that_nothing_is_decided_by_are_hints(project_root: Path) -> None:
    """Such prompts serve cost, look and artefacts all the same, so nothing is wrong."""
    text = SOFAS.replace("text: HI", "text: \u0416")
    (project_root / "prompts/few.yaml").write_text(text, encoding="utf-8")
    contract = project_root / "contracts/endpoints/cards.yaml"
    sofa, letter = unknown_words(load_project(project_root))
    assert hints(load_project(project_root)) == []
    edit_file(contract, "{metric: composition.correct, flow: generate, floor: 0.1, margin: 0.2}",
              "{metric: artefacts.clean, flow: generate, floor: 0.1}")  # fmt: skip
    assert unknown_words(load_project(project_root)) == [letter]
    (hint,) = hints(load_project(project_root))
    assert hint.message == f"{sofa.message}; nothing is decided by it"
    edit_file(contract, "typography.exact, flow: generate, margin", "look.lightness, margin")
    assert unknown_words(load_project(project_root)) == []
    assert [h.field for h in hints(load_project(project_root))] == [sofa.field, letter.field]
    assert load_project(project_root).usable_endpoints()
