"""People's labels in the graph: drawn, filled in, taken into account, and stopping nothing else."""

from __future__ import annotations

import csv
import shutil
from pathlib import Path

import pytest

from imgassets.cli.main import main
from imgassets.defs.headless import plan, validate
from imgassets.documents.project import load_project
from imgassets.refresh.execute import RunFailedError
from imgassets.refresh.selection import Selection
from imgassets_tests.integration.conftest import read_table
from imgassets_tests.integration.small import at_home, validated


@pytest.fixture
def root(small: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A copy of the validated project, which commands find."""
    shutil.copytree(small, tmp_path, dirs_exist_ok=True)
    monkeypatch.setenv("IMGASSETS_PROJECT", str(tmp_path))
    monkeypatch.delenv("IMGASSETS_HOME", raising=False)
    # A fixture of another test may have set it for this process.
    monkeypatch.delenv("DAGSTER_HOME", raising=False)
    return tmp_path


def fill_in(file: Path, value: str) -> int:
    """Answers every question of a table; returns how many."""
    with file.open(newline="") as lines:
        rows = list(csv.DictReader(lines))
    with file.open("w", newline="") as out:
        writer = csv.DictWriter(out, list(rows[0]))
        writer.writeheader()
        for row in rows:
            writer.writerow(row | {"value": value, "who": "ana", "when": "2026-11-27"})
    return len(rows)


def test_labels_are_drawn_filled_in_and_judge(
    root: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    draw = ["label-sample", "--endpoint", "cards", "--metric", "composition.correct"]
    assert main([*draw, "--prompts", "1"]) == 0
    file = root / "labels" / "cards.csv"
    first = file.read_text()
    assert main(["check"]) == 0  # nobody has judged anything yet
    with at_home(root) as instance:
        assert not plan(load_project(root), instance, Selection()).assets
    assert main([*draw, "--prompts", "3"]) == 0
    assert file.read_text().startswith(first)
    asked = fill_in(file, "0")
    assert main([*draw, "--prompts", "3"]) == 0
    assert "0 rows added" in capsys.readouterr().out

    done = validated(root)
    assert sum(done.images.values()) == 0
    judged = {f"cards/{model}/comparison" for model in ("prod", "fast")} | {"cards/report"}
    verdicts = {f"cards/{model}/verdict" for model in ("prod", "fast")}
    assert judged <= done.assets <= judged | verdicts
    why = f"labels/cards.csv: labels of {asked} images by 1 person"
    assert all(why in done.planned.assets[key] for key in judged - {"cards/report"})
    row = read_table(root, "cards", "fast", "comparison").set_index("criterion").iloc[0]
    assert row["estimate"] == 0
    assert "judged by people on" in row["reason"]
    report = (root / ".imgassets/reports/cards/report.html").read_text()
    assert "judged by people" in report
    assert not validated(root).assets


def test_bad_labels_stop_their_endpoint_alone(
    root: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    contracts = root / "contracts" / "endpoints"
    other = (contracts / "cards.yaml").read_text().replace("endpoint: cards", "endpoint: posters")
    (contracts / "posters.yaml").write_text(other)
    (root / "labels").mkdir()
    (root / "labels" / "cards.csv").write_text("image_key,metric,value,who\n")
    assert main(["check"]) == 1
    assert "labels/cards.csv:1: missing columns: 'when'" in capsys.readouterr().out
    with at_home(root) as instance:
        with pytest.raises(RunFailedError, match=r"labels/cards\.csv:1"):
            validate(load_project(root), instance, Selection())
        done = validate(load_project(root), instance, Selection(("posters",)))
    assert [verdict.endpoint for verdict in done] == ["posters", "posters"]
    assert main(["plan", "--endpoint", "posters"]) == 0
    assert "labels/cards.csv:1" in capsys.readouterr().err


def test_what_cannot_be_drawn_is_said(root: Path, capsys: pytest.CaptureFixture[str]) -> None:
    draw = ["label-sample", "--endpoint"]
    assert main([*draw, "nobody"]) == 2
    assert main([*draw, "cards", "--metric", "cost.usd"]) == 2
    (root / "labels").mkdir()
    (root / "labels" / "cards.csv").write_text("image_key,metric,value,who,when\n")
    assert main([*draw, "cards"]) == 2
    told = capsys.readouterr().err
    assert "no endpoint 'nobody'" in told
    assert "is the mean of cost.usd" in told
    assert "give another --output" in told
