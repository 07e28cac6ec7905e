"""What does the product's own path cost on a GPU, and does it repeat its images there?

    python -m imgassets_tests.benchmarks.gpu   # on a GPU: writes docs/measurements/gpu.md
    python -m imgassets_tests.benchmarks.gpu --size small --device cpu --steps 2 --no-write

A transformer of Stable Diffusion 3.5 Large by its published configuration with random bfloat16
weights, its autoencoder, and text encoders of the right width with few layers: saved, loaded and
run by the product. Images a second, peak memory, and the ratio to a bare diffusers loop at the same
batch; whether the same request gives the same bits; and the embedded models on CPU against GPU.
Needs about 24 GB of GPU memory and 20 GB of disk for the large size.
"""

from __future__ import annotations

import argparse
import json
import tempfile
import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np

from imgassets.backends.device import Device
from imgassets.backends.diffusers_backend import DiffusersBackend
from imgassets.backends.registry import open_backend
from imgassets.documents.model import Model
from imgassets.documents.project import load_project
from imgassets.metrics.formulas.fidelity import psnr
from imgassets.requests import build_requests
from imgassets_tests import small_pipelines
from imgassets_tests.benchmarks.pages import table

ROOT = Path(__file__).parents[2]
PAGE = ROOT / "docs/measurements/gpu.md"
PROMPT = "A capybara holding a sign that reads Hello World"
EMBEDDED = ("tiny-base", "tiny-turbo")


@dataclass(frozen=True)
class Measured:
    """One size at one batch.

    Attributes:
        images_per_second: through the product, after a batch to warm up.
        bare_images_per_second: the same calls in a plain loop.
        peak_memory_mib: as the product records it.
        repeats: the same requests again gave the same bits.
        order_matters: the same requests in reverse order gave other bits.
    """

    size: str
    device: str
    pixels: int
    steps: int
    batch: int
    images: int
    images_per_second: float
    bare_images_per_second: float
    peak_memory_mib: float
    repeats: bool
    order_matters: bool

    @property
    def ratio(self) -> float:
        """Product / bare loop; 1 is no overhead."""
        return self.images_per_second / self.bare_images_per_second


def large_pipeline(device: str) -> Any:
    """SD3.5 Large with random bfloat16 weights, made on the device itself."""
    import diffusers
    import torch
    from transformers import T5Config, T5EncoderModel

    torch.manual_seed(0)
    before = torch.get_default_dtype()
    torch.set_default_dtype(torch.bfloat16)
    try:
        with torch.device(device):
            transformer = diffusers.SD3Transformer2DModel(
                sample_size=128, patch_size=2, in_channels=16, out_channels=16, num_layers=38,
                attention_head_dim=64, num_attention_heads=38, joint_attention_dim=4096,
                caption_projection_dim=2432, pooled_projection_dim=2048, pos_embed_max_size=192,
                qk_norm="rms_norm",
            )  # fmt: skip
            vae = diffusers.AutoencoderKL(
                down_block_types=("DownEncoderBlock2D",) * 4,
                up_block_types=("UpDecoderBlock2D",) * 4,
                block_out_channels=(128, 256, 512, 512), layers_per_block=2, latent_channels=16,
                norm_num_groups=32, sample_size=1024, scaling_factor=1.5305, shift_factor=0.0609,
                use_quant_conv=False, use_post_quant_conv=False,
            )  # fmt: skip
            encoders = [small_pipelines.clip_encoder(projection=True, width=w) for w in (768, 1280)]
            t5 = T5EncoderModel(
                T5Config(vocab_size=len(small_pipelines.t5_tokenizer()), d_model=4096, d_kv=64,
                         d_ff=1024, num_layers=1, num_heads=4)
            ).eval()  # fmt: skip
    finally:
        torch.set_default_dtype(before)
    return diffusers.StableDiffusion3Pipeline(
        transformer=transformer, vae=vae,
        scheduler=diffusers.FlowMatchEulerDiscreteScheduler(shift=3.0),
        text_encoder=encoders[0], tokenizer=small_pipelines.clip_tokenizer(),
        text_encoder_2=encoders[1], tokenizer_2=small_pipelines.clip_tokenizer(),
        text_encoder_3=t5, tokenizer_3=small_pipelines.t5_tokenizer(),
    )  # fmt: skip


def saved(size: str, folder: Path, device: str) -> Path:
    """The pipeline of a size as an ordinary folder."""
    if size == "small":
        return small_pipelines.save("sd3", folder)
    pipeline = large_pipeline(device)
    pipeline.save_pretrained(folder, safe_serialization=True, max_shard_size="10GB")
    return folder


def measure(
    size: str, device: Device, *, steps: int, batch: int, images: int, pixels: int
) -> Measured:
    """Build, save, load by the product's path, and run; see `Measured`."""
    with tempfile.TemporaryDirectory() as place:
        folder = saved(size, Path(place) / "model", device)
        model = _document(folder, "bfloat16" if size == "large" else "float32", steps, batch)
        backend = open_backend(Path(place), model, device)
        assert isinstance(backend, DiffusersBackend)
        asked = [_asked(model, seed, pixels) for seed in range(images)]
        backend.generate(asked[:batch])  # kernels are chosen and memory is laid out
        start = time.perf_counter()
        outcomes = backend.generate(asked)
        product = images / (time.perf_counter() - start)
        failed = [o.message for o in outcomes if o.image is None]
        if failed:
            raise RuntimeError(failed[0])
        again = backend.generate(asked)
        turned = backend.generate(asked[::-1])[::-1]
        bare = images / _bare_seconds(backend._text_to_image, asked, batch)
        return Measured(
            size, device, pixels, steps, batch, images, product, bare,
            max(o.peak_memory_mib for o in outcomes),
            repeats=_equal(outcomes, again), order_matters=not _equal(outcomes, turned),
        )  # fmt: skip


