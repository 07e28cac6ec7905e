"""The noise that a scheduler adds while it samples, drawn from each image's own generator.

Some pipelines of diffusers (SD3, FLUX) hand no generator to their scheduler, and some schedulers
take none. Their noise would then come from torch's global generator: the seed would not decide
the image, and a batch's neighbours would change it. Here every step gets the generators of its
images, whatever pipeline calls it; randomness that they cannot decide is an error.
"""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import torch
from torch.overrides import TorchFunctionMode

from imgassets.backends.base import BackendError

if TYPE_CHECKING:
    from torch import Generator, Tensor


@contextmanager
def own_noise(scheduler: Any, generators: Sequence[Generator]) -> Iterator[None]:
    """While it is open, the scheduler's noise for image i of a batch comes from `generators[i]`.

    Args:
        scheduler: of diffusers; as it was, afterwards.
        generators: one an image, on the CPU.

    Raises:
        BackendError: in a step that draws what no generator decides.
    """
    step = scheduler.step
    tree = getattr(scheduler, "noise_sampler_seed", _NO_TREE)
    scheduler.step = _seeded(step, list(generators))
    if tree is not _NO_TREE:
        # Its noise is a Brownian tree, which a number seeds: one tree an image.
        scheduler.noise_sampler_seed = [g.initial_seed() for g in generators]
    try:
        yield
    finally:
        del scheduler.step  # only the instance's own: the class's is there again
        if tree is not _NO_TREE:
            scheduler.noise_sampler_seed = tree


_NO_TREE = object()


def _seeded(step: Callable[..., Any], generators: list[Generator]) -> Callable[..., Any]:
    takes_generator = "generator" in inspect.signature(step).parameters

    @functools.wraps(step)  # pipelines read its signature
    def seeded(*args: Any, **kwargs: Any) -> Any:
        if takes_generator:
            kwargs["generator"] = generators
        with _OwnNoise(generators):
            return step(*args, **kwargs)

    return seeded


class _OwnNoise(TorchFunctionMode):
    """Gives functions of torch that draw from the global generator those of the images."""

    def __init__(self, generators: list[Generator]) -> None:
        super().__init__()
        self._generators = generators

    def __torch_function__(
        self, func: Any, types: Any, args: tuple[Any, ...] = (), kwargs: Any = None
    ) -> Any:
        kwargs = kwargs or {}
        if func not in _RANDOM or kwargs.get("generator") is not None:
            return func(*args, **kwargs)
        if func is torch.randn_like and args[0].shape[:1] == (len(self._generators),):
            return self._noise_like(args[0], kwargs.get("dtype"))
        raise BackendError(
            f"the scheduler draws by torch's {func.__name__} what no seed decides; name another "
            "`scheduler.class`"
        )

    def _noise_like(self, sample: Tensor, dtype: torch.dtype | None) -> Tensor:
        from diffusers.utils.torch_utils import randn_tensor

        # Half-precision noise on a CPU would round differently from that on a GPU: as diffusers.
        return randn_tensor(
            sample.shape,
            generator=self._generators,
            device=sample.device,
            dtype=dtype or sample.dtype,
        )


_RANDOM = {
    torch.randn, torch.randn_like, torch.rand, torch.rand_like, torch.randint, torch.randint_like,
    torch.randperm, torch.normal, torch.bernoulli, torch.multinomial, torch.poisson,
    torch.Tensor.normal_, torch.Tensor.uniform_, torch.Tensor.random_, torch.Tensor.bernoulli_,
    torch.Tensor.exponential_, torch.Tensor.cauchy_, torch.Tensor.log_normal_,
    torch.Tensor.geometric_, torch.Tensor.multinomial, torch.Tensor.bernoulli,
}  # fmt: skip
