"""Files from outside, normalized and made larger by a model's upscaler."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from imgassets.backends.device import choose_device, require_device
from imgassets.backends.generation import Make
from imgassets.backends.registry import upscale_maker
from imgassets.documents.project import Project
from imgassets.documents.sources import MOST_PIXELS, SourceRules
from imgassets.images.errors import RefusedError, readable
from imgassets.images.normalize import Normalized, normalize
from imgassets.images.take_in import TakenIn, take_in


def upscale_files(
    inputs: Iterable[str], out: Path, rules: SourceRules, make: Make, scale: int
) -> TakenIn:
    """`take_in` of normalized images made larger, one after the other.

    Args:
        inputs, out, rules: see `take_in`. Upscalers know no alpha: one that would be kept refuses.
        make: of the `upscale` flow; a failure refuses its image.
        scale: how many times larger.
    """

    def upscaled(data: bytes) -> Normalized:
        source = normalize(data, rules)
        if source.image.mode == "RGBA":
            raise RefusedError("has alpha, which the contract keeps and upscalers do not know")
        pixels = source.image.width * source.image.height * scale**2
        if pixels > MOST_PIXELS:
            raise RefusedError(f"{scale} times larger it has {pixels} pixels, over {MOST_PIXELS}")
        (outcome,) = make([{}], [source.image])
        if outcome.image is None:
            raise RefusedError(f"{outcome.failure}: {readable(outcome.message)}")
        size = f"{outcome.image.width} x {outcome.image.height}"
        return Normalized(outcome.image, (*source.done, f"upscaled to {size}"))

    return take_in(inputs, out, upscaled, rules, workers=1)


def open_upscaler_of(project: Project, name: str, device: str) -> tuple[Make, int]:
    """A model's upscaler, and how many times larger it makes images.

    Raises:
        LookupError: no such model.
        BackendError: it has no upscaler, its weights are missing, or there is no such device.
    """
    model = project.model(name)
    place = choose_device(device)[0]
    require_device(place)
    make = upscale_maker(project.root, model, place)
    return make, model.upscaler.scale if model.upscaler else 1
