"""Criteria that could never be shown to hold are hinted at before anything is made."""

from __future__ import annotations

from pathlib import Path

import pytest
import yaml

from imgassets.cli.main import main
from imgassets.documents.project import load_project
from imgassets.documents.scale_ends import hints

SECONDS = {"metric": "cost.seconds", "ceiling": 5}
WORST = {"metric": "cost.seconds", "ceiling": 20, "statistic": "worst"}
CER = {"metric": "typography.cer", "ceiling": 0.2}


def hinted(root: Path, *criteria: dict, **more: object) -> list[str]:
    path = root / "contracts" / "endpoints" / "cards.yaml"
    written = yaml.safe_load(path.read_text(encoding="utf-8"))
    written |= {"criteria": list(criteria), "budget": {}, **more}
    path.write_text(yaml.safe_dump(written), encoding="utf-8")
    return [f"{h.field}: {h.fix}" for h in hints(load_project(root))]


def test_means_without_an_end_are_hinted_at(project_root: Path) -> None:
    assert hinted(project_root, SECONDS) == ["criteria[0]: add budget.worst_seconds"]
    (cer,) = hinted(project_root, CER)
    assert "statistic: worst, ceiling: ..." in cer
    assert hinted(project_root, CER, budget={"usd_per_image": 0.1})[0].startswith("budget.usd")


@pytest.mark.parametrize(
    "criteria",
    [
        [SECONDS, WORST],
        [{"metric": "cost.usd", "margin": 0.1}, WORST],
        [CER | {"severity": "review"}],
        [CER, {"metric": "typography.cer", "ceiling": 1, "statistic": "worst"}],
        [{"metric": "cost.peak_memory", "margin": 100}],
        [{"metric": "typography.exact", "margin": 0.1}],
        [{"metric": "look.sharpness", "margin": 0.1}],
    ],
)
def test_what_has_an_end_is_left_alone(criteria: list[dict], project_root: Path) -> None:
    assert hinted(project_root, *criteria) == []


def test_a_hint_is_no_problem(project_root: Path, capsys: pytest.CaptureFixture[str]) -> None:
    hinted(project_root, SECONDS)
    assert main(["check"]) == 0
    assert "hint: contracts/endpoints/cards.yaml" in capsys.readouterr().err
