"""Stage ``vae``: the autoencoder between 96 px pictures and 12 x 12 x 16 latents."""

from __future__ import annotations

import torch
from diffusers import AutoencoderKL
from torch import Tensor

from imgassets.tiny import data, models
from imgassets.tiny.loop import Plan, Run, fit, share

PLAN = Plan(steps=2000, learning_rate=2e-3, warmup=50, decay=0.5, average=0.995)
POLISH = Plan(steps=500, learning_rate=1e-3, warmup=30, decay=0.7, average=0.99)
PICTURES = 8000
LATENT_NOISE = 0.05
KL_WEIGHT = 1e-6
FOREGROUND_WEIGHT = 3.0
CROP = 32
CROPS = 64
WHOLE = 8
WHOLE_FROM = 0.82


def train(plan: Plan, run: Run, pictures: int = PICTURES) -> AutoencoderKL:
    """Train the autoencoder and measure the normalization of its latents.

    Three of four steps see 64 crops of 32 px where the ink is, which is worth several whole
    pictures of the same work; the fourth, and all of the last 18 %, see 8 whole pictures, because
    group norm sees the size of its input.
    """
    torch.manual_seed(plan.seed)
    vae = models.build_vae().to(run.device, memory_format=torch.channels_last)
    shown = data.to_tensor(data.draw(range(pictures), plan.seed)[0])

    def loss_of(step: int, generator: torch.Generator) -> Tensor:
        whole = step % 4 == 3 or step > WHOLE_FROM * plan.steps
        count = WHOLE if whole else CROPS
        batch = share(torch.randint(len(shown), (count,), generator=generator))
        picked = shown[batch]
        background = picked[:, :, :1, :1]
        if not whole:
            picked = _crops(picked, generator)
        return _loss(vae, picked.to(run.device), background.to(run.device), generator)

    average = fit("vae", vae, loss_of, plan, run)
    normalize(average, shown[:1000], run.device)
    return average


def polish(vae: AutoencoderKL, plan: Plan, run: Run, pictures: int = PICTURES) -> AutoencoderKL:
    """Train the decoder alone on whole pictures, from latents with a little noise on them.

    The encoder stays, so latents already made stay valid; the noise stands for what the
    transformer gets slightly wrong.
    """
    torch.manual_seed(plan.seed)
    vae.to(run.device, memory_format=torch.channels_last).requires_grad_(requires_grad=False)
    decoder = vae.decoder.requires_grad_()
    shown = data.to_tensor(data.draw(range(pictures), plan.seed)[0])

    def loss_of(_step: int, generator: torch.Generator) -> Tensor:
        picked = shown[share(torch.randint(len(shown), (WHOLE,), generator=generator))]
        picked = picked.contiguous(memory_format=torch.channels_last).to(run.device)
        with torch.no_grad():
            mode = vae.encode(picked).latent_dist.mode()
        noise = torch.randn(mode.shape, generator=generator).to(run.device)
        rebuilt = decoder(mode + LATENT_NOISE / vae.config.scaling_factor * noise)
        return _fidelity(rebuilt, picked, picked[:, :, :1, :1])

    vae.decoder = fit("decoder", decoder, loss_of, plan, run)
    return vae


def _crops(pictures: Tensor, generator: torch.Generator) -> Tensor:
    """The 32 px window with the most ink of four at random, on the 8 px grid of the latents."""
    corners = 8 * torch.randint((pictures.shape[-1] - CROP) // 8 + 1, (len(pictures), 4, 2),
                                generator=generator)  # fmt: skip
    best = []
    for one, tries in zip(pictures, corners.tolist(), strict=True):
        windows = [one[:, y : y + CROP, x : x + CROP] for y, x in tries]
        best.append(max(windows, key=lambda window: float(window.std((1, 2)).sum())))
    return torch.stack(best)


def _loss(
    vae: AutoencoderKL, pictures: Tensor, background: Tensor, generator: torch.Generator
) -> Tensor:
    """Fidelity of a sampled round trip, plus a very small KL term."""
    pictures = pictures.contiguous(memory_format=torch.channels_last)
    posterior = vae.encode(pictures).latent_dist
    rebuilt = vae.decode(posterior.sample(generator)).sample
    return _fidelity(rebuilt, pictures, background) + KL_WEIGHT * posterior.kl().mean()


def _fidelity(rebuilt: Tensor, pictures: Tensor, background: Tensor) -> Tensor:
    """L1 plus MSE, pixels that differ from the background weighted up. Mean over pixels."""
    ink = (pictures - background).abs().amax(1, keepdim=True) > 0.05
    weight = 1.0 + FOREGROUND_WEIGHT * ink
    error = (rebuilt - pictures).abs()
    return (weight * (error + error.square())).mean()


@torch.no_grad()
def normalize(vae: AutoencoderKL, pictures: Tensor, device: torch.device) -> None:
    """Write the shift and scale that bring latents to mean 0 and deviation 1 into the config."""
    modes = torch.cat([vae.encode(p.to(device)).latent_dist.mode() for p in pictures.split(50)])
    shift, scale = float(modes.mean()), 1.0 / float(modes.std())
    vae.register_to_config(shift_factor=shift, scaling_factor=scale)


@torch.no_grad()
def psnr(vae: AutoencoderKL, pictures: Tensor) -> float:
    """Mean PSNR of round trips, in dB over 0..255 after rounding to 8 bit; higher is better."""
    ratios = []
    for batch in pictures.split(25):
        rebuilt = vae.decode(vae.encode(batch).latent_dist.mode()).sample
        levels = ((rebuilt + 1) * 127.5).round().clamp(0, 255) - (batch + 1) * 127.5
        ratios.append(10 * torch.log10(255.0**2 / levels.square().mean((1, 2, 3)).clamp_min(1e-3)))
    return float(torch.cat(ratios).mean())
