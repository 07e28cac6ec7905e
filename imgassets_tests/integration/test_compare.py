"""`imgassets compare` from two folders of drawn images to a verdict and a report."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from PIL import Image, ImageDraw

from imgassets.cli.main import main
from imgassets.cli.two_folders import compared, write_project
from imgassets.documents.prompt_files import read_prompt_set
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
    _, _, said = compare(capsys)
    assert "compare/new: 1 image failed, no_file: " in said
    assert "compare/new: 1 image failed, unreadable: p4/1.png" in said
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


def test_a_contract_that_is_there_is_not_replaced(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    write_prompts(tmp_path / "asked.yaml")
    draw(tmp_path / "old")
    draw(tmp_path / "new")
    given = tmp_path / "given.yaml"
    given.write_text("criteria: [{metric: artefacts.clean, margin: 0.3}]\nfailures: {total: 0.2}\n")
    found = compared(read_prompt_set(tmp_path / "asked.yaml"), tmp_path / "old", tmp_path / "new")
    root = tmp_path / "comparison"
    assert not write_project(root, found, given)
    assert write_project(root, found, given), "the same rules replace nothing"
    contract = root / "contracts/endpoints/compare.yaml"
    contract.write_text(edited := contract.read_text().replace("0.3", "0.05"))
    code, _, said = compare(capsys, "--contract", "given.yaml")
    assert code == 2
    assert "leave out --contract" in said
    assert contract.read_text() == edited
    assert write_project(root, found, None)


def numbered(tmp_path: Path, first: int) -> None:
    """Folders called as the lines of a file of prompts."""
    for name in ("old", "new"):
        draw(tmp_path / name)
        for i in range(PROMPTS):
            (tmp_path / name / f"p{i}").rename(tmp_path / name / f"{i + first:04}")


@pytest.mark.parametrize("first", [0, 1])
def test_numbered_folders_are_the_prompts_in_order(tmp_path: Path, first: int) -> None:
    numbered(tmp_path, first)
    asked = tmp_path / "asked.txt"
    asked.write_text("".join(f"prompt number {i}\n" for i in range(PROMPTS)))
    found = compared(read_prompt_set(asked), tmp_path / "old", tmp_path / "new")
    assert [p.id for p in found.prompts] == [f"{i + first:04}" for i in range(PROMPTS)]
    assert found.prompts[7].prompt == "prompt number 7"
    assert f"{first:04} is 'prompt number 0'" in found.by_number


@pytest.mark.parametrize(("first", "prompts"), [(1, PROMPTS + 1), (0, PROMPTS - 1), (2, PROMPTS)])
def test_numbers_that_do_not_fit_are_not_guessed(tmp_path: Path, first: int, prompts: int) -> None:
    numbered(tmp_path, first)
    asked = tmp_path / "asked.txt"
    asked.write_text("".join(f"prompt number {i}\n" for i in range(prompts)))
    with pytest.raises(FileNotFoundError, match=f"one for each of the {prompts} prompts"):
        compared(read_prompt_set(asked), tmp_path / "old", tmp_path / "new")
