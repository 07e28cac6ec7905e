"""What weights of learned judges may be: safetensors, whole, of the right kind, without code."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from imgassets.documents.judge import JudgeWeights
from imgassets.judges.errors import JudgeError
from imgassets.judges.registry import open_judge
from imgassets.judges.transformers_weights import AUTO_CLASSES, exact, folder_of
from imgassets_tests.hub_server import serve
from imgassets_tests.judges import small_models as small
from imgassets_tests.judges.small_models import document, made, photo

pytest.importorskip("transformers")

COMMIT = "1" * 40


def copied(of: Path, to: Path, **changed: object) -> Path:
    """A copy of a folder with another config."""
    to.mkdir()
    for file in of.iterdir():
        (to / file.name).write_bytes(file.read_bytes())
    config = json.loads((to / "config.json").read_text())
    (to / "config.json").write_text(json.dumps({**config, **changed}))
    return to


@pytest.mark.parametrize(
    ("make", "kind"),
    [
        (small.owl, "zero-shot-object-detection"),
        (small.detr, "object-detection"),
        (small.mask2former, "instance-segmentation"),
        (small.llava, "vqa"),
        (small.clip, "clip"),
    ],
)
def test_pickles_are_refused(make, kind: str, tmp_path: Path) -> None:
    """A folder whose weights are a pickle is refused, though transformers could read it."""
    folder = small.pickled(tmp_path / "pickled", made(make))
    with pytest.raises(JudgeError, match=r"only pytorch_model.bin, a pickle.*safetensors"):
        open_judge(tmp_path, document(kind, "pickled"), "cpu")
    assert open_judge(tmp_path, document(kind, made(make)), "cpu")
    assert folder.is_dir()


def test_pickles_of_the_judge_of_colors_are_refused(tmp_path: Path) -> None:
    colors = {"weights": str(small.pickled(tmp_path / "pickled", made(small.clip)))}
    with pytest.raises(JudgeError, match=r"judge small, colors: .*a pickle"):
        open_judge(tmp_path, document("object-detection", made(small.detr), colors=colors), "cpu")


@pytest.mark.parametrize("file", ["config.json", "tokenizer_config.json", "extra.json"])
def test_code_of_a_repository_is_refused(file: str, tmp_path: Path) -> None:
    folder = copied(made(small.clip), tmp_path / "coded")
    path = folder / file
    content = json.loads(path.read_text()) if path.is_file() else {}
    path.write_text(json.dumps({**content, "auto_map": {"AutoModel": "evil.Evil"}}))
    (folder / "evil.py").write_text("raise SystemExit('ran')")
    with pytest.raises(JudgeError, match=rf"{file} asks for code of its own"):
        open_judge(tmp_path, document("clip", folder), "cpu")


def test_weights_that_lack_a_part_are_refused(tmp_path: Path) -> None:
    """transformers would fill it with random numbers, and say so in a notice nobody reads."""
    from safetensors.torch import load_file, save_file

    folder = copied(made(small.detr), tmp_path / "lacking")
    state = load_file(folder / "model.safetensors")
    rest = {k: v for k, v in state.items() if not k.startswith("class_labels_classifier")}
    save_file(rest, folder / "model.safetensors", metadata={"format": "pt"})
    with pytest.raises(JudgeError, match=r"lack 2 of the model's parameters .*class_labels"):
        open_judge(tmp_path, document("object-detection", folder), "cpu")


def test_an_adapter_is_refused(tmp_path: Path) -> None:
    folder = copied(made(small.clip), tmp_path / "adapter")
    (folder / "adapter_config.json").write_text('{"base_model_name_or_path": "owner/other"}')
    with pytest.raises(JudgeError, match="is an adapter"):
        open_judge(tmp_path, document("clip", folder), "cpu")


def test_a_processor_that_is_none_of_its_kind_is_told_when_it_is_opened(tmp_path: Path) -> None:
    """Not once for each image."""
    import transformers

    folder = copied(made(small.detr), tmp_path / "other")
    transformers.ViTImageProcessor(size=small.SIDE).save_pretrained(folder)
    with pytest.raises(JudgeError, match="does not answer as others of its kind"):
        open_judge(tmp_path, document("object-detection", folder), "cpu")


@pytest.mark.parametrize("kind", AUTO_CLASSES)
def test_another_kind_is_told_which_fits(kind: str) -> None:
    fitting = {
        "object-detection": small.rt_detr,
        "instance-segmentation": small.mask2former,
        "zero-shot-object-detection": small.dino,
        "vqa": small.llava,
        "clip": small.siglip,
    }
    for right, make in fitting.items():
        if right != kind:
            with pytest.raises(
                JudgeError, match=f"does not fit kind {kind}; write `kind: {right}`"
            ):
                open_judge(Path(), document(kind, made(make)), "cpu")


def test_no_folder_an_empty_one_and_a_broken_config_are_said(tmp_path: Path) -> None:
    with pytest.raises(JudgeError, match="no weights at"):
        open_judge(tmp_path, document("clip", "nowhere"), "cpu")
    (tmp_path / "empty").mkdir()
    with pytest.raises(JudgeError, match="has no weights"):
        open_judge(tmp_path, document("clip", "empty"), "cpu")
    broken = copied(made(small.clip), tmp_path / "broken")
    (broken / "config.json").write_text("{")
    with pytest.raises(JudgeError, match="cannot load AutoModel"):
        open_judge(tmp_path, document("clip", broken), "cpu")


def hub(monkeypatch: pytest.MonkeyPatch, url: str, cache: Path) -> None:
    """Points huggingface_hub, which read its settings when it was imported, to another hub."""
    import huggingface_hub.constants as constants

    monkeypatch.setattr(constants, "ENDPOINT", url)
    monkeypatch.setattr(constants, "HF_HUB_CACHE", str(cache))
    monkeypatch.setattr(
        constants, "HUGGINGFACE_CO_URL_TEMPLATE", url + "/{repo_id}/resolve/{revision}/{filename}"
    )


def test_a_commit_of_the_hub_is_had_once_without_pickles(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Downloaded by commit; then the cache does, with no hub to be reached."""
    folder = copied(made(small.clip), tmp_path / "repository")
    (folder / "pytorch_model.bin").write_bytes(b"never")
    (folder / "evil.py").write_text("raise SystemExit('ran')")
    weights = JudgeWeights(weights="hub:owner/clip", revision=COMMIT)
    with serve(folder, "owner/clip", COMMIT) as (url, asked):
        hub(monkeypatch, url, tmp_path / "cache")
        found = folder_of(tmp_path, weights, "a test")
        assert {p.name for p in found.iterdir()} == {
            p.name for p in folder.iterdir() if p.suffix not in (".bin", ".py")
        }
        assert not [name for name in asked if name.endswith((".bin", ".py"))]
    assert folder_of(tmp_path, weights, "a test") == found
    judge = document("clip", "hub:owner/clip", revision=COMMIT)
    assert open_judge(tmp_path, judge, "cpu").similarity([photo()], ["a star"])
    other = JudgeWeights(weights="hub:owner/other", revision=COMMIT)
    with pytest.raises(JudgeError, match=r"owner/other at commit 1+ cannot be downloaded"):
        folder_of(tmp_path, other, "a test")


def test_settings_of_exact_answers_end_with_the_block() -> None:
    import torch

    before = torch.backends.cudnn.allow_tf32, torch.backends.cudnn.deterministic
    with exact(), exact():
        assert torch.is_inference_mode_enabled()
        assert (torch.backends.cudnn.allow_tf32, torch.backends.cudnn.deterministic) == (
            False,
            True,
        )
    assert (torch.backends.cudnn.allow_tf32, torch.backends.cudnn.deterministic) == before
    assert not torch.is_inference_mode_enabled()


def test_a_document_may_insist_on_a_device() -> None:
    assert document("clip", "here").runs_on("cuda") == "cuda"
    assert document("clip", "here", device="cpu").runs_on("cuda") == "cpu"


@pytest.mark.parametrize(
    "module",
    [
        "judges.transformers_detector", "judges.zero_shot_detector", "judges.vqa", "judges.clip",
        "judges.vocabulary", "metrics.formulas.alignment", "metrics.formulas.composition_batches",
    ],
)  # fmt: skip
def test_importing_loads_no_network(module: str) -> None:
    code = (
        f"import sys, imgassets.{module}; "
        "sys.exit(any(m in sys.modules for m in ('torch', 'transformers')))"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
