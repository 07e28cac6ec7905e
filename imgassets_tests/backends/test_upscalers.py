"""Every kind of upscaler, by the path the product takes."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image
from safetensors.torch import save_file

from imgassets.backends import rrdbnet
from imgassets.backends.base import BackendError, Outcome
from imgassets.backends.padding import cropped, padded
from imgassets.backends.registry import open_backend, upscale_maker
from imgassets.backends.upscalers import Upscaled, upscale_one
from imgassets.documents.upscaler import Tiles
from imgassets.metrics.formulas.upscaling import score
from imgassets.tiny.upscaler import SRVGGNetCompact, UpscalerConfig
from imgassets_tests.backends.conftest import ASKED, document
from imgassets_tests.metrics import image_faults as faults

Small = Callable[[str], Path]
PICTURE = Image.fromarray(faults.photograph("coffee", 64))
REQUEST = ASKED | {"max_sequence_length": 16}


def upscaled(folder: Path, upscaler: dict[str, Any], image: Image.Image = PICTURE) -> Outcome:
    model = document("sd3", folder, upscaler=upscaler)
    make = upscale_maker(folder, model, "cpu", lambda: open_backend(folder, model, "cpu"))
    return make([REQUEST], [image])[0]


def pixels(outcome: Outcome) -> np.ndarray:
    assert outcome.image is not None, outcome.message
    return np.asarray(outcome.image)


@pytest.mark.parametrize(
    ("name", "spec"),
    [
        ("x4", {"kind": "diffusers-x4", "scale": 4, "guidance_scale": 2.0, "noise_level": 20}),
        ("latent-x2", {"kind": "diffusers-latent-x2", "scale": 2, "guidance_scale": 0.0}),
    ],
)
def test_diffusion_upscalers_repeat_exactly(name: str, spec: dict[str, Any], small: Small) -> None:
    """The same request gives the same pixels, another seed others; what ran is told."""
    spec = spec | {"weights": str(small(name)), "steps": 2}
    one, again = (upscaled(small("sd3"), spec) for _ in range(2))
    assert pixels(one).shape == (64 * spec["scale"], 64 * spec["scale"], 3)
    assert np.array_equal(pixels(one), pixels(again))
    assert one.made_with["pipeline"].endswith("UpscalePipeline")
    assert one.made_with["scheduler"]["settings"]["num_train_timesteps"] == 1000


@pytest.mark.parametrize("size", [(72, 64), (63, 65), (33, 64), (1, 1), (5, 7)])
@pytest.mark.parametrize(
    "spec",
    [
        {"kind": "diffusers-x4", "scale": 4, "guidance_scale": 2.0, "noise_level": 20, "steps": 1},
        {"kind": "diffusers-latent-x2", "scale": 2, "guidance_scale": 0.0, "steps": 1},
        {"kind": "sd-upscale", "scale": 3, "steps": 2, "guidance_scale": 2.0, "strength": 0.5,
         "tiles": {"size": 72, "overlap": 16}},
    ],
)  # fmt: skip
def test_diffusion_upscalers_take_odd_sides(
    spec: dict[str, Any], size: tuple[int, int], small: Small
) -> None:
    """The latent upscaler wants multiples of 64, SD3's windows of 16: padded, then cropped."""
    weights = {"diffusers-x4": "x4", "diffusers-latent-x2": "latent-x2"}.get(spec["kind"])
    written = spec | ({"weights": str(small(weights))} if weights else {})
    large = upscaled(small("sd3"), written, PICTURE.resize(size))
    assert pixels(large).shape == (spec["scale"] * size[1], spec["scale"] * size[0], 3)


def test_padding_mirrors_and_leaves_whole_sides_alone() -> None:
    image = Image.fromarray(np.arange(2 * 3 * 3, dtype=np.uint8).reshape(2, 3, 3))
    assert padded(image, 1) is image
    wide = np.asarray(padded(image, 4))
    assert wide.shape == (4, 4, 3)
    assert np.array_equal(wide[:2, 3], np.asarray(image)[:, 1])  # mirrored
    assert np.array_equal(wide[2, :3], np.asarray(image)[1])  # too short to mirror: repeated
    assert np.array_equal(np.asarray(cropped(padded(image, 4), (3, 2))), np.asarray(image))


