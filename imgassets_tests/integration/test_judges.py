"""Judges in the graph: a contract for photographs gets its verdict, with the judge's own error."""

from __future__ import annotations

import json
from pathlib import Path

import pandas as pd
import pytest

from imgassets.documents.project import load_project
from imgassets.judges.vocabulary import all_problems
from imgassets_tests.conftest import edit_file
from imgassets_tests.integration.small import validated, write_small_project
from imgassets_tests.judges.small_models import clip

THINGS = {"circle": "cat", "star": "cup", "square": "dog"}


@pytest.fixture
def root(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.delenv("IMGASSETS_HOME", raising=False)
    write_small_project(tmp_path)
    prompts = tmp_path / "prompts" / "few.yaml"
    text = prompts.read_text()
    for shape, thing in THINGS.items():
        text = text.replace(f"class: {shape}", f"class: {thing}")
    prompts.write_text(text)
    clip(tmp_path / "models" / "clip")
    (tmp_path / "contracts" / "judges").mkdir()
    (tmp_path / "contracts" / "judges" / "near.yaml").write_text(
        "judge: near\nkind: clip\nweights: models/clip\nbatch_size: 4\n"
    )
    contract = tmp_path / "contracts" / "endpoints" / "cards.yaml"
    contract.write_text(
        contract.read_text() + "judges: {composition: coco-small, alignment: near}\n"
    )
    return tmp_path


def test_a_contract_of_photographs_gets_its_verdict(root: Path) -> None:
    """The embedded models draw shapes, so a judge of photographs finds no cat; and it says so."""
    assert all_problems(load_project(root)) == []
    first = validated(root)
    assert first.planned.scores["alignment"] == 16  # 12 generated, 4 edited
    branch = root / ".imgassets" / "tables" / "cards" / "fast"
    composition = pd.read_parquet(branch / "composition.parquet")
    judged = composition[composition["metric"] == "composition.correct"]
    assert (judged["value"] == 0.0).all()
    assert judged["reason"].str.contains("found 0").all()
    alignment = pd.read_parquet(branch / "alignment.parquet")
    assert alignment["metric"].unique().tolist() == ["alignment.clip_score"]
    assert alignment["value"].between(0, 100).all()
    verdict = json.loads((branch / "verdict.json").read_text())
    assert verdict["verdict"] != "GO"
    assert "composition by coco-small, right on 81 % (77 to 84)" in verdict["judges"]
    edit_file(root / "contracts/judges/near.yaml", "kind: clip", "kind: clip\ntemplate: a {prompt}")
    again = validated(root)
    assert again.scores == sum(again.planned.scores.values()) == 16
    assert again.planned.scores.keys() == {"alignment"}
    assert sum(again.images.values()) == 0
    assert {key for key in again.assets if key.endswith(("composition", "look"))} == set()
