"""`imgassets compare` from two folders of drawn images to a verdict and a report."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from PIL import Image, ImageDraw

from imgassets.cli.main import main
from imgassets.storage.project_home import home_of

PROMPTS = 40
COLORS = {"red": (200, 30, 30), "blue": (30, 60, 200)}


@pytest.fixture(autouse=True)
def nowhere(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("IMGASSETS_PROJECT", str(tmp_path))  # set anew by the command
    for name in ("IMGASSETS_HOME", "DAGSTER_HOME"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.chdir(tmp_path)


def draw(folder: Path, wrong: int = 0) -> None:
    """A circle a prompt, of the color asked for; the first `wrong` ones of another."""
    for i in range(PROMPTS):
        color = ("red", "blue")[(i + (i < wrong)) % 2]
        image = Image.new("RGB", (96, 96), "white")
        place = 20 + i % 8
        box = (place, place, place + 50, place + 50)
        ImageDraw.Draw(image).ellipse(box, fill=COLORS[color])
        path = folder / f"p{i}" / "1.png"
        path.parent.mkdir(parents=True, exist_ok=True)
        image.save(path)


def write_prompts(path: Path) -> None:
    prompts = [
        {
            "id": f"p{i}",
            "prompt": f"a {('red', 'blue')[i % 2]} circle",
            "expect": {"include": [{"class": "circle", "color": ("red", "blue")[i % 2]}]},
        }
        for i in range(PROMPTS + 1)
    ]
    path.write_text(json.dumps({"prompt_set": "asked", "prompts": prompts}))  # JSON is YAML


def compare(capsys: pytest.CaptureFixture[str], *more: str) -> tuple[int, dict[str, Any], str]:
    arguments = [
        "compare",
        "--prompts",
        "asked.yaml",
        "--incumbent",
        "old",
        "--candidate",
        "new",
        "--json",
    ]
    code = main([*arguments, "--json", *more])
    said = capsys.readouterr()
    return code, json.loads(said.out) if said.out else {}, said.err


def test_equal_folders_are_go_and_wrong_colors_are_not(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """One run after another on the same project: a changed file is noticed by its content."""
    write_prompts(tmp_path / "asked.yaml")
    draw(tmp_path / "old")
    draw(tmp_path / "new")
    code, verdict, said = compare(capsys)
    assert (code, verdict["verdict"]) == (0, "GO")
    assert "comparing new with old: 40 prompts x 1 seeds" in said
    assert "1 prompts have no image in either folder" in said
    assert "composition.correct, margin: 0.1" in said
    assert home_of(tmp_path / "comparison").output(("compare", "report")).is_file()

    draw(tmp_path / "new", wrong=20)
    code, verdict, _ = compare(capsys)
    assert (code, verdict["verdict"]) == (1, "NO-GO")
    assert "generate__composition_correct" in verdict["decided_by"]

    contract = tmp_path / "comparison/contracts/endpoints/compare.yaml"
    contract.write_text(
        contract.read_text().replace("correct, margin: 0.1}", "correct, margin: 0.9}")
    )
    code, verdict, said = compare(capsys)
    assert (code, verdict["verdict"]) == (0, "GO"), verdict
    assert "held to" in said


def test_a_missing_and_a_broken_file_are_rows_with_their_modes(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    import pandas as pd

    write_prompts(tmp_path / "asked.yaml")
    draw(tmp_path / "old")
    draw(tmp_path / "new")
    (tmp_path / "new/p3/1.png").unlink()
    (tmp_path / "new/p4/1.png").write_bytes(b"no image")
    Image.new("RGB", (64, 64)).save(tmp_path / "new/p5/1.png")
    compare(capsys)
    table = home_of(tmp_path / "comparison").output(("compare", "new", "generated"))
    rows = pd.read_parquet(table).set_index("prompt_id")
    assert rows.status["p3"] == "no_file"
    assert rows.status["p4"] == "unreadable"
    assert rows.status["p5"] == "wrong_size"
    assert "p4/1.png" in rows.message["p4"]
    assert (rows.status == "ok").sum() == PROMPTS - 3


@pytest.mark.parametrize(
    ("spoil", "words"),
    [
        (lambda root: (root / "asked.yaml").unlink(), "no such file"),
        (lambda root: (root / "new").rename(root / "newer"), "new is not a folder"),
        (
            lambda root: [p.rename(p.with_name("2.png")) for p in root.glob("new/*/1.png")],
            "no seed in common",
        ),
        (
            lambda root: [p.rename(p.with_name("x" + p.name)) for p in root.glob("[on]??/p*")],
            "name the folders by prompt ids",
        ),
        (
            lambda root: [Image.new("RGB", (96, 50)).save(p) for p in root.glob("new/*/1.png")],
            "other shapes",
        ),
    ],
)
def test_what_cannot_be_compared_is_told_and_nothing_written(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], spoil: Callable[[Path], object], words: str
) -> None:
    write_prompts(tmp_path / "asked.yaml")
    draw(tmp_path / "old")
    draw(tmp_path / "new")
    spoil(tmp_path)
    code, _, said = compare(capsys)
    assert code == 2
    assert words in said
    assert not (tmp_path / "comparison").exists()


def test_another_pair_does_not_overwrite_a_comparison(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    write_prompts(tmp_path / "asked.yaml")
    draw(tmp_path / "old")
    draw(tmp_path / "new")
    contract = tmp_path / "comparison/contracts/endpoints/compare.yaml"
    contract.parent.mkdir(parents=True)
    contract.write_text("endpoint: compare\nincumbent: a\ncandidates: [b]\n")
    code, _, said = compare(capsys)
    assert code == 2
    assert "give another --out" in said
    assert contract.read_text().startswith("endpoint: compare\nincumbent: a")
