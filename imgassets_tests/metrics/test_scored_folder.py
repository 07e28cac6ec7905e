"""Scoring folders made by anyone: both layouts, right and wrong images, unusable files."""

from __future__ import annotations

import json
import os
import random
from pathlib import Path

import numpy as np
import pytest
from PIL import Image, ImageDraw

from imgassets.cli.main import main
from imgassets.metrics.scored_folder import ScoredFolder, score_folder
from imgassets.tiny.scenes import Scene, sample_scene, text_scene

PROMPTS = """\
prompt_set: scenes
prompts:
  - id: {id}
    prompt: {prompt}
    expect: {{include: [{{class: {shape}, color: {color}}}]}}
"""


def single(seed: int) -> Scene:
    return sample_scene(random.Random(seed), "single_object")


@pytest.fixture
def folder(tmp_path: Path) -> tuple[Path, Path]:
    """One prompt; image 1 shows what it asks for, image 2 something else, image 3 is truncated."""
    right = single(1)
    wrong = next(
        s for s in map(single, range(2, 99)) if s.objects[0].shape != right.objects[0].shape
    )
    text = PROMPTS.format(
        id="thing", prompt=right.prompt, shape=right.objects[0].shape, color=right.objects[0].color
    )
    (tmp_path / "scenes.yaml").write_text(text)
    images = tmp_path / "images" / "thing"
    images.mkdir(parents=True)
    right.render().save(images / "1.png")
    wrong.render().save(images / "2.png")
    (images / "3.png").write_bytes((images / "1.png").read_bytes()[:-40])
    return tmp_path / "scenes.yaml", tmp_path / "images"


def test_each_image_gets_a_verdict_and_a_reason(folder: tuple[Path, Path]) -> None:
    right, wrong, truncated = score_folder(*folder)
    assert (right.file, right.prompt_id, right.seed) == ("thing/1.png", "thing", 1)
    assert right.correct is True
    assert right.reason == ""
    assert right.metrics["composition.correct"] == 1.0
    assert wrong.correct is False
    assert wrong.reason
    assert truncated.correct is False
    assert truncated.reason.startswith("unreadable")
    assert "composition.correct" not in truncated.metrics


def test_the_command_prints_the_documented_json(
    folder: tuple[Path, Path], capsys: pytest.CaptureFixture[str]
) -> None:
    prompts, images = folder
    assert main(["score", "--prompts", str(prompts), "--images", str(images), "--json"]) == 0
    rows = json.loads(capsys.readouterr().out)["images"]
    assert [r["correct"] for r in rows] == [True, False, False]
    assert set(rows[0]) == {"file", "prompt_id", "seed", "correct", "reason", "metrics"}


def test_genevals_layout_and_metadata_are_read(tmp_path: Path) -> None:
    scene = sample_scene(random.Random(5), "counting")
    expectation = scene.expectation()
    (tmp_path / "evaluation_metadata.jsonl").write_text(json.dumps(expectation) + "\n")
    samples = tmp_path / "out" / "00000" / "samples"
    samples.mkdir(parents=True)
    scene.render().save(samples / "0000.png")
    scene.render().save(samples.parent / "grid.png")
    scored = score_folder(tmp_path / "evaluation_metadata.jsonl", tmp_path / "out")
    assert [(s.prompt_id, s.seed, s.correct) for s in scored] == [("00000", 0, True)]


def test_a_class_the_detector_does_not_know_is_not_judged(tmp_path: Path) -> None:
    row = {"tag": "single_object", "include": [{"class": "bench", "count": 1}], "prompt": "a bench"}
    (tmp_path / "m.jsonl").write_text(json.dumps(row) + "\n")
    (tmp_path / "out" / "00000").mkdir(parents=True)
    single(1).render().save(tmp_path / "out" / "00000" / "0.png")
    (scored,) = score_folder(tmp_path / "m.jsonl", tmp_path / "out")
    assert scored.correct is None
    assert "bench" in scored.reason


def test_text_the_reader_has_no_letters_for_is_not_judged(tmp_path: Path) -> None:
    """Never a wrong image for that; but what else it must show is judged as ever."""
    right = single(1)
    wanted = f"include: [{{class: {right.objects[0].shape}, color: {right.objects[0].color}}}]"
    (tmp_path / "p.yaml").write_text(
        "prompt_set: p\nprompts:\n"
        "  - {id: text, prompt: x, expect: {text: \u0416\u0414}}\n"
        f"  - {{id: both, prompt: x, expect: {{text: \u0416\u0414, {wanted}}}}}\n",
        encoding="utf-8",
    )
    other = next(
        s for s in map(single, range(2, 99)) if s.objects[0].shape != right.objects[0].shape
    )
    for name, scene in (("text/1", right), ("both/1", right), ("both/2", other)):
        (tmp_path / "i" / name).parent.mkdir(parents=True, exist_ok=True)
        scene.render().save(tmp_path / "i" / f"{name}.png")
    both, wrong, text = score_folder(tmp_path / "p.yaml", tmp_path / "i")
    assert (both.correct, wrong.correct, text.correct) == (None, False, None)
    assert "no letters for '\u0416', '\u0414' (Cyrillic)" in text.reason == both.reason
    assert "typography.exact" not in text.metrics
    assert both.metrics["composition.correct"] == 1.0


