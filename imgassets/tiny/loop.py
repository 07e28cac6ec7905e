"""One training loop for every stage: seeded, resumable, with a weight average and a log.

Under torchrun each process takes its share of every batch and gradients are averaged (gloo on
CPUs: on a busy machine two processes of one thread wait far less than one process of two).
Every step draws from a generator seeded by (seed, step, rank) alone, so a run that was
interrupted and resumed takes exactly the steps an uninterrupted one takes.
"""

from __future__ import annotations

import copy
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

import torch
import torch.distributed as dist
from torch import Tensor, nn

from imgassets.tiny.muon import Muon

Optimizers = list[torch.optim.Optimizer]
Model = TypeVar("Model", bound=nn.Module)
NARROW = 12
LOG_HEADER = "clock,stage,step,steps,loss,learning_rate,seconds\n"


@dataclass(frozen=True)
class Plan:
    """How long and how fast one stage trains.

    The learning rate rises linearly over ``warmup`` steps, stays, and falls linearly to zero over
    the last ``decay`` share of ``steps``. ``average`` is the decay of the weight average, which
    warms up as (1 + step) / (10 + step).
    """

    steps: int
    learning_rate: float
    seed: int = 0
    warmup: int = 100
    decay: float = 0.4
    average: float = 0.999
    weight_decay: float = 0.01
    checkpoint_seconds: float = 600.0
    log_every: int = 50

    def rate(self, step: int) -> float:
        """Learning rate of ``step`` (0-based)."""
        rise = min(1.0, (step + 1) / max(1, self.warmup))
        fall = min(1.0, (self.steps - step) / max(1.0, self.decay * self.steps))
        return self.learning_rate * min(rise, fall)


@dataclass(frozen=True)
class Run:
    """Where a stage runs: its working folder, its device, and whether it continues one."""

    work: Path
    device: torch.device
    resume: bool = False


def fit(
    stage: str,
    model: Model,
    loss_of: Callable[[int, torch.Generator], Tensor],
    plan: Plan,
    run: Run,
    on_checkpoint: Callable[[Model], None] | None = None,
) -> Model:
    """Train ``model`` in place and return its weight average, in eval mode.

    ``loss_of(step, generator)`` returns the scalar loss of one batch; the generator lives on the
    CPU. ``on_checkpoint`` receives the weight average at each checkpoint and at the end.
    """
    average = copy.deepcopy(model).requires_grad_(requires_grad=False).eval()
    optimizers = _optimizers(model, plan)
    path = run.work / f"{stage}.pt"
    first = _restore(path, model, average, optimizers) if run.resume else 0
    model.train()
    started = saved = time.monotonic()
    losses: list[float] = []
    for step in range(first, plan.steps):
        losses.append(_step(step, model, average, optimizers, loss_of, plan))
        now, last = time.monotonic(), step + 1 == plan.steps
        if rank() == 0 and ((step + 1) % plan.log_every == 0 or last):
            _log(run.work, stage, step + 1, plan, sum(losses) / len(losses), now - started)
            losses.clear()
        if rank() == 0 and (now - saved > plan.checkpoint_seconds or last):
            _save(path, step + 1, model, average, optimizers)
            if on_checkpoint is not None:
                on_checkpoint(average)
            saved = time.monotonic()
    return average


def _optimizers(model: nn.Module, plan: Plan) -> Optimizers:
    """Muon for what is a matrix at heart, AdamW for embeddings, modulation and narrow layers."""
    matrices: list[nn.Parameter] = []
    others: list[nn.Parameter] = []
    for name, weight in model.named_parameters():
        inner = not any(part in name for part in ("embedding.", "norm"))
        is_matrix = inner and weight.ndim >= 2 and len(weight) >= NARROW
        (matrices if is_matrix else others).append(weight)
    adam = torch.optim.AdamW(
        others, lr=plan.learning_rate, betas=(0.9, 0.98), weight_decay=plan.weight_decay, fused=True
    )
    return [adam, Muon(matrices, lr=plan.learning_rate, weight_decay=plan.weight_decay)]


def rank() -> int:
    """Which process of the run this is."""
    return dist.get_rank() if dist.is_initialized() else 0


def share(batch: Tensor) -> Tensor:
    """The part of ``batch`` (along its first axis) that this process works on."""
    world = dist.get_world_size() if dist.is_initialized() else 1
    return batch[rank() :: world]


def _average_gradients(model: nn.Module) -> None:
    if not dist.is_initialized():
        return
    gradients = [weight.grad for weight in model.parameters() if weight.grad is not None]
    flat = torch.cat([gradient.reshape(-1) for gradient in gradients])
    dist.all_reduce(flat)
    flat /= dist.get_world_size()
    for gradient, part in zip(gradients, flat.split([g.numel() for g in gradients]), strict=True):
        gradient.copy_(part.view_as(gradient))


def _step(
    step: int,
    model: nn.Module,
    average: nn.Module,
    optimizers: Optimizers,
    loss_of: Callable[[int, torch.Generator], Tensor],
    plan: Plan,
) -> float:
    for optimizer in optimizers:
        for group in optimizer.param_groups:
            group["lr"] = plan.rate(step)
    generator = torch.Generator().manual_seed(plan.seed * 1_000_003 + step + rank() * 10**12)
    model.zero_grad(set_to_none=True)
    loss = loss_of(step, generator)
    loss.backward()
    _average_gradients(model)
    nn.utils.clip_grad_norm_(model.parameters(), 1.0)
    for optimizer in optimizers:
        optimizer.step()
    weight = 1.0 - min(plan.average, (1 + step) / (10 + step))
    with torch.no_grad():
        torch._foreach_lerp_(list(average.parameters()), list(model.parameters()), weight)
    return float(loss.detach())


def _restore(path: Path, model: nn.Module, average: nn.Module, optimizers: Optimizers) -> int:
    if not path.exists():
        return 0
    state = torch.load(path, map_location="cpu", weights_only=True)
    model.load_state_dict(state["model"])
    average.load_state_dict(state["average"])
    for optimizer, kept in zip(optimizers, state["optimizers"], strict=True):
        optimizer.load_state_dict(kept)
    return int(state["step"])


def _save(
    path: Path, step: int, model: nn.Module, average: nn.Module, optimizers: Optimizers
) -> None:
    state = {
        "step": step,
        "model": model.state_dict(),
        "average": average.state_dict(),
        "optimizers": [optimizer.state_dict() for optimizer in optimizers],
    }
    part = path.with_suffix(".part")
    torch.save(state, part)
    part.replace(path)


def _log(work: Path, stage: str, step: int, plan: Plan, loss: float, seconds: float) -> None:
    path = work / "training_log.csv"
    clock = time.strftime("%Y-%m-%dT%H:%M:%S")
    rate = plan.rate(step - 1)
    line = f"{clock},{stage},{step},{plan.steps},{loss:.5f},{rate:.2e},{seconds:.0f}\n"
    with path.open("a") as log:
        if log.tell() == 0:
            log.write(LOG_HEADER)
        log.write(line)
    print(line, end="", flush=True)
