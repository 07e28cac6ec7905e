"""`normalize` and `upscale` as people call them: lists, exit codes, names, contracts, faults."""

from __future__ import annotations

import errno
import io
import json
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from imgassets.backends.base import Outcome
from imgassets.backends.upscaled_files import upscale_files
from imgassets.cli.main import main
from imgassets.documents.sources import SOURCE_FORMATS, SourceRules
from imgassets.images import outputs
from imgassets.images.intake import ANY_SOURCE
from imgassets.images.outputs import OutputFolder
from imgassets.images.take_in import inputs_of, normalize_files
from imgassets_tests.conftest import edit_file
from imgassets_tests.images.files import PICTURE, encoded

Captured = pytest.CaptureFixture[str]


@pytest.fixture
def photos(tmp_path: Path) -> Path:
    """Two good images of one name in two folders, and a broken one."""
    for folder, image in (("a", PICTURE), ("b", PICTURE.rotate(180))):
        (tmp_path / folder).mkdir()
        (tmp_path / folder / "photo.png").write_bytes(encoded("PNG", image))
    (tmp_path / "b" / "bad.png").write_bytes(encoded("PNG")[:-40])
    return tmp_path


def run(capsys: Captured, *arguments: str | Path) -> tuple[int, dict[str, Any]]:
    code = main([*map(str, arguments), "--json"])
    printed = capsys.readouterr()
    assert printed.err == ""
    return code, json.loads(printed.out)


def test_the_documented_json_and_exit_codes(photos: Path, capsys: Captured) -> None:
    good, bad = photos / "a/photo.png", photos / "b/bad.png"
    code, found = run(capsys, "normalize", good, bad, "--out", photos / "out")
    assert code == 1
    assert set(found) == {"accepted", "refused"}
    assert found["accepted"] == [
        {"input": str(good), "output": str(photos / "out/photo.png"), "done": []}
    ]
    assert [set(r) for r in found["refused"]] == [{"input", "reason"}]
    assert run(capsys, "normalize", good, "--out", photos / "out")[0] == 0


def test_words_for_people(photos: Path, capsys: Captured) -> None:
    (photos / "b/bad.png").rename(photos / "b/\x1b[31mbad\n.png")
    assert main(["normalize", *map(str, (photos / "b").iterdir()), "--out", str(photos / "o")]) == 1
    lines = capsys.readouterr().out.splitlines()
    assert len(lines) == 3
    assert all(line.isprintable() for line in lines)
    assert lines[-1] == "1 accepted, 1 refused"


def test_two_inputs_of_one_name_get_two_outputs(photos: Path, capsys: Captured) -> None:
    inputs = (photos / "a/photo.png", photos / "b/photo.png")
    _, found = run(capsys, "normalize", *inputs, "--out", photos / "out")
    outputs_ = [Path(item["output"]) for item in found["accepted"]]
    assert [p.name for p in outputs_] == ["photo.png", "photo-2.png"]
    for source, output in zip(inputs, outputs_, strict=True):
        assert (np.asarray(Image.open(output)) == np.asarray(Image.open(source))).all()
    again = run(capsys, "normalize", *inputs, "--out", photos / "out")[1]
    assert again == found
    assert len(list((photos / "out").iterdir())) == 2


def test_an_existing_file_is_never_lost(photos: Path, capsys: Captured) -> None:
    (photos / "out").mkdir()
    (photos / "out/photo.png").write_bytes(b"somebody's work")
    (photos / "out/photo-2.png").mkdir()
    (photos / "out/photo-3.png").symlink_to(photos / "nowhere")
    _, found = run(capsys, "normalize", photos / "a/photo.png", "--out", photos / "out")
    assert found["accepted"][0]["output"].endswith("photo-4.png")
    assert (photos / "out/photo.png").read_bytes() == b"somebody's work"
    assert not (photos / "nowhere").exists()


def test_inputs_may_lie_in_the_output_folder(photos: Path, capsys: Captured) -> None:
    source = photos / "a/photo.png"
    before = source.read_bytes()
    code, found = run(capsys, "normalize", source, "--out", photos / "a")
    assert code == 0
    assert source.read_bytes() == before
    assert Path(found["accepted"][0]["output"]).parent == photos / "a"


def test_paths_come_from_standard_input(
    photos: Path, capsys: Captured, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys, "stdin", io.StringIO(f"{photos}/a/photo.png\n\n{photos}/none\n"))
    code, found = run(capsys, "normalize", "-", photos / "b/photo.png", "--out", photos / "out")
    assert code == 1
    assert [len(found["accepted"]), len(found["refused"])] == [2, 1]
    assert list(inputs_of(["x", "-", "y"], io.StringIO("1\n2"))) == ["x", "1", "2", "y"]