def _equal(some: Sequence[Any], others: Sequence[Any]) -> bool:
    pairs = zip(some, others, strict=True)
    return all(np.array_equal(np.asarray(a.image), np.asarray(b.image)) for a, b in pairs)


def _document(folder: Path, dtype: str, steps: int, batch: int) -> Model:
    return Model.model_validate(
        {
            "model": "sd35",
            "backend": "diffusers",
            "weights": str(folder),
            "dtype": dtype,
            "scheduler": {
                "class": "FlowMatchEulerDiscreteScheduler",
                "settings": {"shift": 3.0},
            },
            "sampling": {"steps": steps, "guidance_scale": 3.5, "max_sequence_length": 256},
            "batch_size": batch,
            "price": {"usd_per_hour": 1, "source": "none", "as_of": "2026-11-24"},
        }
    )


def _asked(model: Model, seed: int, pixels: int) -> dict[str, Any]:
    sampling = model.sampling.model_dump(mode="json")
    size = [pixels, pixels]
    return {"prompt": PROMPT, "negative_prompt": "", "seed": seed, "size": size,
            "sampling": sampling}  # fmt: skip


def _bare_seconds(pipeline: Any, asked: Sequence[dict[str, Any]], batch: int) -> float:
    """The same calls as a plain loop over diffusers."""
    import torch

    start = time.perf_counter()
    for first in range(0, len(asked), batch):
        some = asked[first : first + batch]
        width, height = some[0]["size"]
        with torch.inference_mode():
            pipeline(
                prompt=[a["prompt"] for a in some], width=width, height=height,
                num_inference_steps=some[0]["sampling"]["steps"], guidance_scale=3.5,
                generator=[torch.Generator("cpu").manual_seed(a["seed"]) for a in some],
            )  # fmt: skip
    if torch.cuda.is_available():
        torch.cuda.synchronize()
    return time.perf_counter() - start


@dataclass(frozen=True)
class Apart:
    """How far the images of one model on a device are from those on the CPU."""

    model: str
    images: int
    identical: int
    largest: int
    worst_psnr: float


def against_cpu(name: str, device: Device, images: int) -> Apart:
    """The embedded model on the CPU and on a device, the same requests of the demo."""
    project = load_project(ROOT)
    # Batches are filled up to their full size, so a small one for few images.
    model = project.model(name).model_copy(update={"batch_size": min(images, 8)})
    requests = build_requests(project, "thumbnail", name, "cpu")
    asked = [r.inputs for r in requests if r.flow == "generate"][:images]
    made = [
        [np.asarray(o.image) for o in open_backend(ROOT, model, where).generate(asked)]
        for where in ("cpu", device)
    ]
    pairs = list(zip(*made, strict=True))
    differences = [int(np.abs(a.astype(int) - b).max()) for a, b in pairs]
    worst = min(psnr(a, b) for a, b in pairs)
    return Apart(name, len(pairs), differences.count(0), max(differences), worst)


def page(measured: Sequence[Measured], apart: Sequence[Apart], where: str) -> str:
    """The figures as a page."""
    speed = [
        [m.size, f"{m.pixels}", str(m.steps), str(m.batch), f"{m.images_per_second:.3f}",
         f"{m.bare_images_per_second:.3f}", f"{m.ratio:.3f}", f"{m.peak_memory_mib / 1024:.1f}",
         "yes" if m.repeats else "no", "yes" if m.order_matters else "no"]
        for m in measured
    ]  # fmt: skip
    equal = [
        [a.model, str(a.images), str(a.identical), str(a.largest), f"{a.worst_psnr:.1f}"]
        for a in apart
    ]
    head = ["size", "px", "steps", "batch", "images/s", "bare loop", "ratio", "peak, GiB",
            "repeats bit for bit", "order matters"]  # fmt: skip
    return "\n".join(
        [
            f"# On a GPU\n\nWritten by `python -m imgassets_tests.benchmarks.gpu` on {where}.\n",
            "Stable Diffusion 3.5 Large's transformer with random weights, bfloat16.\n",
            table(head, speed),
            "The embedded models on this device against the CPU; differences in levels of 255.\n",
            table(["model", "images", "identical", "largest difference", "worst PSNR, dB"], equal),
        ]
    )


def main(arguments: Sequence[str] | None = None) -> None:
    """Measure, print, and write the page."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--size", choices=["large", "small"], default="large")
    parser.add_argument("--device", choices=["cuda", "cpu"], default="cuda")
    parser.add_argument("--steps", type=int, default=28)
    parser.add_argument("--batch", type=int, nargs="+", default=[1, 4])
    parser.add_argument("--no-write", action="store_true")
    asked = parser.parse_args(arguments)
    pixels = 1024 if asked.size == "large" else 64
    measured = [
        measure(asked.size, asked.device, steps=asked.steps, batch=batch, images=2 * batch,
                pixels=pixels)
        for batch in asked.batch
    ]  # fmt: skip
    apart = [against_cpu(n, asked.device, 16 if asked.device == "cuda" else 2) for n in EMBEDDED]
    print(json.dumps([asdict(x) for x in (*measured, *apart)], indent=1))
    if not asked.no_write:
        PAGE.write_text(page(measured, apart, _where(asked.device)), encoding="utf-8")


def _where(device: str) -> str:
    import torch

    return torch.cuda.get_device_name() if device == "cuda" else "a CPU"


if __name__ == "__main__":
    main()
