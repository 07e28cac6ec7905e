"""The GPU benchmark runs here at small size; on a GPU, more is asked of the pipelines."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from imgassets.backends.registry import open_backend
from imgassets_tests.backends.conftest import asked, document
from imgassets_tests.benchmarks import gpu

Small = Callable[[str], Path]
FAMILIES = ["sd3", "sdxl", "flux"]


@pytest.fixture
def cuda() -> None:
    torch = pytest.importorskip("torch")
    if not torch.cuda.is_available():
        pytest.skip("no CUDA device")


def pixels(name: str, small: Small, device: str, **changes: object) -> list[np.ndarray]:
    model = document(name, small(name), **changes)
    backend = open_backend(Path(), model, device)  # type: ignore[arg-type]
    outcomes = backend.generate([asked(model, seed=seed) for seed in (1, 2, 3)])
    assert all(o.image is not None for o in outcomes), outcomes[0].message
    return [np.asarray(o.image).astype(int) for o in outcomes]


def test_the_benchmark_measures_what_it_says(capsys: pytest.CaptureFixture[str]) -> None:
    """At small size on the CPU: figures are there, images repeat, the CPU agrees with itself."""
    gpu.main(["--size", "small", "--device", "cpu", "--steps", "1", "--batch", "2", "--no-write"])
    one, *apart = json.loads(capsys.readouterr().out)
    assert one["images"] == 4
    assert one["repeats"]
    assert not one["order_matters"]
    assert 0 < one["images_per_second"] < 1000
    assert 0 < one["bare_images_per_second"] < 1000
    assert [a["model"] for a in apart] == list(gpu.EMBEDDED)
    assert all(a["identical"] == a["images"] and a["largest"] == 0 for a in apart)
    text = gpu.page([gpu.Measured(**one)], [gpu.Apart(**a) for a in apart], "a CPU")
    assert "| tiny-turbo | 2 | 2 | 0 | 120.0 |" in text


def test_the_large_size_is_that_of_sd35_large() -> None:
    """8.06 billion numbers in 38 blocks, counted without making any of them."""
    pipeline = gpu.large_pipeline("meta")
    count = sum(p.numel() for p in pipeline.transformer.parameters())
    assert count == pytest.approx(8.06e9, rel=0.005)
    assert len(pipeline.transformer.transformer_blocks) == 38
    assert pipeline.vae_scale_factor == 8


@pytest.mark.gpu
@pytest.mark.parametrize("name", FAMILIES)
def test_a_gpu_repeats_its_images(name: str, small: Small, cuda: None) -> None:
    """Bit for bit, from one loading to the next."""
    one, again = (pixels(name, small, "cuda") for _ in range(2))
    assert all(np.array_equal(a, b) for a, b in zip(one, again, strict=True))


@pytest.mark.gpu
@pytest.mark.parametrize("offload", ["model", "sequential"])
def test_offloading_changes_no_pixel(offload: str, small: Small, cuda: None) -> None:
    """It is no part of the image key, so it must not."""
    plain = pixels("sd3", small, "cuda")
    waiting = pixels("sd3", small, "cuda", loading={"offload": offload})
    assert all(np.array_equal(a, b) for a, b in zip(plain, waiting, strict=True))


@pytest.mark.gpu
@pytest.mark.parametrize("name", FAMILIES)
def test_a_gpu_is_close_to_the_cpu(name: str, small: Small, cuda: None) -> None:
    """float32 on both: within 8 levels; equal is not promised, so the device is in the key."""
    pairs = zip(pixels(name, small, "cpu"), pixels(name, small, "cuda"), strict=True)
    assert max(np.abs(a - b).max() for a, b in pairs) <= 8


@pytest.mark.gpu
@pytest.mark.parametrize(
    "loading",
    [
        {"attention": "math"},
        {"attention": "efficient"},
        {"vae_tiling": True, "vae_slicing": True},
        {"compile": {"components": ["transformer"]}},
    ],
)
def test_loading_settings_work_on_a_gpu(
    loading: dict[str, object], small: Small, cuda: None
) -> None:
    pairs = zip(
        pixels("sd3", small, "cuda"), pixels("sd3", small, "cuda", loading=loading), strict=True
    )
    assert max(np.abs(a - b).max() for a, b in pairs) <= 8
