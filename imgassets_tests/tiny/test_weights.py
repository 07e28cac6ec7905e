"""The shipped weights are small, safe, and load in the plain diffusers pipelines."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
import torch
from diffusers import (
    StableDiffusion3Img2ImgPipeline,
    StableDiffusion3InpaintPipeline,
    StableDiffusion3Pipeline,
)
from PIL import Image

from imgassets.backends.whole_folder import whole_folder
from imgassets.documents.weights import file_sha256
from imgassets.tiny import upscaler
from imgassets.tiny.scenes import SIZE
from imgassets.tiny.train import DEFAULT_OUT as WEIGHTS

PACKAGE = Path(__file__).parents[2] / "imgassets"
MODELS = ("tiny-base", "tiny-turbo")
LIMIT_BYTES = 24_000_000
ABSENT: dict[str, Any] = {"text_encoder_3": None, "tokenizer_3": None}
GRAY = Image.new("RGB", (SIZE, SIZE), (128, 128, 128))
PIPELINES: dict[type, dict[str, Any]] = {
    StableDiffusion3Pipeline: {},
    StableDiffusion3Img2ImgPipeline: {"image": GRAY, "strength": 0.8},
    StableDiffusion3InpaintPipeline: {
        "image": GRAY,
        "mask_image": Image.new("L", (SIZE, SIZE), 255),
        "strength": 0.8,
    },
}


def _make(pipeline: Any, seed: int, **inputs: Any) -> npt.NDArray[np.uint8]:
    """One picture of two or three steps, (96, 96, 3) uint8."""
    pipeline.set_progress_bar_config(disable=True)
    made = pipeline(
        "a large red circle on white",
        height=SIZE,
        width=SIZE,
        num_inference_steps=3,
        guidance_scale=2.0,
        max_sequence_length=0,
        generator=torch.Generator().manual_seed(seed),
        **inputs,
    )
    return np.asarray(made.images[0])


def test_all_weights_fit_and_are_safetensors() -> None:
    """Everything shipped is at most 24 MB, and holds no pickled weights."""
    files = [path for path in WEIGHTS.rglob("*") if path.is_file()]
    assert sum(path.stat().st_size for path in files) <= LIMIT_BYTES
    assert {path.suffix for path in files} <= {".safetensors", ".json", ".csv", ".md"}


def test_nothing_that_ships_is_a_link_and_each_weight_is_there_once() -> None:
    """A checkout on Windows makes text files of links, and a wheel holds their content twice."""
    paths = list(PACKAGE.rglob("*"))
    assert not [path for path in paths if path.is_symlink()]
    weights = [path for path in paths if path.suffix in (".safetensors", ".onnx")]
    assert len({file_sha256(path) for path in weights}) == len(weights) >= 8


@pytest.mark.parametrize("model", MODELS)
@pytest.mark.parametrize("kind", PIPELINES)
def test_plain_pipelines_load_and_repeat(model: str, kind: Any) -> None:
    """Each pipeline class makes a 96 px RGB picture; one seed, one picture."""
    with whole_folder(WEIGHTS / model) as folder:
        pipeline = kind.from_pretrained(folder, torch_dtype=torch.float32, **ABSENT)
    first = _make(pipeline, 0, **PIPELINES[kind])
    assert first.shape == (SIZE, SIZE, 3)
    assert first.std() > 1
    assert np.array_equal(first, _make(pipeline, 0, **PIPELINES[kind]))
    assert not np.array_equal(first, _make(pipeline, 1, **PIPELINES[kind]))


def test_the_upscaler_doubles_and_keeps_the_picture(tmp_path: Path) -> None:
    """The shipped upscaler doubles any size and keeps a flat picture flat, within 3 levels."""
    model = upscaler.load(WEIGHTS / "tiny-x2")
    picture = Image.new("RGB", (30, 20), (214, 188, 148))
    larger = model.upscale(picture)
    assert larger.size == (60, 40)
    inner = np.asarray(larger)[10:-10, 10:-10].astype(int)
    assert np.abs(inner - (214, 188, 148)).max() <= 3
    upscaler.save(model, upscaler.UpscalerConfig(), tmp_path)
    again = upscaler.load(tmp_path).state_dict()
    assert all(torch.equal(again[name], value) for name, value in model.state_dict().items())
