"""SD3.5, SDXL and FLUX at small size, by the ordinary path: three flows, one set of weights."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from imgassets.backends.base import BackendError, Outcome
from imgassets.backends.diffusers_backend import DiffusersBackend
from imgassets.backends.registry import open_backend
from imgassets.documents.pipeline_options import Quantization
from imgassets_tests.backends.conftest import asked, document

Small = Callable[[str], Path]
FAMILIES = ["sd3", "sdxl", "flux"]


def opened(name: str, small: Small, **changes: Any) -> DiffusersBackend:
    backend = open_backend(Path("unused"), document(name, small(name), **changes), "cpu")
    assert isinstance(backend, DiffusersBackend)
    return backend


def pixels(outcome: Outcome) -> np.ndarray:
    assert outcome.image is not None, outcome.message
    return np.asarray(outcome.image).astype(int)


def generated(backend: DiffusersBackend, **changes: Any) -> np.ndarray:
    return pixels(backend.generate([asked(backend._model, **changes)])[0])


@pytest.mark.parametrize("name", FAMILIES)
def test_three_flows_by_the_same_weights(name: str, small: Small) -> None:
    """Text to image, image to image and inpainting; nothing is loaded twice; all repeat exactly."""
    first, second = opened(name, small), opened(name, small)
    source = Image.fromarray(generated(first).astype(np.uint8))
    assert source.size == (64, 64)
    assert (generated(first) == generated(second)).all()
    assert not (generated(first) == generated(first, seed=4)).all()
    for flow in ("stylize", "edit"):
        inputs = [asked(first._model, flow)]
        one = getattr(first, flow)(inputs, [source])[0]
        assert (pixels(one) == pixels(getattr(second, flow)(inputs, [source])[0])).all()
        assert not (pixels(one) == np.asarray(source)).all()
        assert flow != "stylize" or "Img2Img" in one.made_with["pipeline"]
        assert flow != "edit" or "Inpaint" in one.made_with["pipeline"]
    for part in ("vae", "text_encoder", "text_encoder_2"):
        assert getattr(first._text_to_image, part) is getattr(first._inpainting, part)
        assert getattr(first._text_to_image, part) is getattr(first._image_to_image, part)


@pytest.mark.parametrize("name", FAMILIES)
def test_the_prompt_reaches_the_picture(name: str, small: Small) -> None:
    """All text encoders are loaded, and another prompt gives another picture."""
    backend = opened(name, small)
    encoders = [n for n in backend._text_to_image.components if n.startswith("text_encoder")]
    assert all(getattr(backend._text_to_image, n) is not None for n in encoders)
    assert len(encoders) == {"sd3": 3}.get(name, 2)
    assert not (generated(backend) == generated(backend, prompt="zebra")).all()


def test_a_named_pipeline_is_the_one_that_is_found(small: Small) -> None:
    """Class names written out give the pixels of those diffusers finds."""
    named = opened(
        "sdxl",
        small,
        pipeline="StableDiffusionXLPipeline",
        edit={
            "pipeline": "StableDiffusionXLInpaintPipeline",
            "steps": 2, "guidance_scale": 4.0, "strength": 1.0,
        },
    )  # fmt: skip
    found = opened("sdxl", small)
    assert (generated(named) == generated(found)).all()
    inputs, source = [asked(found._model, "edit")], [Image.new("RGB", (64, 64), "teal")]
    assert (pixels(named.edit(inputs, source)[0]) == pixels(found.edit(inputs, source)[0])).all()


def test_every_scheduler_setting_is_recorded(small: Small) -> None:
    """The settings pinned, and those the folder and diffusers add, are told as they really were."""
    backend = opened(
        "sd3",
        small,
        scheduler={"class": "FlowMatchEulerDiscreteScheduler", "settings": {"shift": 5.0}},
    )
    made = backend.generate([asked(backend._model)])[0].made_with
    settings = made["scheduler"]["settings"]
    assert made["scheduler"]["class"] == "FlowMatchEulerDiscreteScheduler"
    assert settings["shift"] == 5.0
    assert settings["num_train_timesteps"] == 1000
    assert "use_dynamic_shifting" in settings
    assert made["components"]["transformer"] == "SD3Transformer2DModel float32"
    assert json.loads(json.dumps(made)) == made
    assert not (generated(backend) == generated(opened("sd3", small))).all()


def test_no_negative_prompt_is_not_an_empty_one(small: Small) -> None:
    """SDXL takes zeros for none; neighbours with a negative prompt do not change that."""
    backend = opened("sdxl", small)
    alone = generated(backend)
    inputs = [asked(backend._model), asked(backend._model, negative_prompt="blue")]
    mixed = backend.generate(inputs)
    assert (pixels(mixed[0]) == alone).all()
    assert not (pixels(mixed[1]) == alone).all()


def test_further_arguments_arrive_or_are_refused(small: Small) -> None:
    """`sampling.arguments` reach the call; one it does not take is an error, not silence."""
    sampling = {"steps": 2, "guidance_scale": 4.0, "max_sequence_length": 16}
    backend = opened("sdxl", small, sampling=sampling | {"arguments": {"guidance_rescale": 0.7}})
    assert not (generated(backend) == generated(opened("sdxl", small))).all()
    for wrong in ({"cfg_rescale": 0.7}, {"num_images_per_prompt": 1, "prompt": "x"}):
        with pytest.raises(BackendError, match=r"sampling\.arguments: StableDiffusion3Pipeline"):
            generated(opened("sd3", small, sampling=sampling | {"arguments": wrong}))


# ---- loading -------------------------------------------------------------------------------


def test_vae_settings_and_compile_arrive(small: Small) -> None:
    """Tiling, slicing and torch.compile are on; compiling without a kernel changes no pixel."""
    loading = {
        "vae_tiling": True,
        "vae_slicing": True,
        "compile": {"components": ["transformer"], "backend": "eager"},
        "offload": "model",  # on a CPU there is nowhere to go
    }
    backend = opened("sd3", small, loading=loading)
    pipeline = backend._text_to_image
    assert pipeline.vae.use_tiling
    assert pipeline.vae.use_slicing
    assert pipeline.transformer._compiled_call_impl is not None
    assert np.abs(generated(backend) - generated(opened("sd3", small))).max() <= 1


def test_attention_runs_on_the_kernel_asked_for(small: Small) -> None:
    """The plain kernel agrees with torch's choice; one this device lacks fails loudly."""
    plain = opened("sd3", small, loading={"attention": "math"})
    assert np.abs(generated(plain) - generated(opened("sd3", small))).max() <= 1
    absent = opened("sd3", small, loading={"attention": "cudnn"})
    outcome = absent.generate([asked(absent._model)])[0]
    assert outcome.failure == "machine_error"
    assert "kernel" in outcome.message.lower()


