"""Model documents: the shipped examples are valid and pinned; what is unsafe is refused."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import pytest

from imgassets.documents.project import load_project
from imgassets.requests import build_requests
from imgassets_tests.conftest import edit_file

ROOT = Path(__file__).parents[2]
EXAMPLES = sorted((ROOT / "contracts/models/examples").glob("*.yaml"))
MODEL = "contracts/models/fast.yaml"
COMMIT = "0123456789abcdef0123456789abcdef01234567"


def problems(root: Path) -> str:
    return "\n".join(str(p) for p in load_project(root).problems)


def test_examples_are_valid_but_no_part_of_the_demo(project_root: Path) -> None:
    """Copied into a project they have no problem; where they lie they are not loaded."""
    assert {"sd35-large", "sd35-large-turbo", "sd35-medium", "sdxl-base"} <= {
        path.stem for path in EXAMPLES
    }
    assert not {path.stem for path in EXAMPLES} & set(load_project(ROOT).models)
    for path in EXAMPLES:
        shutil.copy(path, project_root / "contracts/models")
    beside = project_root / "contracts/models/examples"
    beside.mkdir()
    for workflow in EXAMPLES[0].parent.glob("*.json"):
        shutil.copy(workflow, beside)
    project = load_project(project_root)
    assert not project.problems, problems(project_root)
    assert {path.stem for path in EXAMPLES} <= set(project.models)


def test_weights_on_the_hub_need_no_download_to_plan(project_root: Path) -> None:
    """A commit stands for its content: requests are built, and another commit is other images."""
    models = project_root / "contracts/models"
    shutil.copy(ROOT / "contracts/models/examples/sdxl-base.yaml", models)
    contract = project_root / "contracts/endpoints/cards.yaml"
    edit_file(contract, "candidates: [fast]", "candidates: [sdxl-base]")
    before = build_requests(load_project(project_root), "cards", "sdxl-base", "cuda")
    generator, upscaler = before[0].inputs["generator"], before[-1].inputs["upscaler"]
    assert generator["loading"] == {"variant": "fp16"}
    assert len(generator["weights"]) == len(upscaler["weights"]) == 64
    edit_file(project_root / "contracts/models/sdxl-base.yaml", "4621659840", "aaaaaaaaaa")
    after = build_requests(load_project(project_root), "cards", "sdxl-base", "cuda")
    assert not {r.image_key for r in before} & {r.image_key for r in after}


@pytest.mark.parametrize(
    ("lines", "message"),
    [
        ("weights: hub:acme/shoes", "add `revision`: write the commit that `git ls-remote"),
        ("weights: hub:acme/shoes\nrevision: main", "revision 'main' is not a full commit"),
        ("weights: hub:acme/shoes\nrevision: 0123abc", "is not a full commit of 40 hex digits"),
        (
            f"weights: package:tiny-turbo\nrevision: {COMMIT}",
            "revision is for weights from",
        ),
    ],
)
def test_hub_weights_are_pinned_to_a_commit(lines: str, message: str, project_root: Path) -> None:
    edit_file(project_root / MODEL, "weights: package:tiny-turbo", lines)
    assert message in problems(project_root)


BATCH = "batch_size: 4"
SETTINGS = "settings: {shift: 2.0}"
SAMPLING = "steps: 2, guidance_scale: 1.0, max_sequence_length: 0"
QUANTIZED = (
    "loading: {quantization: {backend: torchao, components: [vae], "
    "settings: {trust_remote_code: true}}}"
)


@pytest.mark.parametrize(
    ("old", "new", "path"),
    [
        (BATCH, f"{BATCH}\ntrust_remote_code: true", "trust_remote_code"),
        (BATCH, f"{BATCH}\nloading: {{trust_remote_code: false}}", "loading.trust_remote_code"),
        (BATCH, f"{BATCH}\nloading: {{custom_pipeline: x}}", "loading.custom_pipeline"),
        (BATCH, f"{BATCH}\n{QUANTIZED}", "loading.quantization.settings.trust_remote_code"),
        (SETTINGS, "settings: {trust_remote_code: true}", "scheduler.settings.trust_remote_code"),
        (
            SAMPLING,
            f"{SAMPLING}, arguments: {{trust_remote_code: true}}",
            "sampling.arguments.trust",
        ),
    ],
)
def test_code_from_weights_is_refused_wherever_it_is_written(
    old: str, new: str, path: str, project_root: Path
) -> None:
    edit_file(project_root / MODEL, old, new)
    found = problems(project_root)
    assert path in found
    assert "code that comes with weights is never run" in found


@pytest.mark.parametrize(
    "index", [{"unet": ["my_unet", "MyUNet"]}, {"_class_name": ["my_pipeline", "MyPipeline"]}]
)
def test_a_folder_that_needs_its_own_code_is_refused(
    index: dict[str, Any], project_root: Path
) -> None:
    folder = project_root / "weights"
    (folder / "unet").mkdir(parents=True)
    (folder / "unet/my_unet.py").write_text("raise SystemExit")
    (folder / "model_index.json").write_text(json.dumps(index))
    edit_file(project_root / MODEL, "package:tiny-turbo", "weights")
    assert f"{next(iter(index))} needs code that comes with the weights" in problems(project_root)


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("loading: {attention: flsh}", "loading.attention"),
        ("loading: {vae_tilling: true}", "did you mean `vae_tiling`?"),
        ("loading: {quantization: {backend: gptq, components: [a], settings: {a: 1}}}", "gptq"),
    ],
)
def test_a_wrong_loading_setting_is_named(line: str, message: str, project_root: Path) -> None:
    edit_file(project_root / MODEL, BATCH, f"{BATCH}\n{line}")
    assert message in problems(project_root)


UPSCALER = 'upscaler: {kind: compact, scale: 2, weights: "package:tiny-x2"}'
X4 = f"kind: diffusers-x4, weights: hub:a/b, revision: {COMMIT}, steps: 2, guidance_scale: 1"


@pytest.mark.parametrize(
    ("upscaler", "message"),
    [
        ("kind: lanczos", "add `scale`"),
        ("kind: lanczos, scale: 2, weights: here", "unknown field"),
        ("kind: esrgan, scale: 4", "add `weights`"),
        (f"{X4}, scale: 2, noise_level: 20", "diffusers-x4 makes images 4 times larger"),
        (f"{X4}, scale: 4", "diffusers-x4 needs a noise_level"),
        ("kind: sd-upscale, scale: 2, steps: 4, guidance_scale: 1, strength: 0.9, "
         "tiles: {size: 64, overlap: 8}", "strength"),
        ("kind: sd-upscale, scale: 2, steps: 4, guidance_scale: 1, strength: 0.3, "
         "tiles: {size: 64, overlap: 40}", "overlap must be at most half"),
        ("kind: magic, scale: 2", "magic"),
    ],
)  # fmt: skip
def test_an_upscaler_that_cannot_be_is_refused(
    upscaler: str, message: str, project_root: Path
) -> None:
    edit_file(project_root / MODEL, UPSCALER, f"upscaler: {{{upscaler}}}")
    assert message in problems(project_root)