def test_nothing_judged_is_no_success_and_says_which_part_was_looked_at(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Prompts without expectations: artefacts are looked at, and 0 of 0 exits 1."""
    (tmp_path / "p.txt").write_text("a bench\nthe mood of autumn\n")
    for name in ("a-bench", "the-mood-of-autumn"):
        (tmp_path / "i" / name).mkdir(parents=True)
        single(1).render().save(tmp_path / "i" / name / "1.png")
    arguments = ["--prompts", str(tmp_path / "p.txt"), "--images", str(tmp_path / "i")]
    assert main(["score", *arguments]) == 1
    said = capsys.readouterr().out
    assert "judged, of 2 images: artefacts in 2, objects in 0, text in 0" in said
    assert "no image was judged right or wrong" in said
    assert "0 of 0 judged images correct, 2 in all" in said
    assert main(["score", *arguments, "--json"]) == 1
    assert json.loads(capsys.readouterr().out)["judged"] == {
        "images": 2, "judged": 0, "correct": 0, "artefacts": 2, "composition": 0, "typography": 0,
    }  # fmt: skip


def test_text_is_judged_beside_objects_that_the_judge_does_not_know(tmp_path: Path) -> None:
    expect = "{text: OX, include: [{class: bench}]}"
    (tmp_path / "p.yaml").write_text(
        f"prompt_set: p\nprompts:\n  - {{id: a, prompt: x, expect: {expect}}}\n"
    )
    (tmp_path / "i/a").mkdir(parents=True)
    for seed, word in ((1, "OX"), (2, "NO")):
        scene = text_scene(random.Random(1), word, "blue", "white", "large")
        scene.render().save(tmp_path / f"i/a/{seed}.png")
    right, wrong = score_folder(tmp_path / "p.yaml", tmp_path / "i")
    assert (right.correct, right.metrics["typography.exact"]) == (None, 1.0)
    assert "bench" in right.reason
    assert (wrong.correct, wrong.metrics["typography.exact"]) == (False, 0.0)


def test_a_score_without_a_value_is_not_in_the_json(tmp_path: Path) -> None:
    """JSON has no NaN: where strict cannot be judged it is absent."""
    (tmp_path / "p.yaml").write_text(
        "prompt_set: p\nprompts:\n  - {id: a, prompt: x, expect: {text: OX}}\n"
    )
    (tmp_path / "i/a").mkdir(parents=True)
    text_scene(random.Random(1), "OX", "blue", "white", "large").render().save(
        tmp_path / "i/a/1.png"
    )
    (scored,) = score_folder(tmp_path / "p.yaml", tmp_path / "i")
    assert scored.correct is True
    assert "typography.strict" not in scored.metrics
    assert "NaN" not in json.dumps(scored.to_dict())


@pytest.mark.parametrize("mode", ["L", "P", "CMYK", "RGBA", "I;16"])
def test_other_modes_are_recorded_failures_never_silently_converted(
    folder: tuple[Path, Path], mode: str
) -> None:
    prompts, images = folder
    target = images / "thing" / ("9.jpg" if mode == "CMYK" else "9.png")
    if mode == "I;16":
        Image.fromarray(np.arange(96 * 96, dtype=np.uint16).reshape(96, 96)).save(target)
    else:
        single(1).render().convert(mode).save(target)
    found = {s.file: s for s in score_folder(prompts, images)}[f"thing/{target.name}"]
    assert found.correct is False
    assert "wrong_mode" in found.reason


def test_a_bomb_is_refused_before_it_is_decoded(folder: tuple[Path, Path]) -> None:
    prompts, images = folder
    Image.new("1", (9000, 9000)).save(images / "thing" / "8.png")
    found = {s.file: s for s in score_folder(prompts, images)}["thing/8.png"]
    assert found.correct is False
    assert "more than the limit" in found.reason


def test_an_unknown_folder_is_said_not_guessed(folder: tuple[Path, Path]) -> None:
    prompts, images = folder
    (images / "other").mkdir()
    single(1).render().save(images / "other" / "1.png")
    found = {s.file: s for s in score_folder(prompts, images)}["other/1.png"]
    assert found.correct is None
    assert "no prompt 'other'" in found.reason


def test_bad_input_exits_2_and_says_what_to_do(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["score", "--prompts", str(tmp_path / "no.yaml"), "--images", str(tmp_path)]) == 2
    assert "no such file" in capsys.readouterr().err
    (tmp_path / "p.yaml").write_text("prompt_set: p\nprompts: [{id: a, prompt: a circle}]\n")
    assert main(["score", "--prompts", str(tmp_path / "p.yaml"), "--images", str(tmp_path)]) == 2
    assert "no image" in capsys.readouterr().err


def test_the_guard_for_images_from_outside_stands_here_too(folder: tuple[Path, Path]) -> None:
    """A link is not followed, and what only a lenient decoder would take is unreadable."""
    prompts, images = folder
    (images / "thing" / "4.png").symlink_to(images / "thing" / "1.png")
    (images / "thing" / "5.png").write_bytes(b"")
    data = (images / "thing" / "1.png").read_bytes()
    (images / "thing" / "6.png").write_bytes(data[:-12])
    found = {s.file: s for s in score_folder(prompts, images)}
    assert (found["thing/4.png"].correct, found["thing/4.png"].metrics) == (None, {})
    assert "a symbolic link" in found["thing/4.png"].reason
    for name, reason in (("5", "empty"), ("6", "truncated: no end")):
        scored = found[f"thing/{name}.png"]
        assert (scored.correct, scored.metrics) == (False, {"artefacts.clean": 0.0})
        assert scored.reason.startswith(f"unreadable: {reason}")


# ---- GenEval's folders ---------------------------------------------------------------------


def circle(color: tuple[int, int, int]) -> Image.Image:
    image = Image.new("RGB", (128, 128), "white")
    ImageDraw.Draw(image).ellipse((30, 30, 98, 98), fill=color)
    return image


RED, BLUE = (214, 26, 34), (20, 85, 230)


def row(color: str) -> dict[str, object]:
    include = [{"class": "circle", "count": 1, "color": color}]
    return {"tag": "colors", "include": include, "prompt": f"a {color} circle"}


def geneval_folder(root: Path, index: int, color: tuple[int, int, int]) -> Path:
    samples = root / f"{index:05d}" / "samples"
    samples.mkdir(parents=True)
    circle(color).save(samples / "0000.png")
    return samples


def test_each_folders_own_metadata_decides_and_a_prompt_file_that_differs_is_named(
    tmp_path: Path,
) -> None:
    prompts, images = tmp_path / "all.jsonl", tmp_path / "img"
    prompts.write_text("\n".join(json.dumps(row(c)) for c in ("red", "blue", "red", "red")))
    for i, (color, told) in enumerate(((BLUE, "blue"), (RED, "red"), (RED, "red"))):
        folder = geneval_folder(images, i, color).parent
        (folder / "metadata.jsonl").write_text(json.dumps(row(told)))
    geneval_folder(images, 9, RED)
    (images / "00009" / "metadata.jsonl").write_text(json.dumps(row("red")))
    found = score_folder(prompts, images)
    assert [s.correct for s in found] == [True] * 4
    assert [text[:5] for text in found.disagreements] == ["00000", "00001", "00009"]
    assert found.without_images == ("00003",)
    assert "1 of 4 prompts have no image: 00003" in str(found)
    assert found.skipped == ()


@pytest.mark.parametrize("broken", ["", "[1]", "{", '{"include": 5, "prompt": "x"}', "\ufeff"])
def test_metadata_that_cannot_be_used_makes_its_images_unjudged_and_no_other(
    tmp_path: Path, broken: str
) -> None:
    (tmp_path / "all.jsonl").write_text("\n".join(json.dumps(row("red")) for _ in range(2)))
    for i in range(2):
        geneval_folder(tmp_path / "img", i, RED)
    (tmp_path / "img" / "00000" / "metadata.jsonl").write_text(broken)
    first, second = score_folder(tmp_path / "all.jsonl", tmp_path / "img")
    assert (first.correct, second.correct) == (None, True)
    assert "metadata.jsonl cannot be used" in first.reason


def test_other_formats_of_prompts_are_one_line(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    geneval_folder(tmp_path / "img", 0, RED)
    for name, text, fix in (
        ("a.json", "[]", "one JSON object a line"),
        ("a.csv", "a,b\n", "a column `prompt`"),
        ("a.txt", "<html>", "one prompt a line"),
    ):
        (tmp_path / name).write_text(text)
        arguments = ["--prompts", str(tmp_path / name), "--images", str(tmp_path / "img")]
        assert main(["score", *arguments]) == 2
        head, line = capsys.readouterr().err.strip().split("\n")
        assert "1 problem" in head
        assert fix in line


# ---- which files are judged ----------------------------------------------------------------


@pytest.fixture
def samples(tmp_path: Path) -> Path:
    (tmp_path / "p.jsonl").write_text(json.dumps(row("red")))
    return geneval_folder(tmp_path / "img", 0, RED)


def scored(samples: Path) -> ScoredFolder:
    root = samples.parents[2]
    return score_folder(root / "p.jsonl", root / "img")


def test_files_that_are_no_images_are_not_judged_but_named(samples: Path) -> None:
    names = [
        "._0000.png",
        ".DS_Store",
        "Thumbs.db",
        "desktop.ini",
        "notes.txt",
        "README.md",
        "grid.png",
        "grid-0001.jpg",
        "0001.heic",
        "0002.avif",
        "0003.PNG.part",
        ".hidden.png",
        "0004",
    ]
    for name in names:
        (samples / name).write_bytes(b"\x00\x05\x16\x07")
    mac = samples.parents[1] / "__MACOSX" / "00000" / "samples"
    checkpoints = samples / ".ipynb_checkpoints"
    for folder in (mac, checkpoints):
        folder.mkdir(parents=True)
        circle(BLUE).save(folder / "0000.png")
    found = scored(samples)
    assert [s.correct for s in found] == [True]
    assert {Path(s.file).name for s in found.skipped} == {*names, "0000.png"}
    assert len(found.skipped) == len(names) + 2
    assert next(s.reason for s in found.skipped if s.file.endswith("heic")) == "HEIC is not taken"
    assert "15 file(s) not judged" in str(found)
    assert len(found.to_dict()["skipped"]) == 15


@pytest.mark.parametrize(
    "suffix",
    [
        "png",
        "PNG",
        "jpg",
        "JPG",
        "jpeg",
        "jpe",
        "jfif",
        "webp",
        "WebP",
        "bmp",
        "BMP",
        "tif",
        "TIFF",
        "gif",
    ],
)
def test_every_format_of_the_guard_is_judged_in_any_spelling(samples: Path, suffix: str) -> None:
    format_ = {"jpe": "JPEG", "jfif": "JPEG", "jpg": "JPEG", "tif": "TIFF"}.get(
        suffix.lower(), suffix.upper()
    )
    circle(RED).save(samples / f"0001.{suffix}", format=format_)
    found = {s.seed: s for s in scored(samples)}
    # A GIF is judged too: it has a palette, which an endpoint's RGB is not.
    assert found[1].correct is (suffix != "gif"), found[1]


def test_what_cannot_be_read_is_a_row_without_a_value(samples: Path) -> None:
    (samples / "0001.png").symlink_to(samples / "0000.png")
    (samples / "0002.png").symlink_to(samples / "nothing")
    (samples / "0003.png").symlink_to(samples / "0003.png")
    os.mkfifo(samples / "0004.png")
    (samples.parents[1] / "00001").symlink_to(samples.parent)
    found = scored(samples)
    assert [s.correct for s in found] == [True, None, None, None, None]
    assert all(s.reason.startswith("not judged: a ") and not s.metrics for s in [*found][1:])
    assert [(s.file, s.reason) for s in found.skipped] == [("00001", "a link to a folder")]
    assert str(found).endswith("1 of 1 judged images correct, 5 in all")


@pytest.mark.skipif(os.geteuid() == 0, reason="root may read everything")
def test_a_file_without_permission_is_no_wrong_image(samples: Path) -> None:
    (samples / "0001.png").write_bytes((samples / "0000.png").read_bytes())
    (samples / "0001.png").chmod(0)
    assert [s.correct for s in scored(samples)] == [True, None]


def test_a_folder_of_skipped_files_alone_says_what_they_are(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "p.jsonl").write_text(json.dumps(row("red")))
    (tmp_path / "img").mkdir()
    (tmp_path / "img" / "a.heic").write_bytes(b"x")
    arguments = ["--prompts", str(tmp_path / "p.jsonl"), "--images", str(tmp_path / "img")]
    assert main(["score", *arguments]) == 2
    assert "a.heic (HEIC is not taken)" in capsys.readouterr().err


def test_a_name_that_is_no_text_is_printed_all_the_same(
    samples: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    name = os.fsencode(samples) + b"/00\xff\n01.png"
    Path(os.fsdecode(name)).write_bytes((samples / "0000.png").read_bytes())
    root = samples.parents[2]
    assert main(["score", "--prompts", str(root / "p.jsonl"), "--images", str(root / "img")]) == 0
    assert "00\ufffd\ufffd01.png" in capsys.readouterr().out
