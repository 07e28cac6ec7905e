"""The learned x2 upscaler: SRVGGNetCompact, with the weight names Real-ESRGAN gives them."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
import torch
from PIL import Image
from safetensors.torch import load_file, save_file
from torch import Tensor, nn
from torch.nn import functional

WEIGHTS_NAME = "model.safetensors"
CONFIG_NAME = "config.json"


@dataclass(frozen=True)
class UpscalerConfig:
    """Shape of the network, and the degradation it was trained to undo."""

    scale: int = 2
    num_feat: int = 32
    num_conv: int = 6
    degradation: str = (
        "2 x 2 box average of the 192 px truth; half of the pictures also through the VAE of "
        "tiny-base; then Gaussian noise of 0 to 4 levels of 255"
    )


class SRVGGNetCompact(nn.Module):
    """Convolutions at low resolution, pixel shuffle at the end (xinntao/Real-ESRGAN, BSD-3).

    The layers are rebuilt here from the published layout, so that weights of that layout load in
    either implementation: ``body.0`` convolution, ``body.1`` PReLU, and so on in turn.
    """

    def __init__(self, config: UpscalerConfig) -> None:
        super().__init__()
        self.scale = config.scale
        width = config.num_feat
        layers: list[nn.Module] = [nn.Conv2d(3, width, 3, padding=1), nn.PReLU(width)]
        for _ in range(config.num_conv):
            layers += [nn.Conv2d(width, width, 3, padding=1), nn.PReLU(width)]
        layers.append(nn.Conv2d(width, 3 * config.scale**2, 3, padding=1))
        self.body = nn.Sequential(*layers)

    def forward(self, pictures: Tensor) -> Tensor:
        """Pictures (N, 3, H, W) in 0..1 to (N, 3, 2H, 2W), nominally in 0..1, not clipped."""
        detail = functional.pixel_shuffle(self.body(pictures), self.scale)
        return detail + functional.interpolate(pictures, scale_factor=self.scale, mode="nearest")

    @torch.no_grad()
    def upscale(self, picture: Image.Image) -> Image.Image:
        """Upscale one RGB picture (uint8, sRGB) of any size."""
        weight = next(self.parameters())
        levels = torch.from_numpy(np.array(picture.convert("RGB"))).permute(2, 0, 1)[None]
        result = self(levels.to(weight.device, weight.dtype) / 255.0)
        bytes_ = (result[0].float().clamp(0, 1) * 255.0).round().to(torch.uint8)
        return Image.fromarray(bytes_.permute(1, 2, 0).cpu().numpy(), "RGB")


def load(path: Path, device: torch.device | str = "cpu") -> SRVGGNetCompact:
    """Load a folder written by ``save``, in float32 and eval mode."""
    config = UpscalerConfig(**json.loads((path / CONFIG_NAME).read_text()))
    model = SRVGGNetCompact(config)
    model.load_state_dict(load_file(path / WEIGHTS_NAME))
    return model.to(device).eval()


def from_state(state: Mapping[str, Tensor]) -> SRVGGNetCompact:
    """A network of any size from its weights in float32, in eval mode.

    Raises:
        ValueError: no SRVGGNetCompact with Real-ESRGAN's names of weights.
    """
    try:
        convolutions = [w for _, w in sorted(_numbered(state)) if w.ndim == 4]
        first, *middle, last = convolutions
    except ValueError as error:
        raise ValueError("no SRVGGNetCompact: its weights are called `body.N.weight`") from error
    scale = round((last.shape[0] / 3) ** 0.5)
    model = SRVGGNetCompact(UpscalerConfig(scale, first.shape[0], len(middle)))
    model.load_state_dict(dict(state))
    return model.eval()


def _numbered(state: Mapping[str, Tensor]) -> list[tuple[int, Tensor]]:
    return [(int(n.split(".")[1]), w) for n, w in state.items() if n.endswith(".weight")]


def save(model: nn.Module, config: UpscalerConfig, path: Path) -> None:
    """Write the weights in float16 safetensors, and the configuration beside them."""
    path.mkdir(parents=True, exist_ok=True)
    state = {name: value.half().contiguous() for name, value in model.state_dict().items()}
    save_file(state, path / WEIGHTS_NAME, metadata={"format": "pt"})
    (path / CONFIG_NAME).write_text(json.dumps(asdict(config), indent=2) + "\n")
