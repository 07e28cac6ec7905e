"""Muon for matrices and convolutions, AdamW for everything else, as one optimizer.

After Jordan et al. 2024 (kellerjordan.github.io/posts/muon), with the update scaled to the size of
an AdamW update (Liu et al. 2025, arXiv 2502.16982), so that one learning rate serves both. On the
scenes it needs far fewer steps than AdamW alone, and steps are what a CPU lacks.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import cast

import torch
import torch.distributed as dist
from torch import Tensor, nn

_QUINTIC = (3.4445, -4.7750, 2.0315)


def orthogonalize(matrix: Tensor, steps: int = 4) -> Tensor:
    """Nearly the closest semi-orthogonal matrix, by Newton-Schulz; float32 (rows, columns)."""
    wide = matrix.shape[0] <= matrix.shape[1]
    x = matrix if wide else matrix.T
    x = x / (x.norm() + 1e-7)
    a, b, c = _QUINTIC
    for _ in range(steps):
        square = x @ x.T
        x = torch.addmm(x, torch.addmm(square, square, square, beta=b, alpha=c), x, beta=a)
    return x if wide else x.T


class Muon(torch.optim.Optimizer):
    """Momentum, orthogonalized; weights of more than two axes are flattened to (out, rest)."""

    def __init__(
        self, weights: Iterable[nn.Parameter], lr: float, momentum: float = 0.95,
        weight_decay: float = 0.01,
    ) -> None:  # fmt: skip
        """Take the usual arguments of an optimizer."""
        super().__init__(weights, {"lr": lr, "momentum": momentum, "weight_decay": weight_decay})

    @torch.no_grad()
    def step(self, closure: None = None) -> None:  # type: ignore[override]
        """Update every weight that has a gradient."""
        if closure is not None:
            raise ValueError("Muon takes no closure: call backward first, then step()")
        for group in self.param_groups:
            weights = [weight for weight in group["params"] if weight.grad is not None]
            pushes = [self._push(weight, group["momentum"]) for weight in weights]
            for weight, update in zip(weights, _orthogonalize_all(pushes), strict=True):
                size = 0.2 * max(update.shape) ** 0.5
                weight.mul_(1 - group["lr"] * group["weight_decay"])
                weight.add_(update.reshape(weight.shape), alpha=-group["lr"] * size)

    def _push(self, weight: nn.Parameter, momentum: float) -> Tensor:
        """Nesterov momentum of one weight, as a matrix."""
        state = self.state[weight]
        if not state:
            state["momentum"] = torch.zeros_like(weight)
        gradient = cast("Tensor", weight.grad)
        buffer = state["momentum"].lerp_(gradient, 1 - momentum)
        return gradient.lerp(buffer, momentum).reshape(len(weight), -1)


def _orthogonalize_all(matrices: list[Tensor]) -> list[Tensor]:
    """Orthogonalize each matrix, every process of a distributed run its share of them."""
    if not dist.is_initialized():
        return [orthogonalize(matrix) for matrix in matrices]
    flat = matrices[0].new_zeros(sum(matrix.numel() for matrix in matrices))
    parts = flat.split([matrix.numel() for matrix in matrices])
    mine = slice(dist.get_rank(), None, dist.get_world_size())
    for part, matrix in zip(parts[mine], matrices[mine], strict=True):
        part.copy_(orthogonalize(matrix).reshape(-1))
    dist.all_reduce(flat)
    return [part.view_as(matrix) for part, matrix in zip(parts, matrices, strict=True)]
