"""Judges as documents: which there are, what changes them, and what is told of bad ones."""

from __future__ import annotations

from pathlib import Path

import pytest
import yaml

from imgassets.documents.judge import judge_class, judge_fingerprint
from imgassets.documents.judge_labels import read_judge_labels, task_of
from imgassets.documents.problems import InvalidDocumentsError
from imgassets.documents.project import Project, load_project
from imgassets.documents.prompts import Expectation
from imgassets.judges.vocabulary import all_problems
from imgassets_tests.conftest import edit_file

CONTRACT = "contracts/endpoints/cards.yaml"
BOXES = "judge: boxes\nkind: object-detection\nweights: models/boxes\nclasses: [cat]\n"


def write_judge(root: Path, text: str, name: str = "boxes") -> None:
    (root / "contracts" / "judges").mkdir(exist_ok=True)
    (root / "contracts" / "judges" / f"{name}.yaml").write_text(text)


def judged_by(root: Path, family: str, judge: str) -> Project:
    contract = root / CONTRACT
    document = yaml.safe_load(contract.read_text()) | {"judges": {family: judge}}
    contract.write_text(yaml.safe_dump(document))
    return load_project(root)


def test_the_embedded_judges_are_always_there(project_root: Path) -> None:
    project = load_project(project_root)
    assert set(project.judges) >= {"shapes", "coco-small", "faces"}
    assert project.endpoint("cards").judges_used == {"composition": "shapes"}
    assert list(project.by_kind["judges"]) == ["shapes"]


def test_a_file_of_the_same_name_stands_in_for_an_embedded_judge(project_root: Path) -> None:
    before = judge_fingerprint(project_root, load_project(project_root).judge("coco-small"))
    text = "judge: coco-small\nkind: ssd-mobilenet\nthresholds: {presence: 0.5, counting: 0.6}\n"
    write_judge(project_root, text, "coco-small")
    after = judge_fingerprint(project_root, load_project(project_root).judge("coco-small"))
    assert before != after


def test_a_judge_named_by_a_contract_is_the_one_that_is_used(project_root: Path) -> None:
    project = judged_by(project_root, "composition", "coco-small")
    assert project.problems == ()
    assert list(project.by_kind["judges"]) == ["coco-small"]
    told = "\n".join(map(str, all_problems(project)))
    assert "does not know 'circle'" in told


@pytest.mark.parametrize(
    ("family", "judge", "said"),
    [
        ("composition", "coco-smal", "did you mean 'coco-small'?"),
        ("composition", "faces", "judge faces (centerface) does not judge composition"),
        ("typography", "shapes", "judges.typography: 'typography' has no judge to choose"),
    ],
)
def test_a_judge_that_cannot_be_is_told(
    project_root: Path, family: str, judge: str, said: str
) -> None:
    project = judged_by(project_root, family, judge)
    (problem,) = project.problems
    assert problem.file == CONTRACT
    assert said in str(problem)


def test_a_criterion_needs_its_judge(project_root: Path) -> None:
    edit_file(
        project_root / CONTRACT,
        "metric: composition.correct",
        "metric: alignment.vqa_score",
    )
    told = "\n".join(map(str, load_project(project_root).problems))
    assert "alignment.vqa_score needs a judge, and the contract names none" in told
    assert "add `judges: {alignment: NAME}`, a judge of kind vqa" in told
    write_judge(project_root, "judge: near\nkind: clip\nweights: models/clip\n", "near")
    told = "\n".join(map(str, judged_by(project_root, "alignment", "near").problems))
    assert "judge near (clip) gives no alignment.vqa_score" in told


def test_weights_that_are_not_there_are_told(project_root: Path) -> None:
    write_judge(project_root, BOXES)
    (problem,) = load_project(project_root).problems
    assert (problem.file, problem.field) == ("contracts/judges/boxes.yaml", "weights")
    assert "no config.json and weights as *.safetensors in" in problem.message
    project = judged_by(project_root, "composition", "boxes")
    assert project.usable_endpoints()  # its other assets are made all the same


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("kind: oracle", "kind"),
        (
            "kind: ssd-mobilenet\nthresholds: {presence: 0.9, counting: 0.4}",
            "presence (0.9) must be below counting (0.4)",
        ),
        ("kind: vqa\nweights: hub:a/b", "add `revision`"),
        ("kind: vqa\nweights: w\nquestion: Is it there?", "must contain {prompt} exactly once"),
        ("kind: zero-shot-object-detection\nweights: w\nclasses: [cat]", "takes any words"),
    ],
)
def test_a_bad_judge_is_told(project_root: Path, text: str, said: str) -> None:
    write_judge(project_root, f"judge: boxes\n{text}\n")
    told = "\n".join(map(str, load_project(project_root).problems))
    assert "contracts/judges/boxes.yaml" in told
    assert said in told


def test_what_cannot_change_a_score_is_no_part_of_a_fingerprint(tmp_path: Path) -> None:
    plain = yaml.safe_load("judge: a\nkind: vqa\nweights: hub:acme/v") | {"revision": "0" * 40}

    def fingerprint(**changed: object) -> str:
        document = judge_class(plain).model_validate(plain | changed)
        return judge_fingerprint(tmp_path, document)

    assert fingerprint() == fingerprint(judge="b", description="x", batch_size=8, device="cpu")
    for changed in ({"dtype": "bfloat16"}, {"yes": "Ja"}, {"revision": "1" * 40}):
        assert fingerprint(**changed) != fingerprint()


@pytest.mark.parametrize(
    ("expect", "task"),
    [
        ({"include": [{"class": "cat"}]}, "single_object"),
        ({"include": [{"class": "cat", "color": "red"}]}, "colors"),
        ({"include": [{"class": "cat", "count": 2}]}, "counting"),
        ({"include": [{"class": "cat"}, {"class": "dog"}]}, "two_object"),
        ({"include": [{"class": "cat"}, {"class": "dog", "color": "red"}]}, "color_attr"),
        (
            {"include": [{"class": "cat"}, {"class": "dog", "position": ["above", 0]}]},
            "position",
        ),
        ({"faces": 2}, "faces"),
    ],
)
def test_tasks_are_genevals(expect: dict, task: str) -> None:
    assert task_of(Expectation.model_validate(expect)) == task


def test_bad_labels_are_told_by_line(tmp_path: Path) -> None:
    (tmp_path / "a.png").write_bytes(b"x")
    file = tmp_path / "labels.jsonl"
    file.write_text(
        '{"image": "a.png", "expect": {"include": [{"class": "cat"}]}, "correct": true}\n'
        '{"image": "b.png", "expect": {}, "correct": true}\n'
        '{"image": "../a.png", "expect": {}, "correct": true}\n'
        '{"image": "a.png", "expect": {}, "correct": "perhaps"}\n'
        "[1]\n"
    )
    with pytest.raises(InvalidDocumentsError) as error:
        read_judge_labels(file, tmp_path)
    assert [p.line for p in error.value.problems] == [2, 3, 4, 5]
    file.write_text(file.read_text().split("\n")[0])
    assert [label.image for label in read_judge_labels(file, tmp_path)] == ["a.png"]