def test_the_contract_rules(photos: Path, capsys: Captured, project_root: Path) -> None:
    contract = project_root / "contracts/endpoints/cards.yaml"
    edit_file(contract, "accepts: {", "accepts: {source_formats: [JPEG], max_source_pixels: 767, ")
    (photos / "p.jpg").write_bytes(encoded("JPEG"))
    call = ("normalize", photos / "a/photo.png", photos / "p.jpg", "--out", photos / "out")
    code, found = run(capsys, *call, "--contract", contract)
    assert code == 1
    assert [r["reason"] for r in found["refused"]] == [
        "a PNG image; accepted: JPEG",
        "32 x 24 pixels, more than the limit of 767",
    ]
    edit_file(contract, "767", "768")
    assert len(run(capsys, *call, "--contract", contract)[1]["accepted"]) == 1


@pytest.mark.parametrize(
    "rule",
    ["source_alpha: white", "source_alpha: '#12'", "source_formats: [SVG]", "source_kinds: [lab]",
     "max_source_pixels: 90000000", "max_source_bytes: 0", "source_format: [PNG]"],
)  # fmt: skip
def test_a_bad_rule_is_a_problem_of_the_contract(
    photos: Path, capsys: Captured, project_root: Path, rule: str
) -> None:
    contract = project_root / "contracts/endpoints/cards.yaml"
    edit_file(contract, "accepts: {", f"accepts: {{{rule}, ")
    arguments = ["normalize", "x.png", "--out", str(photos / "out"), "--contract", str(contract)]
    assert main(arguments) == 2
    assert f"{contract}:2: accepts.{rule.split(':')[0]}" in capsys.readouterr().err
    assert not (photos / "out").exists()


def test_an_output_that_is_no_folder_is_bad_input(photos: Path, capsys: Captured) -> None:
    source = str(photos / "a/photo.png")
    assert main(["normalize", source, "--out", source]) == 2
    assert "File exists" in capsys.readouterr().err


def test_a_full_disk_refuses_and_leaves_no_part(
    photos: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A real write into a file system of 64 KiB would need root; the failing call is the same."""

    def full(handle: int) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(outputs.os, "fsync", full)
    taken = normalize_files([str(photos / "a/photo.png")], photos / "out", ANY_SOURCE)
    assert taken.refused[0].reason == "the output cannot be written: No space left on device"
    assert list((photos / "out").iterdir()) == []


def test_a_file_system_without_links_keeps_the_same_promises(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def no_links(self: Path, target: Path) -> None:
        raise OSError(errno.EPERM, "Operation not permitted")

    monkeypatch.setattr(Path, "hardlink_to", no_links)
    (tmp_path / "a.png").write_bytes(b"there")
    folder = OutputFolder(tmp_path)
    assert [folder.put("a", b"1").name, folder.put("a", b"2").name] == ["a-2.png", "a-3.png"]
    assert {p.name: p.read_bytes() for p in tmp_path.iterdir()} == {
        "a.png": b"there",
        "a-2.png": b"1",
        "a-3.png": b"2",
    }


# ---- upscale -------------------------------------------------------------------------------


def test_upscale_normalizes_and_enlarges(
    photos: Path, capsys: Captured, project_root: Path
) -> None:
    edit_file(
        project_root / "contracts/models/prod.yaml",
        'upscaler: {kind: compact, scale: 2, weights: "package:tiny-x2"}',
        "upscaler: {kind: lanczos, scale: 2}",
    )
    call = ("upscale", photos / "a/photo.png", photos / "b/bad.png", "--out", photos / "out")
    code, found = run(capsys, *call, "--model", "prod")
    assert code == 1
    assert found["accepted"][0]["done"] == ["upscaled to 64 x 48"]
    assert found["refused"][0]["reason"].startswith("truncated")
    made = Image.open(found["accepted"][0]["output"])
    want = PICTURE.resize((64, 48), Image.Resampling.LANCZOS)
    assert (np.asarray(made) == np.asarray(want)).all()


def test_upscale_names_the_models_there_are(
    photos: Path, capsys: Captured, project_root: Path
) -> None:
    assert main(["upscale", "x.png", "--out", str(photos / "o"), "--model", "none"]) == 2
    assert "no model 'none' in contracts/models; there are: fast, prod" in capsys.readouterr().err


def upscale(path: Path, out: Path, scale: int = 2, **rules: Any) -> str:
    """The reason why an image is not upscaled, by a maker that always fails."""

    def make(inputs: Any, sources: Any) -> list[Outcome]:
        return [Outcome(failure="out_of_memory", message="no room")]

    taken = upscale_files(
        [str(path)], out, SourceRules(source_formats=SOURCE_FORMATS, **rules), make, scale
    )
    return taken.refused[0].reason


def test_a_failed_upscale_is_refused_with_its_failure_mode(photos: Path) -> None:
    path = photos / "a/photo.png"
    assert upscale(path, photos / "out") == "out_of_memory: no room"
    assert upscale(path, photos / "out", 400).startswith("400 times larger it has 122880000 pixels")
    path.write_bytes(encoded("PNG", PICTURE.convert("RGBA")))
    assert upscale(path, photos / "out", source_alpha="keep").startswith("has alpha")
