"""How an image is made larger: by a filter, a network, or a diffusion model."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from PIL import Image

from imgassets.backends.base import Backend, BackendError, Outcome
from imgassets.backends.blame import failed
from imgassets.backends.device import Device, Meter
from imgassets.backends.padding import cropped, padded
from imgassets.backends.tiling import in_tiles
from imgassets.documents.models import AnyModel
from imgassets.documents.seeds import MOST, MOST_HOSTED
from imgassets.documents.sizes import grid_of
from imgassets.documents.upscaler import DiffusionUpscaler, Lanczos, Network, SdUpscale
from imgassets.documents.weight_files import broken_network
from imgassets.documents.weights import weights_folder
from imgassets.images.encoding import quantize


class Upscaled(NamedTuple):
    """A large image, and what really made it."""

    image: Image.Image
    made_with: dict[str, Any]


class _WindowFailedError(RuntimeError):
    """A window came to nothing, and so does the whole image; `outcome` says why."""

    def __init__(self, outcome: Outcome) -> None:
        super().__init__(outcome.message)
        self.outcome = outcome


#: Takes a request's inputs and its source image.
Upscale = Callable[[dict[str, Any], Image.Image], Upscaled]


def open_upscaler(
    root: Path, model: AnyModel, device: Device, backend: Callable[[], Backend] | None
) -> Upscale:
    """The upscaler of a model document.

    Raises:
        BackendError: there is none, its weights are missing, or made for another scale.
    """
    where = f"contracts/models/{model.model}.yaml: upscaler"
    match model.upscaler:
        case None:
            raise BackendError(f"contracts/models/{model.model}.yaml: no upscaler; add `upscaler`")
        case Lanczos(scale=scale):
            return lambda _, image: Upscaled(_lanczos(image, scale), {})
        case Network() as network:
            return _network(weights_folder(root, network.weights), network, device, where)
        case SdUpscale() as how:
            if backend is None:
                raise BackendError(f"{where}: kind sd-upscale needs the model's own backend")
            return _sd_upscale(root, model, how, backend)
        case DiffusionUpscaler() as diffusion:
            return _diffusion(root, diffusion, device, where)
    raise BackendError(f"{where}: kind {model.upscaler.kind} is the provider's own")


def _lanczos(image: Image.Image, scale: int) -> Image.Image:
    size = (image.width * scale, image.height * scale)
    return image.resize(size, Image.Resampling.LANCZOS)


# ---- networks ------------------------------------------------------------------------------


def _network(folder: Path, spec: Network, device: Device, where: str) -> Upscale:
    import torch

    network = _load_network(folder, spec, where).to(device)
    if network.scale != spec.scale:
        raise BackendError(
            f"{where}: {folder} makes images {network.scale} times larger, the model document says "
            f"{spec.scale}; correct upscaler.scale"
        )

    def one(image: Image.Image) -> Image.Image:
        pixels = np.array(image.convert("RGB"), dtype=np.float32) / 255.0
        with torch.inference_mode():
            low = torch.from_numpy(pixels).permute(2, 0, 1)[None].to(device)
            return quantize(network(low)[0].permute(1, 2, 0).float().cpu().numpy())

    def upscale(_: dict[str, Any], image: Image.Image) -> Upscaled:
        made = {"network": type(network).__name__}
        if spec.tiles is None:
            return Upscaled(one(image), made)
        paint = partial(map, one)
        return Upscaled(in_tiles(image.convert("RGB"), spec.tiles, spec.scale, paint), made)

    return upscale


def _load_network(folder: Path, spec: Network, where: str) -> Any:
    from safetensors.torch import load_file

    from imgassets.backends.pipelines import one_line

    files = sorted(folder.glob("*.safetensors")) if folder.is_dir() else []
    if len(files) != 1:
        raise BackendError(
            f"{where}: {folder} must hold exactly one safetensors file, and holds {len(files)}; "
            "correct upscaler.weights"
        )
    broken = broken_network(folder)
    if broken:
        raise BackendError(f"{where}: {'; '.join(broken)}")
    state = {name: weight.float() for name, weight in load_file(files[0]).items()}
    try:
        if spec.kind == "compact":
            from imgassets.tiny.upscaler import from_state

            return from_state(state)
        from imgassets.backends import rrdbnet

        return rrdbnet.from_state(state)
    except (RuntimeError, ValueError) as error:  # torch raises RuntimeError for wrong shapes
        raise BackendError(f"{where}: {files[0]}: {one_line(error)}") from error


# ---- diffusion -----------------------------------------------------------------------------


def _sd_upscale(
    root: Path, model: AnyModel, how: SdUpscale, backend: Callable[[], Backend]
) -> Upscale:
    def upscale(asked: dict[str, Any], image: Image.Image) -> Upscaled:
        large = _lanczos(image.convert("RGB"), how.scale)
        made: dict[str, Any] = {}

        def paint(windows: Sequence[Image.Image]) -> list[Image.Image]:
            painter = backend()  # first: it may download the weights that tell the sizes
            grid = grid_of(root, model)
            wide = [padded(window, grid.multiple if grid else 1) for window in windows]
            outcomes = painter.stylize(
                [_window_inputs(asked, how, k, w) for k, w in enumerate(wide)], wide
            )
            made.update(outcomes[0].made_with)
            pairs = zip(outcomes, windows, strict=True)
            return [cropped(_painted(outcome), window.size) for outcome, window in pairs]

        return Upscaled(in_tiles(large, how.tiles, 1, paint), made)

    return upscale


def _window_inputs(
    asked: dict[str, Any], how: SdUpscale, number: int, window: Image.Image
) -> dict[str, Any]:
    """Inputs of an image to image request; each window has noise of its own."""
    sampling = how.model_dump(include={"steps", "guidance_scale", "strength"})
    most = MOST_HOSTED if asked["seed"] <= MOST_HOSTED else MOST
    return asked | {
        "sampling": sampling | {"max_sequence_length": asked["max_sequence_length"]},
        "size": [window.width, window.height],
        "seed": (asked["seed"] + number) % (most + 1),
    }


def _painted(outcome: Outcome) -> Image.Image:
    if outcome.image is None:
        raise _WindowFailedError(outcome)
    return outcome.image


def _diffusion(root: Path, spec: DiffusionUpscaler, device: Device, where: str) -> Upscale:
    import torch

    from imgassets.backends.hub import pipeline_folder
    from imgassets.backends.noise import own_noise
    from imgassets.backends.pipelines import Loader, made_with

    variant = spec.loading.variant
    folder = pipeline_folder(root, spec.weights, spec.revision, f"{where}.weights", variant)
    loader = Loader(where, folder, spec.dtype, spec.loading, device)
    pipeline = loader.load(spec.pipeline, None)
    latent_x2 = spec.kind == "diffusers-latent-x2"
    multiple = 64 if latent_x2 else pipeline.vae_scale_factor
    options = {} if spec.noise_level is None else {"noise_level": spec.noise_level}

    def upscale(asked: dict[str, Any], image: Image.Image) -> Upscaled:
        generator = torch.Generator("cpu").manual_seed(asked["seed"])
        noise = own_noise(pipeline.scheduler, [generator])
        with torch.inference_mode(), loader.attention(), noise:
            result = pipeline(
                prompt=asked["prompt"],
                negative_prompt=asked["negative_prompt"] or None,
                image=padded(image.convert("RGB"), multiple),
                num_inference_steps=spec.steps,
                guidance_scale=spec.guidance_scale,
                generator=generator,
                output_type="np",
                **options,
            )
        large = quantize(np.asarray(result.images)[0])
        size = (image.width * spec.scale, image.height * spec.scale)
        return Upscaled(cropped(large, size), made_with(pipeline))

    return upscale


# ---- one image -----------------------------------------------------------------------------


def upscale_one(
    upscale: Upscale, asked: dict[str, Any], image: Image.Image, scale: int, device: Device
) -> Outcome:
    """One image through an upscaler, metered; failures become outcomes."""
    meter = Meter(device)
    try:
        with meter:
            larger = upscale(asked, image)
    except BackendError:
        raise
    except _WindowFailedError as error:
        return error.outcome
    except Exception as error:
        return replace(failed(error), seconds=meter.seconds, peak_memory_mib=meter.peak_mib)
    expected = (image.width * scale, image.height * scale)
    if larger.image.size != expected:
        message = f"the upscaler made {larger.image.size}, expected {expected}"
        return Outcome(failure="wrong_size", message=message)
    return Outcome(
        larger.image,
        seconds=meter.seconds,
        peak_memory_mib=meter.peak_mib,
        made_with=larger.made_with,
    )
