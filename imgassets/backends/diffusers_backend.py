"""Any diffusers pipeline from a local folder: text to image, and inpainting by the same weights.

The pipeline is loaded once, on first use. Every image gets its own CPU generator, made anew from
its seed, so that neither its neighbours nor the device's random numbers reach it; a batch is
always filled up to its full size, because some kernels round differently for other batch shapes.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Sequence
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from imgassets.backends.base import BackendError, Outcome
from imgassets.backends.device import Device, Meter
from imgassets.images.encoding import NonFiniteImageError, quantize
from imgassets.images.masks import region_mask
from imgassets.spec.model import Model
from imgassets.spec.weights import absent_components

_Call = Callable[[Sequence[int]], np.ndarray]


class DiffusersBackend:
    """One model's pipelines on one device."""

    def __init__(self, model: Model, folder: Path, device: Device) -> None:
        self._model = model
        self._folder = folder
        self._device: Device = device

    # ---- Backend ---------------------------------------------------------------------------

    def generate(self, inputs: Sequence[dict[str, Any]]) -> list[Outcome]:
        """Text to image; see `Backend`."""
        pipeline = self._text_to_image

        def call(batch: Sequence[int]) -> np.ndarray:
            asked = [inputs[i] for i in batch]
            width, height = asked[0]["size"]
            return self._run(pipeline, asked, width=width, height=height)

        return self._in_batches(len(inputs), call)

    def edit(
        self, inputs: Sequence[dict[str, Any]], sources: Sequence[Image.Image]
    ) -> list[Outcome]:
        """Inpainting; see `Backend`."""
        pipeline = self._inpainting

        def call(batch: Sequence[int]) -> np.ndarray:
            asked = [inputs[i] for i in batch]
            width, height = asked[0]["size"]
            return self._run(
                pipeline,
                asked,
                width=width,
                height=height,
                image=[sources[i].convert("RGB") for i in batch],
                mask_image=[region_mask(a["region"], (width, height)) for a in asked],
                strength=asked[0]["sampling"]["strength"],
            )

        return self._in_batches(len(inputs), call)

    # ---- pipelines -------------------------------------------------------------------------

    @property
    def pipeline(self) -> Any:
        """The text-to-image pipeline, loaded; edits use the same components."""
        return self._text_to_image

    @cached_property
    def _text_to_image(self) -> Any:
        import diffusers
        import torch

        quiet_libraries()
        cls = getattr(diffusers, self._model.pipeline)
        scheduler_class = getattr(diffusers, self._model.scheduler.class_)
        try:
            pipeline = cls.from_pretrained(
                str(self._folder),
                dtype=getattr(torch, self._model.dtype),
                use_safetensors=True,
                local_files_only=True,
                # Parts the folder declares absent (SD3 without T5) must be passed as such.
                **dict.fromkeys(absent_components(self._folder)),
            )
        except (OSError, ValueError) as error:
            raise BackendError(
                f"model {self._model.model}: {self._folder} cannot be loaded as "
                f"{self._model.pipeline}: {error}; check `weights` and `pipeline` in "
                f"contracts/models/{self._model.model}.yaml"
            ) from error
        pipeline.scheduler = scheduler_class.from_config(
            pipeline.scheduler.config, **self._model.scheduler.settings
        )
        pipeline.set_progress_bar_config(disable=True)
        return pipeline.to(self._device)

    @cached_property
    def _inpainting(self) -> Any:
        import diffusers

        if self._model.edit is None:
            raise BackendError(f"model {self._model.model} has no `edit`; it cannot edit")
        # The same components serve both pipelines; nothing is loaded twice.
        cls = getattr(diffusers, self._model.edit.pipeline)
        pipeline = cls(**self._text_to_image.components)
        pipeline.set_progress_bar_config(disable=True)
        return pipeline

    def _run(self, pipeline: Any, asked: Sequence[dict[str, Any]], **extra: Any) -> np.ndarray:
        import torch

        sampling = asked[0]["sampling"]
        arguments = {
            "prompt": [a["prompt"] for a in asked],
            "negative_prompt": [a["negative_prompt"] for a in asked],
            "num_inference_steps": sampling["steps"],
            "guidance_scale": sampling["guidance_scale"],
            "max_sequence_length": sampling["max_sequence_length"],
            "generator": [torch.Generator("cpu").manual_seed(a["seed"]) for a in asked],
            "output_type": "np",
            **extra,
        }
        known = inspect.signature(pipeline.__call__).parameters
        with torch.inference_mode():
            result = pipeline(**{k: v for k, v in arguments.items() if k in known})
        return np.asarray(result.images)

    # ---- batches ---------------------------------------------------------------------------

    def _in_batches(self, count: int, call: _Call) -> list[Outcome]:
        outcomes: list[Outcome] = []
        size = self._model.batch_size
        while len(outcomes) < count:
            batch = range(len(outcomes), min(len(outcomes) + size, count))
            try:
                outcomes += self._one_batch(batch, size, call)
            except _OutOfMemoryError as error:
                if size == 1:
                    outcomes.append(Outcome(failure="out_of_memory", message=str(error)))
                else:
                    size = max(1, size // 2)
        return outcomes

    def _one_batch(self, batch: range, size: int, call: _Call) -> list[Outcome]:
        padded = [*batch, *[batch[-1]] * (size - len(batch))]
        meter = Meter(self._device)
        try:
            with meter:
                pixels = call(padded)
        except Exception as error:
            if _is_out_of_memory(error):
                raise _OutOfMemoryError(str(error)) from error
            message = f"{type(error).__name__}: {error}"
            return [Outcome(failure="backend_error", message=message) for _ in batch]
        seconds = meter.seconds / size
        return [_outcome(pixels[i], seconds, meter.peak_mib, size) for i in range(len(batch))]


def quiet_libraries() -> None:
    """Silence the progress bars and notices of the Hugging Face libraries; errors stay."""
    import diffusers
    import transformers

    for logging in (diffusers.utils.logging, transformers.utils.logging):
        logging.set_verbosity_error()
        logging.disable_progress_bar()


class _OutOfMemoryError(RuntimeError):
    """A batch did not fit."""


def _is_out_of_memory(error: Exception) -> bool:
    # torch raises OutOfMemoryError on GPUs and a plain RuntimeError from its CPU allocator.
    words = ("out of memory", "not enough memory", "can't allocate memory")
    return isinstance(error, MemoryError) or any(w in str(error).lower() for w in words)


def _outcome(pixels: np.ndarray, seconds: float, peak_mib: float, batch_size: int) -> Outcome:
    try:
        image = quantize(pixels)
    except NonFiniteImageError as error:
        return Outcome(None, "non_finite", str(error), seconds, peak_mib, batch_size)
    return Outcome(image, None, "", seconds, peak_mib, batch_size)
