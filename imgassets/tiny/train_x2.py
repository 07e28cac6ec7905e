"""Stage ``x2``: the upscaler, on pairs of one scene drawn at 96 and at 192 px."""

from __future__ import annotations

import numpy as np
import torch
from diffusers import AutoencoderKL
from torch import Tensor

from imgassets.tiny import data
from imgassets.tiny.loop import Plan, Run, fit, share
from imgassets.tiny.scenes import SIZE
from imgassets.tiny.upscaler import SRVGGNetCompact, UpscalerConfig

PLAN = Plan(steps=1200, learning_rate=2e-3, warmup=50, decay=0.6, average=0.99, weight_decay=0.0)
SCENES = 1500
BATCH = 16
CROP = 32
NOISE = 4.0 / 255.0


def pairs(count: int, seed: int, vae: AutoencoderKL, device: torch.device) -> tuple[Tensor, Tensor]:
    """Low (N, 3, 96, 96) and high (N, 3, 192, 192) pictures, float32 in 0..1, before noise."""
    scenes = [data.training_scene(index, seed) for index in range(count)]
    high = torch.stack([_levels(np.asarray(scene.render(2 * SIZE))) for scene in scenes])
    low = torch.nn.functional.avg_pool2d(high, 2)
    low[::2] = _round_trip(vae, low[::2], device)
    return low, high


def train(
    vae: AutoencoderKL, config: UpscalerConfig, plan: Plan, run: Run, scenes: int = SCENES
) -> SRVGGNetCompact:
    """Train with L1 on 32 px crops of the low pictures, on the 8 px grid."""
    torch.manual_seed(plan.seed)
    model = SRVGGNetCompact(config).to(run.device)
    low, high = pairs(scenes, plan.seed, vae, run.device)

    def loss_of(_step: int, generator: torch.Generator) -> Tensor:
        picked = share(torch.randint(len(low), (BATCH,), generator=generator)).tolist()
        spots = 8 * torch.randint((SIZE - CROP) // 8 + 1, (len(picked), 2), generator=generator)
        near, far = [], []
        for index, (y, x) in zip(picked, spots.tolist(), strict=True):
            near.append(low[index, :, y : y + CROP, x : x + CROP])
            far.append(high[index, :, 2 * y : 2 * (y + CROP), 2 * x : 2 * (x + CROP)])
        given = torch.stack(near)
        level = NOISE * torch.rand(len(picked), 1, 1, 1, generator=generator)
        given = given + level * torch.randn(given.shape, generator=generator)
        return (model(given.to(run.device)) - torch.stack(far).to(run.device)).abs().mean()

    return fit("x2", model, loss_of, plan, run)


def _levels(picture: np.ndarray) -> Tensor:
    return torch.from_numpy(picture.copy()).permute(2, 0, 1).float() / 255.0


@torch.no_grad()
def _round_trip(vae: AutoencoderKL, pictures: Tensor, device: torch.device) -> Tensor:
    rebuilt = []
    for batch in pictures.split(25):
        latents = vae.encode(batch.to(device) * 2 - 1).latent_dist.mode()
        rebuilt.append(((vae.decode(latents).sample + 1) / 2).clamp(0, 1).cpu())
    return torch.cat(rebuilt)
