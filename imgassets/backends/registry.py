"""What makes the images of each flow: a model's backend, its upscaler, or post-processing."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

from imgassets.backends.base import Backend, BackendError, DeviceError, Outcome
from imgassets.backends.blame import failed
from imgassets.backends.device import Device, Meter, require_device
from imgassets.backends.generation import Make
from imgassets.documents.comfyui import ComfyModel
from imgassets.documents.command import CommandModel
from imgassets.documents.folder import FolderModel
from imgassets.documents.gemini import GeminiModel
from imgassets.documents.hosted import HostedModel
from imgassets.documents.ideogram import IdeogramModel, IdeogramUpscaler
from imgassets.documents.model import Model
from imgassets.documents.models import AnyModel
from imgassets.documents.openai import OpenAIModel
from imgassets.flows import FLOWS, FlowName, MadeBy
from imgassets.storage.project_home import home_of

if TYPE_CHECKING:
    from PIL import Image

    from imgassets.backends.hosted import HostedBackend, Provider


def open_backend(root: Path, model: AnyModel, device: Device) -> Backend:
    """The backend named in a model document.

    Raises:
        BackendError: its weights are not whole, or its server is another than the document says.
    """
    if isinstance(model, HostedModel):
        return _open_hosted(root, model)
    if isinstance(model, FolderModel):
        from imgassets.backends.folder import FolderBackend

        return FolderBackend(root, model)
    if isinstance(model, ComfyModel):
        from imgassets.backends.comfyui import ComfyBackend

        return ComfyBackend(root, model)
    if isinstance(model, CommandModel):
        from imgassets.backends.command import CommandBackend

        return CommandBackend(root, model)
    return _open_diffusers(root, model, device)


def _open_diffusers(root: Path, model: Model, device: Device) -> Backend:
    require_device(device)
    from imgassets.backends.diffusers_backend import DiffusersBackend
    from imgassets.backends.hub import pipeline_folder

    where = f"contracts/models/{model.model}.yaml: weights"
    folder = pipeline_folder(root, model.weights, model.revision, where, model.loading.variant)
    return DiffusersBackend(model, folder, device)


def _open_hosted(root: Path, model: HostedModel) -> HostedBackend:
    from imgassets.backends.hosted import HostedBackend
    from imgassets.backends.journal import Journal

    return HostedBackend(model, Journal(home_of(root).paid, model.model), _provider(model))


def _provider(model: HostedModel) -> Provider:
    """How the API of a hosted model speaks."""
    if isinstance(model, IdeogramModel):
        from imgassets.backends.ideogram import IdeogramProvider

        return IdeogramProvider(model)
    if isinstance(model, GeminiModel):
        from imgassets.backends.gemini import GeminiProvider

        return GeminiProvider(model)
    if isinstance(model, OpenAIModel):
        from imgassets.backends.openai_images import OpenAIProvider

        return OpenAIProvider(model)
    raise BackendError(f"no provider for {type(model).__name__}; name it in backends.registry")


def open_maker(
    flow: FlowName, root: Path, model: AnyModel, device: Device, backend: Callable[[], Backend]
) -> Make:
    """What makes a model's images of a flow: its backend, its upscaler, or declared steps.

    Args:
        flow: its name.
        root: the project's.
        model: its document.
        device: where it runs.
        backend: opens the model's backend, for flows and upscalers that need it.

    Raises:
        BackendError: the model cannot do it, or weights are missing.
    """
    match FLOWS[flow].made_by:
        case MadeBy.BACKEND:
            return maker_of(flow, backend())
        case MadeBy.UPSCALER:
            return upscale_maker(root, model, device, backend)
        case MadeBy.STEPS:
            return postprocess_maker(root)


def maker_of(flow: FlowName, backend: Backend) -> Make:
    """The backend's way to make the images of a flow: its method of the flow's name."""
    first = FLOWS[flow].source is None
    method: Callable[..., list[Outcome]] = getattr(backend, flow)

    def make(inputs: Sequence[dict[str, Any]], sources: Sequence[Image.Image]) -> list[Outcome]:
        return method(inputs) if first else method(inputs, sources)

    return make


def upscale_maker(
    root: Path, model: AnyModel, device: Device, backend: Callable[[], Backend] | None = None
) -> Make:
    """The model's upscaler as a maker of the `upscale` flow.

    Args:
        root: the project's.
        model: its document.
        device: where it runs.
        backend: opens the model's own backend, for upscalers that repaint by it.

    Raises:
        BackendError: the model has no upscaler, or its weights are missing.
    """
    from imgassets.backends.upscalers import open_upscaler, upscale_one

    if isinstance(model.upscaler, IdeogramUpscaler):
        return _open_hosted(root, cast("HostedModel", model)).upscale
    upscale = open_upscaler(root, model, device, backend)
    scale = model.upscaler.scale if model.upscaler else 1

    def make(inputs: Sequence[dict[str, Any]], sources: Sequence[Image.Image]) -> list[Outcome]:
        pairs = zip(inputs, sources, strict=True)
        return [upscale_one(upscale, asked, source, scale, device) for asked, source in pairs]

    return make


def opened_late(open_: Callable[[], Make]) -> Make:
    """A maker that is opened when it is first asked for images.

    What keeps it from making any (weights, a package, no memory to load them into) becomes the
    outcome of every request, and it is tried once: a verdict can say what to mend, and the other
    models' verdicts do not wait for it. What is nobody's known fault is raised as it is.

    Raises:
        DeviceError: the device asked for is not here; nothing could be made by any model.
    """
    maker: list[Make] = []
    broken: list[Outcome] = []

    def make(inputs: Sequence[dict[str, Any]], sources: Sequence[Image.Image]) -> list[Outcome]:
        try:
            if not maker and not broken:
                maker.append(open_())
            if not broken:
                return maker[0](inputs, sources)
        except DeviceError:
            raise
        except Exception as error:
            outcome = failed(error)
            if outcome.failure == "backend_error":
                raise
            broken.append(outcome)
        return broken * len(inputs)

    return make


def postprocess_maker(root: Path) -> Make:
    """Declared steps as a maker of the `postprocess` flow; needs neither model nor torch."""
    from imgassets.images.postprocess import PostprocessError, WatermarkFileError, apply

    def one(asked: dict[str, Any], source: Image.Image) -> Outcome:
        meter = Meter("cpu")
        try:
            with meter:
                done = apply(asked["steps"], source, root)
        except WatermarkFileError as error:
            return Outcome(failure="machine_error", message=str(error))
        except PostprocessError as error:
            return Outcome(failure="bad_document", message=str(error))
        except Exception as error:
            return failed(error)
        made = {"delivered_bytes": done.delivered_bytes}
        return Outcome(
            done.image, seconds=meter.seconds, peak_memory_mib=meter.peak_mib, made_with=made
        )

    def make(inputs: Sequence[dict[str, Any]], sources: Sequence[Image.Image]) -> list[Outcome]:
        return [one(asked, source) for asked, source in zip(inputs, sources, strict=True)]

    return make