def test_a_dispatched_attention_reaches_no_other_model(small: Small) -> None:
    """FLUX dispatches; SD3 would ignore it, so it is refused; other models keep their default."""
    from diffusers.models.attention_dispatch import _AttentionBackendRegistry

    before = _AttentionBackendRegistry.get_active_backend()[0]
    backend = opened("flux", small, loading={"attention": "diffusers:_native_math"})
    assert np.abs(generated(backend) - generated(opened("flux", small))).max() <= 1
    blocks = backend._text_to_image.transformer.transformer_blocks
    assert blocks[0].attn.processor._attention_backend == "_native_math"
    assert _AttentionBackendRegistry.get_active_backend()[0] == before
    with pytest.raises(BackendError, match="would ignore attention backend"):
        generated(opened("sd3", small, loading={"attention": "diffusers:native"}))
    with pytest.raises(BackendError, match=r"correct `loading\.attention`"):
        generated(opened("flux", small, loading={"attention": "diffusers:nonsense"}))


def test_a_part_that_is_not_there_is_named(small: Small) -> None:
    loading = {"compile": {"components": ["unet"]}}
    with pytest.raises(BackendError, match=r"no unet that can `compile`; .*transformer"):
        generated(opened("sd3", small, loading=loading))
    with pytest.raises(BackendError, match="check `weights`, `pipeline` and `loading`"):
        generated(opened("sd3", small, loading={"variant": "fp16"}))


QUANTIZATIONS = [
    ("quanto", "optimum.quanto", {"weights_dtype": "int8"}),
    ("torchao", "torchao", {"quant_type": "Int8WeightOnlyConfig"}),
    ("bitsandbytes_4bit", "bitsandbytes", {"load_in_4bit": True}),
]


@pytest.mark.parametrize(("backend", "module", "settings"), QUANTIZATIONS)
def test_quantization_arrives_or_its_package_is_named(
    backend: str, module: str, settings: dict[str, Any], small: Small
) -> None:
    """With the package: other pixels, hardly. Without: an error that says what to install."""
    quantization = {"backend": backend, "components": ["transformer"], "settings": settings}
    quantized = opened("sd3", small, loading={"quantization": quantization})
    try:
        __import__(module)
    except ImportError:
        package = Quantization.model_validate(quantization).package
        with pytest.raises(BackendError, match=f"pip install {package}"):
            generated(quantized)
        return
    if backend.startswith("bitsandbytes"):
        pytest.skip("needs a GPU")
    difference = np.abs(generated(quantized) - generated(opened("sd3", small))).max()
    assert 0 < difference < 16


# ---- what is refused -----------------------------------------------------------------------


def test_pickles_are_refused(small: Small, tmp_path: Path) -> None:
    """A folder whose network has only a .bin is refused, and says why."""
    shutil.copytree(small("sdxl"), tmp_path / "copy")
    weights = tmp_path / "copy/unet/diffusion_pytorch_model.safetensors"
    weights.rename(weights.with_suffix(".bin"))
    with pytest.raises(BackendError, match=r"diffusion_pytorch_model\.bin is refused"):
        open_backend(tmp_path, document("sdxl", "copy"), "cpu")