def test_an_image_of_another_size_is_never_stored() -> None:
    """An upscaler that makes a wrong size is a failure."""
    lazy = upscale_one(lambda _, image: Upscaled(image, {}), REQUEST, PICTURE, 2, "cpu")
    assert (lazy.image, lazy.failure) == (None, "wrong_size")
    assert "expected (128, 128)" in lazy.message


def test_sd_upscale_repaints_in_tiles(small: Small) -> None:
    """Right size, repeatable, no seam by the product's own metric, and not just Lanczos."""
    spec = {"kind": "sd-upscale", "scale": 3, "steps": 4, "guidance_scale": 2.0, "strength": 0.25,
            "tiles": {"size": 80, "overlap": 32}}  # fmt: skip
    one, again = (upscaled(small("sd3"), spec) for _ in range(2))
    assert np.array_equal(pixels(one), pixels(again))
    lanczos = pixels(upscaled(small("sd3"), {"kind": "lanczos", "scale": 3}))
    assert not np.array_equal(pixels(one), lanczos)
    scores = {
        s.metric: s.value
        for s in score(pixels(one), np.asarray(PICTURE), 3, Tiles(size=80, overlap=32))
    }
    assert scores["upscaling.seams"] < 1.5
    assert one.made_with["pipeline"] == "StableDiffusion3Img2ImgPipeline"


# ---- networks ------------------------------------------------------------------------------


@pytest.fixture
def esrgan(tmp_path: Path) -> Path:
    """A small RRDBNet with random weights, as a folder."""
    torch.manual_seed(0)
    network = rrdbnet.RRDBNet(rrdbnet.Shape(scale=4, features=8, growth=4, blocks=2))
    save_file(network.state_dict(), tmp_path / "RealESRGAN_x4plus.safetensors")
    return tmp_path


def test_rrdbnet_has_the_published_names_and_sizes() -> None:
    """RealESRGAN_x4plus: 23 blocks, 64 features, 702 tensors, 16,697,987 numbers."""
    with torch.device("meta"):
        state = rrdbnet.RRDBNet(rrdbnet.Shape(4, 64, 32, 23)).state_dict()
    assert len(state) == 702
    assert sum(weight.numel() for weight in state.values()) == 16_697_987
    assert state["body.22.rdb3.conv5.weight"].shape == (64, 64 + 4 * 32, 3, 3)
    for name in ("conv_first", "conv_body", "conv_up1", "conv_up2", "conv_hr", "conv_last"):
        assert f"{name}.bias" in state


