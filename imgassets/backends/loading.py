"""Which backend makes a model's images, and which upscaler enlarges them."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

from PIL import Image

from imgassets.backends.base import Backend, BackendError, Outcome
from imgassets.backends.device import Device
from imgassets.backends.making import Make
from imgassets.home import home_of
from imgassets.spec.hosted import AnyModel, Hosted, HostedModel, IdeogramModel, IdeogramUpscaler
from imgassets.spec.weights import missing_files, weights_folder

if TYPE_CHECKING:
    from imgassets.backends.hosted import HostedBackend, Provider


def open_backend(root: Path, model: AnyModel, device: Device) -> Backend:
    """The backend named in a model document.

    Raises:
        BackendError: its weights are not whole.
    """
    if isinstance(model, HostedModel):
        return _open_hosted(root, model)
    folder = weights_folder(root, model.weights)
    missing = missing_files(folder)
    if missing:
        raise BackendError(
            f"contracts/models/{model.model}.yaml: weights: {folder} lacks {', '.join(missing)}; "
            "download the folder again, in safetensors format"
        )
    from imgassets.backends.diffusers_backend import DiffusersBackend

    return DiffusersBackend(model, folder, device)


def _open_hosted(root: Path, model: Hosted) -> HostedBackend:
    from imgassets.backends.hosted import HostedBackend
    from imgassets.backends.journal import Journal

    provider: Provider
    if isinstance(model, IdeogramModel):
        from imgassets.backends.ideogram import IdeogramProvider

        provider = IdeogramProvider(model)
    else:
        from imgassets.backends.gemini import GeminiProvider

        provider = GeminiProvider(model)
    return HostedBackend(model, Journal(home_of(root) / "paid", model.model), provider)


def maker_of(flow: str, backend: Backend) -> Make:
    """The backend's way to make the images of a flow (`generate` or `edit`)."""

    def make(inputs: Sequence[dict[str, Any]], sources: Sequence[Image.Image]) -> list[Outcome]:
        return backend.edit(inputs, sources) if flow == "edit" else backend.generate(inputs)

    return make


def upscale_maker(root: Path, model: AnyModel, device: Device) -> Make:
    """The model's upscaler as a maker of the `upscale` flow.

    Raises:
        BackendError: the model has no upscaler, or its weights are missing.
    """
    from imgassets.backends.upscalers import open_upscaler, upscale_one

    if model.upscaler is None:
        raise BackendError(f"contracts/models/{model.model}.yaml: no upscaler; add `upscaler`")
    if isinstance(model.upscaler, IdeogramUpscaler):
        return _open_hosted(root, cast("Hosted", model)).upscale
    weights = model.upscaler.weights
    folder = weights_folder(root, weights) if weights else None
    upscale = open_upscaler(model.upscaler, folder, device)

    def make(_: Sequence[dict[str, Any]], sources: Sequence[Image.Image]) -> list[Outcome]:
        return [upscale_one(upscale, source, device) for source in sources]

    return make
