"""Broken weights stop with the names of their tensors; they are never judged as a model."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import load_file, save_file

from imgassets.backends.base import BackendError
from imgassets.backends.registry import open_backend, upscale_maker
from imgassets.tiny.upscaler import SRVGGNetCompact, UpscalerConfig
from imgassets_tests.backends.conftest import asked, document

Small = Callable[[str], Path]
State = dict[str, torch.Tensor]


def lost(state: State) -> State:
    return dict(sorted(state.items())[3:])


def prefixed(state: State) -> State:
    return {f"model.{name}": weight for name, weight in state.items()}


def reshaped(state: State) -> State:
    return state | {sorted(state)[0]: torch.zeros(7)}


def with_another(state: State) -> State:
    return state | {"zzz.extra": torch.zeros(3)}


@pytest.fixture
def folder(small: Small, tmp_path: Path) -> Path:
    """A copy of the small SDXL to spoil."""
    return Path(shutil.copytree(small("sdxl"), tmp_path / "weights"))


def weights_of(folder: Path, part: str) -> Path:
    return next((folder / part).glob("*.safetensors"))


def made(folder: Path) -> Any:
    model = document("sdxl", folder)
    return open_backend(folder, model, "cpu").generate([asked(model)])[0]


@pytest.mark.parametrize("part", ["unet", "vae", "text_encoder", "text_encoder_2"])
@pytest.mark.parametrize(
    ("spoil", "words"),
    [
        (lost, "3 missing ("),
        (prefixed, "that it does not know (model."),
        (reshaped, "1 of another shape ("),
        (with_another, "1 that it does not know (zzz.extra)"),
    ],
)
def test_tensors_that_do_not_agree_are_named(
    spoil: Callable[[State], State], words: str, part: str, folder: Path
) -> None:
    """diffusers and transformers would only warn, and paint from uninitialized memory."""
    file = weights_of(folder, part)
    state = load_file(file)
    save_file(spoil(state), file, metadata={"format": "pt"})
    with pytest.raises(BackendError) as caught:
        made(folder)
    message = str(caught.value)
    assert f"{folder / part} holds other tensors than" in message
    assert words in message
    assert sorted(state)[0].removeprefix("text_model.") in message or spoil is with_another
    assert "\n" not in message


@pytest.mark.parametrize(
    ("part", "other"),
    [("unet", "vae"), ("vae", "unet"), ("text_encoder", "text_encoder_2"),
     ("text_encoder_2", "text_encoder"), ("text_encoder", "vae")],
)  # fmt: skip
def test_the_file_of_another_component_is_told(part: str, other: str, folder: Path) -> None:
    shutil.copy(weights_of(folder, other), weights_of(folder, part))
    with pytest.raises(BackendError, match=f"{part} holds other tensors than"):
        made(folder)


def test_older_files_with_computed_tensors_are_whole(folder: Path) -> None:
    """`position_ids` lies in many published text encoders, and no network asks for it."""
    for part in ("text_encoder", "text_encoder_2"):
        file = weights_of(folder, part)
        prefix = "text_model." if any(n.startswith("text_model.") for n in load_file(file)) else ""
        ids = {f"{prefix}embeddings.position_ids": torch.arange(24)[None]}
        save_file(load_file(file) | ids, file, metadata={"format": "pt"})
    assert made(folder).image is not None


def test_what_is_recorded_leaves_the_libraries_as_they_were(small: Small) -> None:
    from diffusers import ModelMixin
    from transformers import PreTrainedModel

    before = [cls.__dict__["from_pretrained"] for cls in (ModelMixin, PreTrainedModel)]
    assert made(small("sdxl")).image is not None
    assert before == [cls.__dict__["from_pretrained"] for cls in (ModelMixin, PreTrainedModel)]


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"version https://git-lfs.github.com/spec/v1\n", "is a pointer of Git LFS"),
        (b"<!DOCTYPE html><html></html>", "is a web page"),
        (b"", "is empty"),
    ],
)
def test_files_that_are_something_else_stop_before_loading(
    content: bytes, words: str, folder: Path
) -> None:
    weights_of(folder, "unet").write_bytes(content)
    with pytest.raises(BackendError, match=words):
        made(folder)


def test_a_config_of_another_class_is_one_line(folder: Path) -> None:
    index = json.loads((folder / "model_index.json").read_text())
    index["unet"] = ["diffusers", "NoSuchModel"]
    (folder / "model_index.json").write_text(json.dumps(index))
    with pytest.raises(BackendError, match=r"cannot be loaded.*NoSuchModel") as caught:
        made(folder)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("spoil", [lost, prefixed, reshaped, with_another])
def test_networks_of_upscalers_too(
    spoil: Callable[[State], State], small: Small, tmp_path: Path
) -> None:
    network = SRVGGNetCompact(UpscalerConfig(scale=2, num_feat=8, num_conv=2))
    save_file(spoil(network.state_dict()), tmp_path / "compact.safetensors")
    upscaler = {"kind": "compact", "scale": 2, "weights": str(tmp_path)}
    with pytest.raises(BackendError, match=r"compact\.safetensors") as caught:
        upscale_maker(tmp_path, document("sd3", small("sd3"), upscaler=upscaler), "cpu")
    assert "\n" not in str(caught.value)


def test_a_truncated_upscaler_is_named(small: Small, tmp_path: Path) -> None:
    network = SRVGGNetCompact(UpscalerConfig(scale=2, num_feat=8, num_conv=2))
    file = tmp_path / "compact.safetensors"
    save_file(network.state_dict(), file)
    file.write_bytes(file.read_bytes()[:-100])
    upscaler = {"kind": "compact", "scale": 2, "weights": str(tmp_path)}
    with pytest.raises(BackendError, match="is cut off"):
        upscale_maker(tmp_path, document("sd3", small("sd3"), upscaler=upscaler), "cpu")
