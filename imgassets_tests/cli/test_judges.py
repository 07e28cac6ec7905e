"""Judges on the command line: photographs are judged, and a judge's own error is measured."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image
from skimage import data

from imgassets.cli.main import main

CAT, CUP = {"include": [{"class": "cat"}]}, {"include": [{"class": "mugs"}]}
#: Photograph, what is expected of it, and whether it shows that.
LABELLED: list[tuple[str, dict[str, Any], bool]] = [
    ("chelsea", CAT, True),
    ("chelsea", CUP, False),
    ("coffee", CUP, True),
    ("coffee", CAT, False),
    ("chelsea", {"include": [{"class": "cat", "count": 2}]}, False),
    ("coffee", {"include": [{"class": "cup"}], "exclude": [{"class": "cat", "count": 1}]}, True),
]


@pytest.fixture
def labelled(tmp_path: Path) -> Path:
    for name in ("chelsea", "coffee"):
        Image.fromarray(np.asarray(getattr(data, name)())).save(tmp_path / f"{name}.png")
    lines = [
        json.dumps({"image": f"{name}.png", "expect": expect, "correct": correct})
        for name, expect, correct in LABELLED
    ]
    (tmp_path / "labels.jsonl").write_text("\n".join(lines))
    return tmp_path


def calibrate(judge: str, folder: Path) -> int:
    labels = str(folder / "labels.jsonl")
    return main(["calibrate", judge, "--labels", labels, "--images", str(folder), "--json"])


def test_a_judge_is_calibrated_and_its_error_is_told(
    labelled: Path, project_root: Path, monkeypatch: pytest.MonkeyPatch, capsys: Any
) -> None:
    monkeypatch.setenv("IMGASSETS_PROJECT", str(project_root))
    monkeypatch.delenv("IMGASSETS_HOME", raising=False)
    assert calibrate("coco-small", labelled) == 0
    told = json.loads(capsys.readouterr().out)
    assert (told["images"], told["unjudged"], told["overall"]["n"]) == (6, 0, 6)
    assert told["overall"]["agreement"][0] == 1.0
    assert set(told["tasks"]) == {"single_object", "counting"}
    assert Path(told["file"]).parent == project_root / ".imgassets" / "calibrations"


def test_what_a_judge_cannot_judge_is_counted_apart(
    labelled: Path, project_root: Path, monkeypatch: pytest.MonkeyPatch, capsys: Any
) -> None:
    monkeypatch.setenv("IMGASSETS_PROJECT", str(project_root))
    assert calibrate("shapes", labelled) == 2
    said = capsys.readouterr().err
    assert "judge shapes could judge none of 6 images" in said
    assert "--judge coco-small" in said


def test_a_gate_on_a_judge_that_nobody_measured_is_hinted_at(
    labelled: Path, project_root: Path, monkeypatch: pytest.MonkeyPatch, capsys: Any
) -> None:
    monkeypatch.setenv("IMGASSETS_PROJECT", str(project_root))
    monkeypatch.delenv("IMGASSETS_HOME", raising=False)
    (project_root / "contracts/judges").mkdir()
    (project_root / "contracts/judges/strict.yaml").write_text(
        "judge: strict\nkind: ssd-mobilenet\nthresholds: {presence: 0.25, counting: 0.5}\n"
    )
    contract = project_root / "contracts/endpoints/cards.yaml"
    contract.write_text(contract.read_text() + "judges: {composition: strict}\n")
    prompts = project_root / "prompts/few.yaml"
    text = prompts.read_text()
    for shape, thing in (("circle", "cat"), ("star", "cup"), ("square", "dog")):
        text = text.replace(f"class: {shape}", f"class: {thing}")
    prompts.write_text(text)
    assert main(["check"]) == 0
    hint = "composition.correct gates on judge strict, which was never calibrated"
    assert hint in capsys.readouterr().err
    assert calibrate("strict", labelled) == 0
    capsys.readouterr()
    assert main(["check"]) == 0
    assert "never calibrated" not in capsys.readouterr().err


def test_photographs_are_scored_by_genevals_own_files(tmp_path: Path, capsys: Any) -> None:
    """GenEval's prompts with COCO's classes, in its layout, as they are."""
    rows = [
        {"tag": "single_object", "include": [{"class": "cat", "count": 1}], "prompt": "a cat"},
        {"tag": "single_object", "include": [{"class": "cup", "count": 1}], "prompt": "a cup"},
        {
            "tag": "counting",
            "include": [{"class": "computer mouse", "count": 2}],
            "exclude": [{"class": "computer mouse", "count": 3}],
            "prompt": "two computer mice",
        },
    ]
    file = tmp_path / "evaluation_metadata.jsonl"
    file.write_text("\n".join(map(json.dumps, rows)))
    for index, name in enumerate(("chelsea", "coffee", "coffee")):
        folder = tmp_path / "images" / f"{index:05d}" / "samples"
        folder.mkdir(parents=True)
        Image.fromarray(np.asarray(getattr(data, name)())).save(folder / "0000.png")
    given = ["--prompts", str(file), "--images", str(tmp_path / "images")]
    assert main(["score", *given, "--judge", "coco-small", "--json"]) == 0
    found = json.loads(capsys.readouterr().out)["images"]
    assert [image["correct"] for image in found] == [True, True, False]
    assert "expected 2 computer mouse, found 0" in found[2]["reason"]


@pytest.mark.parametrize(
    ("judge", "said"),
    [("nobody", "there are: coco-small"), ("faces", "does not judge composition")],
)
def test_a_judge_that_cannot_score_is_told(
    labelled: Path, judge: str, said: str, capsys: Any
) -> None:
    prompts = labelled / "p.yaml"
    prompts.write_text("prompt_set: p\nprompts: [{id: a, prompt: a cat}]\n")
    given = ["--prompts", str(prompts), "--images", str(labelled)]
    assert main(["score", *given, "--judge", judge]) == 2
    assert said in capsys.readouterr().err
