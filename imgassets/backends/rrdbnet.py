"""RRDBNet, the network of ESRGAN and Real-ESRGAN, from safetensors.

Own code, where a library would be better: spandrel knows this architecture and fifty others, but
needs torchvision, whose wheels on PyPI do not import beside torch's CPU build ("operator
torchvision::nms does not exist", measured with torchvision 0.28.0 and torch 2.13.0+cpu). The
layers are those of xinntao/Real-ESRGAN (BSD-3), with its names of weights.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.nn import functional

#: Channels of the first layer, by how many times larger the image gets.
_SCALES = {3: 4, 12: 2, 48: 1}


@dataclass(frozen=True)
class Shape:
    """What tells one RRDBNet from another; read off its weights."""

    scale: int
    features: int
    growth: int
    blocks: int

    @classmethod
    def of(cls, state: Mapping[str, Tensor]) -> Shape:
        """
        Raises:
            ValueError: no RRDBNet with Real-ESRGAN's names.
        """
        try:
            features, channels = state["conv_first.weight"].shape[:2]
            growth = state["body.0.rdb1.conv1.weight"].shape[0]
            scale = _SCALES[channels]
        except KeyError as error:
            raise ValueError(
                f"no RRDBNet with Real-ESRGAN's names of weights ({error} is missing); older "
                "ESRGAN files name them `model.0.weight` and so on: convert them first"
            ) from error
        blocks = {int(name.split(".")[1]) for name in state if name.startswith("body.")}
        return cls(scale, features, growth, len(blocks))


class _DenseBlock(nn.Module):
    """Five convolutions, each of which sees the output of all before it."""

    def __init__(self, features: int, growth: int) -> None:
        super().__init__()
        for k in range(1, 6):
            out = growth if k < 5 else features
            conv = nn.Conv2d(features + (k - 1) * growth, out, 3, padding=1)
            self.add_module(f"conv{k}", conv)

    def forward(self, x: Tensor) -> Tensor:
        seen = x
        for k in range(1, 5):
            new = _leaky(self.get_submodule(f"conv{k}")(seen))
            seen = torch.cat((seen, new), 1)
        return x + 0.2 * self.get_submodule("conv5")(seen)


class _Block(nn.Module):
    """Three dense blocks in a residual."""

    def __init__(self, features: int, growth: int) -> None:
        super().__init__()
        self.rdb1 = _DenseBlock(features, growth)
        self.rdb2 = _DenseBlock(features, growth)
        self.rdb3 = _DenseBlock(features, growth)

    def forward(self, x: Tensor) -> Tensor:
        return x + 0.2 * self.rdb3(self.rdb2(self.rdb1(x)))


class RRDBNet(nn.Module):
    """Makes an image 4 times larger; smaller scales first fold pixels into channels."""

    def __init__(self, shape: Shape) -> None:
        super().__init__()
        self.scale = shape.scale
        width = shape.features
        folded = {scale: channels for channels, scale in _SCALES.items()}[shape.scale]
        self.conv_first = nn.Conv2d(folded, width, 3, padding=1)
        self.body = nn.Sequential(*[_Block(width, shape.growth) for _ in range(shape.blocks)])
        self.conv_body = nn.Conv2d(width, width, 3, padding=1)
        self.conv_up1 = nn.Conv2d(width, width, 3, padding=1)
        self.conv_up2 = nn.Conv2d(width, width, 3, padding=1)
        self.conv_hr = nn.Conv2d(width, width, 3, padding=1)
        self.conv_last = nn.Conv2d(width, 3, 3, padding=1)

    def forward(self, pictures: Tensor) -> Tensor:
        """Pictures (N, 3, H, W) in 0..1 to (N, 3, scale H, scale W), nominally in 0..1, not
        clipped. Sides that the folding does not divide are padded first, and the result is cropped.
        """
        height, width = (side * self.scale for side in pictures.shape[-2:])
        folded = functional.pixel_unshuffle(_padded(pictures, 4 // self.scale), 4 // self.scale)
        x = self.conv_first(folded)
        x = x + self.conv_body(self.body(x))
        for conv in (self.conv_up1, self.conv_up2):
            x = _leaky(conv(functional.interpolate(x, scale_factor=2, mode="nearest")))
        return self.conv_last(_leaky(self.conv_hr(x)))[..., :height, :width]


def _padded(pictures: Tensor, multiple: int) -> Tensor:
    """Pictures (N, 3, H, W) mirrored at the right and the bottom, as Real-ESRGAN does.

    A side of one to three pixels has too little to mirror; there the last pixel is repeated.
    """
    for axis, side in ((1, pictures.shape[-1]), (3, pictures.shape[-2])):
        more = -side % multiple
        if more:
            place = [0, 0, 0, 0]
            place[axis] = more
            mode = "reflect" if more < side else "replicate"
            pictures = functional.pad(pictures, place, mode=mode)
    return pictures


def _leaky(x: Tensor) -> Tensor:
    return functional.leaky_relu(x, 0.2)


def from_state(state: Mapping[str, Tensor]) -> RRDBNet:
    """The network of some weights, in eval mode. Raises as `Shape.of`, and for wrong shapes."""
    network = RRDBNet(Shape.of(state))
    network.load_state_dict(dict(state))
    return network.eval()
