"""Which file is the image of which request, by names and by manifests."""

from __future__ import annotations

from pathlib import Path

import pytest
from PIL import Image

from imgassets.documents.image_folder import Place, read_image_folder
from imgassets.documents.problems import InvalidDocumentsError


def image(path: Path, color: str = "red") -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.new("RGB", (16, 16), color).save(path)


def test_folders_named_by_prompts_hold_files_named_by_seeds(tmp_path: Path) -> None:
    for name in ("cat/7.png", "cat/8.jpg", "cat/grid.png", "cat/notes.txt", "loose.png"):
        image(tmp_path / name.replace(".txt", ".png"))
    found = read_image_folder(tmp_path)
    assert list(found.entries) == [Place("generate", "cat", 7), Place("generate", "cat", 8)]


def test_genevals_layout(tmp_path: Path) -> None:
    image(tmp_path / "00003/samples/0001.png")
    assert list(read_image_folder(tmp_path).entries) == [Place("generate", "00003", 1)]


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("manifest.csv", "file,prompt_id,seed,seconds,usd,more\na.png,cat,3,1.5,0.02,x\n"),
        (
            "manifest.jsonl",
            '{"file": "a.png", "prompt_id": "cat", "seed": 3, "seconds": 1.5, "usd": 0.02}\n',
        ),
    ],
)
def test_a_manifest_says_whose_image_a_file_is(tmp_path: Path, name: str, text: str) -> None:
    image(tmp_path / "a.png")
    (tmp_path / name).write_text(text)
    found = read_image_folder(tmp_path)
    entry = found.entries[Place("generate", "cat", 3)]
    assert (entry.seconds, entry.usd) == (1.5, 0.02)
    assert found.path(Place("generate", "cat", 3)) == tmp_path / "a.png"


def test_another_content_is_another_version_and_a_new_time_is_not(tmp_path: Path) -> None:
    image(tmp_path / "cat/1.png")
    before = read_image_folder(tmp_path).version()
    (tmp_path / "cat/1.png").touch()
    assert read_image_folder(tmp_path).version() == before
    image(tmp_path / "cat/1.png", "blue")
    assert read_image_folder(tmp_path).version() != before


@pytest.mark.parametrize(
    ("row", "line", "field", "words"),
    [
        ("a.png,cat,x", 2, "seed", "integer"),
        ("a.png,,3", 2, "prompt_id", "is missing"),
        ("../a.png,cat,3", 2, "file", "outside"),
        ("a.png,cat,1\nb.png,cat,1", 3, "file", "already in line 2"),
    ],
)
def test_a_bad_line_is_told_with_line_field_and_fix(
    tmp_path: Path, row: str, line: int, field: str, words: str
) -> None:
    (tmp_path / "manifest.csv").write_text(f"file,prompt_id,seed\n{row}\n")
    with pytest.raises(InvalidDocumentsError) as error:
        read_image_folder(tmp_path)
    (problem,) = error.value.problems
    assert (problem.line, problem.field) == (line, field)
    assert words in problem.message
    assert problem.fix


def test_an_edit_starts_from_the_image_of_its_prompt_and_seed(tmp_path: Path) -> None:
    (tmp_path / "manifest.csv").write_text(
        "file,prompt_id,seed,flow,source\na.png,cat,1,,\nb.png,cat,1,edit,c.png\n"
    )
    with pytest.raises(InvalidDocumentsError, match=r"starts from c\.png, but .* is a\.png"):
        read_image_folder(tmp_path)


def test_a_manifest_without_the_columns_is_told_which(tmp_path: Path) -> None:
    (tmp_path / "manifest.csv").write_text("file,seed\na.png,1\n")
    with pytest.raises(InvalidDocumentsError, match="no column prompt_id"):
        read_image_folder(tmp_path)


def test_a_manifest_that_is_no_csv_is_told_with_its_line(tmp_path: Path) -> None:
    (tmp_path / "manifest.csv").write_text(f"file,prompt_id,seed\n{'a' * 200_000},cat,1\n")
    with pytest.raises(InvalidDocumentsError, match="not CSV: field larger") as error:
        read_image_folder(tmp_path)
    assert error.value.problems[0].line == 2
