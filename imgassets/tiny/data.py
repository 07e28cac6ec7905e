"""Training data: scenes outside the held-out set, drawn by index and encoded once."""

from __future__ import annotations

import os
import random
from pathlib import Path

import numpy as np
import numpy.typing as npt
import torch
import torch.distributed as dist
from diffusers import AutoencoderKL
from torch import Tensor

from imgassets.tiny.loop import share
from imgassets.tiny.scenes import SIZE, Scene, Task, sample_scene

PART = 1000
MIX: dict[Task, float] = {"single_object": 0.15, "position": 0.3, "counting": 0.15, "text": 0.4}


def training_scene(index: int, seed: int) -> Scene:
    """The ``index``-th training scene of ``seed``: never a held-out prompt, tasks by ``MIX``."""
    rng = random.Random(f"{seed}/{index}")
    task = rng.choices(tuple(MIX), weights=tuple(MIX.values()))[0]
    return sample_scene(rng, task, held_out=False)


def draw(indices: range, seed: int) -> tuple[npt.NDArray[np.uint8], list[str]]:
    """Pictures (uint8, (N, 96, 96, 3), sRGB, 0..255) and prompts of the training scenes."""
    pictures = np.empty((len(indices), SIZE, SIZE, 3), np.uint8)
    prompts = []
    for row, index in enumerate(indices):
        scene = training_scene(index, seed)
        pictures[row] = np.asarray(scene.render())
        prompts.append(scene.prompt)
    return pictures, prompts


def to_tensor(pictures: npt.NDArray[np.uint8]) -> Tensor:
    """Pictures as a VAE takes them: float32, (N, 3, H, W), -1..1."""
    return torch.from_numpy(pictures).permute(0, 3, 1, 2).float().div_(127.5).sub_(1.0)


def encoded(
    vae: AutoencoderKL, count: int, seed: int, folder: Path, device: torch.device
) -> tuple[Tensor, list[str]]:
    """Normalized latents (float16, (N, 16, 12, 12)) and prompts of the first ``count`` scenes.

    Encoded in parts that are kept in ``folder``, so that a second call or a resumed run reads
    them. Latents are the posterior mode, shifted and scaled by the VAE's own configuration.
    """
    folder.mkdir(parents=True, exist_ok=True)
    parts = [range(start, min(start + PART, count)) for start in range(0, count, PART)]
    paths = [folder / f"{seed}-{part.start:06d}-{part.stop:06d}.npz" for part in parts]
    for index in share(torch.arange(len(parts))).tolist():
        if not paths[index].exists():
            _encode_part(vae, parts[index], seed, paths[index], device)
    if dist.is_initialized():
        dist.barrier()
    latents: list[Tensor] = []
    prompts: list[str] = []
    for path in paths:
        with np.load(path) as part:
            latents.append(torch.from_numpy(part["latents"]))
            prompts.extend(str(prompt) for prompt in part["prompts"])
    return torch.cat(latents), prompts


@torch.no_grad()
def _encode_part(
    vae: AutoencoderKL, indices: range, seed: int, path: Path, device: torch.device
) -> None:
    pictures, prompts = draw(indices, seed)
    parts = []
    for batch in to_tensor(pictures).split(50):
        mode = vae.encode(batch.to(device)).latent_dist.mode()
        parts.append((mode - vae.config.shift_factor) * vae.config.scaling_factor)
    # The temporary name ends in .npz too, or numpy would append it.
    temporary = path.with_name(f"part-{os.getpid()}.npz")
    np.savez(temporary, latents=torch.cat(parts).cpu().half().numpy(), prompts=np.array(prompts))
    temporary.replace(path)
