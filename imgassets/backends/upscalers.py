"""How an image is made larger: learned networks, and Lanczos as the baseline."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
from PIL import Image

from imgassets.backends.base import BackendError, Outcome
from imgassets.backends.device import Device, Meter
from imgassets.images.encoding import NonFiniteImageError, quantize
from imgassets.spec.model import Upscaler

Upscale = Callable[[Image.Image], Image.Image]


def open_upscaler(upscaler: Upscaler, folder: Path | None, device: Device) -> Upscale:
    """A function that makes an image `scale` times larger.

    Raises:
        BackendError: the weights are missing, or made for another scale.
    """
    if upscaler.kind == "lanczos":
        return lambda image: image.resize(
            (image.width * upscaler.scale, image.height * upscaler.scale),
            Image.Resampling.LANCZOS,
        )
    if folder is None or not folder.is_dir():
        raise BackendError(f"upscaler weights {folder} do not exist; correct upscaler.weights")
    return _compact(folder, upscaler.scale, device)


def _compact(folder: Path, scale: int, device: Device) -> Upscale:
    import torch

    from imgassets.tiny.upscaler import load

    network = load(folder, device)
    if network.scale != scale:
        raise BackendError(
            f"upscaler {folder} makes images {network.scale} times larger, the model document says "
            f"{scale}; correct upscaler.scale"
        )

    def upscale(image: Image.Image) -> Image.Image:
        pixels = np.array(image.convert("RGB"), dtype=np.float32) / 255.0
        with torch.inference_mode():
            low = torch.from_numpy(pixels).permute(2, 0, 1)[None].to(device)
            high = network(low)[0].permute(1, 2, 0).float().cpu().numpy()
        return quantize(high)

    return upscale


def upscale_one(upscale: Upscale, image: Image.Image, device: Device) -> Outcome:
    """One image through an upscaler, metered; failures become outcomes."""
    meter = Meter(device)
    try:
        with meter:
            larger = upscale(image)
    except NonFiniteImageError as error:
        return Outcome(None, "non_finite", str(error), meter.seconds, meter.peak_mib)
    except Exception as error:
        return Outcome(failure="backend_error", message=f"{type(error).__name__}: {error}")
    return Outcome(larger, None, "", meter.seconds, meter.peak_mib)
