"""Train the tiny models from nothing: ``python -m imgassets.tiny.train --help``.

On a machine with few cores and other work, start one process a core, each with one thread:
``OMP_NUM_THREADS=1 torchrun --nproc-per-node 2 -m imgassets.tiny.train --stage all``.
"""

from __future__ import annotations

import argparse
import dataclasses
import os
import shutil
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import torch
import torch.distributed as dist
from diffusers import AutoencoderKL

from imgassets.tiny import data, distill, train_flow, train_vae, train_x2, upscaler
from imgassets.tiny.export import export
from imgassets.tiny.loop import Plan, Run, rank
from imgassets.tiny.train_flow import FlowModel

DEFAULT_WORK = Path("~/.cache/imgassets/tiny").expanduser()
DEFAULT_OUT = Path(__file__).parent / "weights"
LOG_NAME = "training_log.csv"
SCENES = 24_000
BASE_SHIFT = 2.0
TURBO_SHIFT = 2.0
TURBO_GUIDANCE = 3.0


class MissingStageError(RuntimeError):
    """A stage was asked for before the stage it builds on."""


@dataclass(frozen=True)
class Job:
    """Everything the stages of one command share."""

    run: Run
    out: Path
    seed: int
    steps: int | None
    scenes: int

    def plan(self, default: Plan) -> Plan:
        """The stage's own plan under this job's seed and, if given, number of steps."""
        return dataclasses.replace(default, seed=self.seed, steps=self.steps or default.steps)


def train_vae_stage(job: Job) -> None:
    """Train the autoencoder and keep it in the working folder."""
    pictures = min(job.scenes, train_vae.PICTURES)
    vae = train_vae.train(job.plan(train_vae.PLAN), job.run, pictures)
    if rank() == 0:
        vae.save_pretrained(job.run.work / "vae", safe_serialization=True)


def train_decoder_stage(job: Job) -> None:
    """Polish the decoder of the autoencoder that ``vae`` left; latents keep their meaning."""
    pictures = min(job.scenes, train_vae.PICTURES)
    vae = train_vae.polish(_vae(job), job.plan(train_vae.POLISH), job.run, pictures)
    if rank() == 0:
        vae.save_pretrained(job.run.work / "vae", safe_serialization=True)


def train_base_stage(job: Job) -> None:
    """Train transformer and text encoders, exporting ``tiny-base`` at every checkpoint."""
    vae = _vae(job)
    latents, prompts = _latents(job, vae)

    def write(model: FlowModel) -> None:
        export(model, vae, job.out / "tiny-base", BASE_SHIFT)

    train_flow.train(latents, prompts, job.plan(train_flow.PLAN), job.run, on_checkpoint=write)


def train_turbo_stage(job: Job) -> None:
    """Distil the base model into ``tiny-turbo``."""
    vae = _vae(job)
    latents, prompts = _latents(job, vae)
    teacher = FlowModel().to(job.run.device)
    teacher.load_state_dict(_checkpoint(job, "base")["average"])

    def write(model: FlowModel) -> None:
        export(model, vae, job.out / "tiny-turbo", TURBO_SHIFT, share_with="tiny-base")

    distill.train(teacher, latents, prompts, job.plan(distill.PLAN), job.run,
                  TURBO_SHIFT, TURBO_GUIDANCE, on_checkpoint=write)  # fmt: skip


def train_x2_stage(job: Job) -> None:
    """Train the upscaler ``tiny-x2``."""
    config = upscaler.UpscalerConfig()
    scenes = min(job.scenes, train_x2.SCENES)
    model = train_x2.train(_vae(job), config, job.plan(train_x2.PLAN), job.run, scenes)
    if rank() == 0:
        upscaler.save(model, config, job.out / "tiny-x2")


STAGES: dict[str, Callable[[Job], None]] = {
    "vae": train_vae_stage,
    "decoder": train_decoder_stage,
    "base": train_base_stage,
    "turbo": train_turbo_stage,
    "x2": train_x2_stage,
}


def _vae(job: Job) -> AutoencoderKL:
    folder = job.run.work / "vae"
    if not folder.exists():
        raise MissingStageError(f"{folder} does not exist: run --stage vae first")
    vae: AutoencoderKL = AutoencoderKL.from_pretrained(folder).to(job.run.device).eval()
    return vae


def _latents(job: Job, vae: AutoencoderKL) -> tuple[torch.Tensor, list[str]]:
    return data.encoded(vae, job.scenes, job.seed, job.run.work / "latents", job.run.device)


def _checkpoint(job: Job, stage: str) -> dict[str, dict[str, torch.Tensor]]:
    path = job.run.work / f"{stage}.pt"
    if not path.exists():
        raise MissingStageError(f"{path} does not exist: run --stage {stage} first")
    state: dict[str, dict[str, torch.Tensor]] = torch.load(
        path, map_location=job.run.device, weights_only=True
    )
    return state


def parse(arguments: Sequence[str] | None = None) -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(prog="python -m imgassets.tiny.train", description=__doc__)
    parser.add_argument("--stage", choices=[*STAGES, "all"], default="all")
    parser.add_argument("--out", type=Path, default=DEFAULT_OUT, help="where weights are written")
    parser.add_argument("--work", type=Path, default=DEFAULT_WORK, help="latents, checkpoints, log")
    parser.add_argument("--device", type=torch.device, default=torch.device("cpu"))
    parser.add_argument("--resume", action="store_true", help="continue from the checkpoints")
    parser.add_argument("--steps", type=int, help="steps of each stage, instead of its own plan")
    parser.add_argument("--scenes", type=int, default=SCENES, help="how many scenes to train on")
    parser.add_argument("--seed", type=int, default=0)
    return parser.parse_args(arguments)


def main(arguments: Sequence[str] | None = None) -> None:
    """Run the stages asked for, in order, and put the training log beside the weights."""
    options = parse(arguments)
    if "RANK" in os.environ:
        dist.init_process_group("gloo")
    for folder in (options.work, options.out):
        folder.mkdir(parents=True, exist_ok=True)
    run = Run(options.work, options.device, options.resume)
    job = Job(run, options.out, options.seed, options.steps, options.scenes)
    for name in STAGES if options.stage == "all" else (options.stage,):
        STAGES[name](job)
        if dist.is_initialized():
            dist.barrier()
    if rank() == 0:
        shutil.copyfile(options.work / LOG_NAME, options.out / LOG_NAME)


if __name__ == "__main__":
    main()
