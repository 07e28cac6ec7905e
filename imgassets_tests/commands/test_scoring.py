"""Scoring folders made by anyone: both layouts, right and wrong images, unusable files."""

from __future__ import annotations

import json
import random
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from imgassets.cli import main
from imgassets.commands.scoring import score_folder
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
    for name, reason in (("4", "a symbolic link"), ("5", "empty"), ("6", "truncated: no end")):
        scored = found[f"thing/{name}.png"]
        assert (scored.correct, scored.metrics) == (False, {"artefacts.clean": 0.0})
        assert scored.reason.startswith(f"unreadable: {reason}")
