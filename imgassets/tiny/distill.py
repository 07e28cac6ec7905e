"""Stage ``turbo``: a student of four steps without guidance, distilled from the base model."""

from __future__ import annotations

import copy
from collections.abc import Callable

import torch
from diffusers import FlowMatchEulerDiscreteScheduler
from torch import Tensor, nn

from imgassets.tiny.loop import Plan, Run, fit, share
from imgassets.tiny.train_flow import TRAIN_STEPS, FlowModel, tokenize

PLAN = Plan(steps=800, learning_rate=1e-3, warmup=30, decay=0.6, average=0.99)
BATCH = 48
STEPS = 4
SUBSTEPS = 3


def turbo_sigmas(shift: float) -> Tensor:
    """The noise levels (STEPS + 1,) that the plain scheduler visits in STEPS steps, 1 first."""
    scheduler = FlowMatchEulerDiscreteScheduler(num_train_timesteps=TRAIN_STEPS, shift=shift)
    scheduler.set_timesteps(STEPS)
    sigmas: Tensor = scheduler.sigmas.clone()
    return sigmas


def train(
    teacher: FlowModel,
    latents: Tensor,
    prompts: list[str],
    plan: Plan,
    run: Run,
    shift: float,
    guidance: float,
    batch: int = BATCH,
    on_checkpoint: Callable[[FlowModel], None] | None = None,
) -> FlowModel:
    """Teach the student to cross each turbo interval in one step (after Salimans & Ho 2022).

    At a turbo noise level the student learns the mean velocity of ``SUBSTEPS`` guided Euler steps
    of the teacher (arXiv 2202.00512, with guidance folded in as in arXiv 2210.03142). Only the
    transformer learns; the text encoders stay the teacher's, so that both models share them.
    """
    torch.manual_seed(plan.seed)
    teacher = teacher.requires_grad_(requires_grad=False).eval()
    student = copy.deepcopy(teacher.transformer).requires_grad_().train()
    tokens = tokenize(prompts)
    sigmas = turbo_sigmas(shift)
    empty = teacher.encode(tokenize([""]).to(run.device))

    def loss_of(_step: int, generator: torch.Generator) -> Tensor:
        picked = share(torch.randint(len(latents), (batch,), generator=generator))
        interval = torch.randint(STEPS, (len(picked),), generator=generator)
        clean = latents[picked].float()
        noise = torch.randn(clean.shape, generator=generator)
        start, end = sigmas[interval].to(run.device), sigmas[interval + 1].to(run.device)
        noisy = torch.lerp(clean, noise, sigmas[interval][:, None, None, None]).to(run.device)
        with torch.no_grad():
            asked = teacher.encode(tokens[picked].to(run.device))
            target = mean_velocity(teacher, noisy, start, end, asked, empty, guidance)
        guess = student(noisy, asked[0], asked[1], start * TRAIN_STEPS, return_dict=False)[0]
        return (guess - target).square().mean()

    def as_model(average: nn.Module) -> FlowModel:
        whole = copy.deepcopy(teacher)
        whole.transformer = average
        return whole

    def checkpoint(average: nn.Module) -> None:
        if on_checkpoint is not None:
            on_checkpoint(as_model(average))

    return as_model(fit("turbo", student, loss_of, plan, run, checkpoint))


def mean_velocity(
    teacher: FlowModel,
    noisy: Tensor,
    start: Tensor,
    end: Tensor,
    asked: tuple[Tensor, Tensor],
    empty: tuple[Tensor, Tensor],
    guidance: float,
) -> Tensor:
    """Mean velocity of the teacher's guided path of ``noisy`` from sigma ``start`` to ``end``."""
    states = torch.cat([asked[0], empty[0].expand_as(asked[0])])
    pooled = torch.cat([asked[1], empty[1].expand_as(asked[1])])
    path = noisy
    for substep in range(SUBSTEPS):
        sigma = torch.lerp(start, end, substep / SUBSTEPS)
        both = teacher.velocity(path.repeat(2, 1, 1, 1), sigma.repeat(2), states, pooled)
        conditional, unconditional = both.chunk(2)
        velocity = unconditional + guidance * (conditional - unconditional)
        path = path + velocity * ((end - start) / SUBSTEPS)[:, None, None, None]
    mean: Tensor = (path - noisy) / (end - start)[:, None, None, None]
    return mean
