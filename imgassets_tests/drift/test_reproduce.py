"""The same image made again: same with a seed, lost without, and said so in words and pictures."""

from __future__ import annotations

import json
import re
from html.parser import HTMLParser
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from imgassets.cli.main import main
from imgassets.documents.project import load_project
from imgassets.report.reproducibility import amplified
from imgassets.requests import build_requests
from imgassets_tests.conftest import edit_file

Captured = pytest.CaptureFixture[str]
MARKUP = "<script>alert(1)</script>'\"&{{7*7}}"


@pytest.fixture
def project(project_root: Path) -> Path:
    """Two steps, batches of one: what is tested here is what surrounds the model."""
    path = project_root / "contracts/models/prod.yaml"
    edit_file(path, "batch_size: 4", "batch_size: 1")
    edit_file(path, "steps: 4", "steps: 2")
    return project_root


def test_a_pinned_seed_repeats_bit_by_bit(project: Path, capsys: Captured) -> None:
    out = project / "out"
    call = ["reproduce", "--prompt", "a large red circle", "--seed", "42", "--out", str(out)]
    assert main([*call, "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert (found["same"], found["seed"], found["model"]) == (True, 42, "prod")
    assert "incumbent of the first endpoint" in found["chosen"]
    assert found["differences"] == [
        {"run": 2, "same": True, "share": 0.0, "max_difference": 0, "psnr": 120.0, "ssim": 1.0,
         "hash_bits": 0}
    ]  # fmt: skip
    first, second = (np.asarray(Image.open(run["image"])) for run in found["runs"])
    assert (first == second).all()
    assert found["pin"] is None


def test_the_image_is_the_one_the_graph_would_make(project: Path, capsys: Captured) -> None:
    """Same request but for the prompt's transform, so the pinned image is the endpoint's own."""
    none = 'kind: replace, old: "@", new: ""'
    edit_file(project / "prompts/few.yaml", 'kind: suffix, text: " on white"', none)
    request = build_requests(load_project(project), "cards", "prod", "cpu")[0]
    call = ["reproduce", "--prompt", request.inputs["prompt"], "--seed", str(request.seed)]
    assert main([*call, "--device", "cpu"]) == 0
    assert (project / ".imgassets/reproduce" / request.image_key[:12] / "run-1.png").is_file()


def test_without_a_seed_it_shows_what_is_lost(project: Path, capsys: Captured) -> None:
    out = project / "out"
    assert main(["reproduce", "--prompt", MARKUP, "--runs", "3", "--out", str(out)]) == 1
    text = capsys.readouterr().out
    seeds = re.findall(r"run \d  cpu  seed (\d+)", text)
    assert len(set(seeds)) == 3
    assert text.startswith("DIFFERENT: 2 of 2 repeats gave another image")
    assert len(re.findall(r"of pixels differ, by up to \d+ levels; PSNR", text)) == 2
    assert f"--seed {seeds[0]}" in text
    page = (out / "comparison.html").read_text()
    assert MARKUP not in page
    assert tags(page).isdisjoint({"script", "iframe", "a"})
    assert not re.search(r"https?://", page)
    assert all(seed in page for seed in seeds)
    assert Image.open(out / "comparison.png").height > 2 * 288


def tags(page: str) -> set[str]:
    found: set[str] = set()

    class Reader(HTMLParser):
        def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
            found.add(tag)

    Reader().feed(page)
    return found


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["--prompt", "x", "--runs", "1"], "--runs 1: nothing to compare"),
        (["--prompt", "x", "--runs", "0"], "--runs 0: nothing to compare"),
        (["--prompt", ""], "accepts 1 to 60"),
        (["--prompt", "x" * 61], "--prompt has 61 characters"),
        (["--prompt", "x", "--seed", "-1"], "seeds of this model are 0 to 18446744073709551615"),
        (["--prompt", "x", "--seed", str(2**64)], "seeds of this model are 0 to 1844674407"),
        (["--prompt", "x", "--model", "none"], "there are: fast, prod"),
    ],
)
def test_bad_input_is_said_before_anything_is_made(
    project: Path, capsys: Captured, arguments: list[str], says: str
) -> None:
    assert main(["reproduce", *arguments]) == 2
    assert says in capsys.readouterr().err
    assert not (project / ".imgassets/reproduce").exists()


def test_a_missing_device_is_named(project: Path, capsys: Captured) -> None:
    import torch

    missing = "mps" if torch.cuda.is_available() else "cuda"
    if missing == "mps" and torch.backends.mps.is_available():
        pytest.skip("this machine has every device")
    assert main(["reproduce", "--prompt", "x", "--device", "cpu", "--device", missing]) == 2
    assert f"device {missing} is not here" in capsys.readouterr().err


def test_differences_are_amplified_to_be_seen() -> None:
    first = np.zeros((20, 20, 3), np.uint8)
    second = first.copy()
    second[3, 4] = (0, 1, 0)
    second[5, 6] = (2, 0, 0)
    shown, factor = amplified(Image.fromarray(first), Image.fromarray(second))
    pixels = np.asarray(shown)
    assert factor == 127.5
    assert (pixels[3, 4], pixels[5, 6], np.count_nonzero(pixels)) == (128, 255, 2)
    assert amplified(Image.fromarray(first), Image.fromarray(first))[0].getbbox() is None
    other_size = amplified(Image.fromarray(first), Image.new("RGB", (9, 9)))[0]
    assert other_size.getextrema() == (255, 255)