@pytest.mark.parametrize("scale", [2, 4])
def test_rrdbnet_by_hand(scale: int) -> None:
    """With only the straight path open, the network is a nearest neighbour by a known factor."""
    network = rrdbnet.RRDBNet(rrdbnet.Shape(scale, 48, 4, 1)).eval()
    for weight in network.parameters():
        torch.nn.init.zeros_(weight)
    folded = 3 * (4 // scale) ** 2
    with torch.no_grad():
        # A folded channel is 3 * (its place in a square); the first of each color goes through.
        for color in range(3):
            network.conv_first.weight[color, color * folded // 3, 1, 1] = 1.0
            for conv in (network.conv_up1, network.conv_up2, network.conv_hr, network.conv_last):
                conv.weight[color, color, 1, 1] = 1.0
        picture = torch.rand(1, 3, 8, 8)
        result = network(picture)
    kept = picture[..., :: 4 // scale, :: 4 // scale]
    expected = torch.nn.functional.interpolate(kept, scale_factor=4, mode="nearest")
    assert torch.equal(result, expected)


@pytest.mark.parametrize("scale", [1, 2, 4])
@pytest.mark.parametrize(
    "size", [(1, 1), (1, 9), (2, 3), (3, 2), (5, 8), (7, 7), (64, 63), (63, 64), (9, 6)]
)
def test_rrdbnet_takes_any_sides(scale: int, size: tuple[int, int]) -> None:
    """Odd sides are padded and cropped, as Real-ESRGAN does; no pixel of a whole side changes."""
    torch.manual_seed(2)
    network = rrdbnet.RRDBNet(rrdbnet.Shape(scale, 8, 4, 1)).eval()
    height, width = size
    picture = torch.rand(1, 3, height, width)
    with torch.no_grad():
        large = network(picture)
        assert large.shape == (1, 3, scale * height, scale * width)
        fold = 4 // scale
        down, right = -height % fold, -width % fold
        mode = "reflect" if height > down and width > right else "replicate"
        padded = torch.nn.functional.pad(picture, (0, right, 0, down), mode=mode)
        whole = network(padded)[..., : scale * height, : scale * width]
    if mode == "reflect" or height == width == 1:
        assert torch.equal(large, whole)


@pytest.mark.parametrize("tiles", [None, {"size": 32, "overlap": 8}])
@pytest.mark.parametrize("size", [(33, 47), (1, 1), (64, 63), (97, 32)])
@pytest.mark.parametrize(("kind", "scale"), [("esrgan", 2), ("esrgan", 4), ("compact", 3)])
def test_networks_take_odd_sides(
    kind: str, scale: int, size: tuple[int, int], tiles: dict[str, int] | None,
    small: Small, tmp_path: Path,
) -> None:  # fmt: skip
    """Whole or in tiles, by the path the product takes."""
    torch.manual_seed(0)
    network: torch.nn.Module = (
        rrdbnet.RRDBNet(rrdbnet.Shape(scale, 8, 4, 1))
        if kind == "esrgan"
        else SRVGGNetCompact(UpscalerConfig(scale=scale, num_feat=8, num_conv=2))
    )
    save_file(network.state_dict(), tmp_path / "network.safetensors")
    spec = {"kind": kind, "scale": scale, "weights": str(tmp_path), "tiles": tiles}
    large = upscaled(small("sd3"), spec, PICTURE.resize(size))
    assert pixels(large).shape == (scale * size[1], scale * size[0], 3)


def test_esrgan_weights_are_loaded_by_their_shape(esrgan: Path, small: Small) -> None:
    """The document names a folder; the network's size is read off its weights."""
    spec = {"kind": "esrgan", "scale": 4, "weights": str(esrgan)}
    whole = upscaled(small("sd3"), spec)
    assert pixels(whole).shape == (256, 256, 3)
    assert whole.made_with == {"network": "RRDBNet"}
    with pytest.raises(
        BackendError, match=r"makes images 4 times larger.* correct upscaler\.scale"
    ):
        upscaled(small("sd3"), spec | {"scale": 2})


def test_a_network_in_tiles_agrees_with_one_pass(tmp_path: Path, small: Small) -> None:
    """Overlap beyond what the network sees: the same pixels, tiled or whole, within a level."""
    torch.manual_seed(1)
    network = SRVGGNetCompact(UpscalerConfig(scale=2, num_feat=8, num_conv=2))
    save_file(network.state_dict(), tmp_path / "compact.safetensors")
    spec = {"kind": "compact", "scale": 2, "weights": str(tmp_path)}
    tiled = spec | {"tiles": {"size": 40, "overlap": 16}}
    whole, pieces = (pixels(upscaled(small("sd3"), s)).astype(int) for s in (spec, tiled))
    assert np.abs(whole - pieces)[16:-16, 16:-16].max() <= 4
    assert np.abs(whole - pieces).mean() < 0.2


def test_other_weights_are_named(esrgan: Path, small: Small, tmp_path: Path) -> None:
    other = tmp_path / "other"
    other.mkdir()
    save_file({"model.0.weight": torch.zeros(1)}, other / "old.safetensors")
    for kind, message in (("esrgan", "convert them first"), ("compact", "no SRVGGNetCompact")):
        with pytest.raises(BackendError, match=message):
            upscaled(small("sd3"), {"kind": kind, "scale": 4, "weights": str(other)})
    with pytest.raises(BackendError, match="exactly one safetensors file, and holds 0"):
        upscaled(small("sd3"), {"kind": "esrgan", "scale": 4, "weights": str(small("sd3"))})
