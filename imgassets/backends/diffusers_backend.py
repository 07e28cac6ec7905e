"""Any diffusers pipeline: text to image, stylization and inpainting by the same weights.

The pipeline is loaded once, on first use. Every image gets its own CPU generator, made anew from
its seed, so that neither its neighbours nor the device's random numbers reach it; a batch is
always filled up to its full size, because some kernels round differently for other batch shapes.
"""

from __future__ import annotations

import inspect
import traceback
from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from imgassets.backends.base import BackendError, DocumentFault, Outcome
from imgassets.backends.blame import failed
from imgassets.backends.device import Device, Meter
from imgassets.backends.pipelines import Loader, made_with, one_line
from imgassets.documents.model import Model
from imgassets.documents.sizes import grid_in, size_problem
from imgassets.images.encoding import NonFiniteImageError, quantize
from imgassets.images.masks import region_mask

Inputs = Sequence[dict[str, Any]]
_Call = Callable[[Sequence[int]], np.ndarray]


class DiffusersBackend:
    """One model's pipelines on one device."""

    def __init__(self, model: Model, folder: Path, device: Device) -> None:
        self._model = model
        self._device: Device = device
        where = f"contracts/models/{model.model}.yaml"
        self._loader = Loader(where, folder, model.dtype, model.loading, device)

    # ---- Backend ---------------------------------------------------------------------------

    def generate(self, inputs: Inputs) -> list[Outcome]:
        """Text to image; see `Backend`."""
        return self._make(self._text_to_image, inputs, lambda _: {})

    def stylize(self, inputs: Inputs, sources: Sequence[Image.Image]) -> list[Outcome]:
        """Image to image; see `Backend`."""

        def extra(batch: Sequence[int]) -> dict[str, Any]:
            return {
                "image": [sources[i].convert("RGB") for i in batch],
                "strength": inputs[batch[0]]["sampling"]["strength"],
            }

        return self._make(self._image_to_image, inputs, extra)

    def edit(self, inputs: Inputs, sources: Sequence[Image.Image]) -> list[Outcome]:
        """Inpainting; see `Backend`."""

        def extra(batch: Sequence[int]) -> dict[str, Any]:
            size = tuple(inputs[batch[0]]["size"])
            return {
                "image": [sources[i].convert("RGB") for i in batch],
                "mask_image": [region_mask(inputs[i]["region"], size) for i in batch],
                "strength": inputs[batch[0]]["sampling"]["strength"],
            }

        return self._make(self._inpainting, inputs, extra)

    def _make(
        self, pipeline: Any, inputs: Inputs, extra: Callable[[Sequence[int]], dict[str, Any]]
    ) -> list[Outcome]:
        def call(batch: Sequence[int]) -> np.ndarray:
            asked = [inputs[i] for i in batch]
            width, height = asked[0]["size"]
            return self._run(pipeline, asked, width=width, height=height, **extra(batch))

        # An empty negative prompt is none at all, so the two kinds cannot share a batch.
        kinds = [bool(i["negative_prompt"]) for i in inputs]
        return self._in_batches(kinds, call, pipeline)

    # ---- pipelines -------------------------------------------------------------------------

    @property
    def pipeline(self) -> Any:
        """The text-to-image pipeline, loaded; edits use the same components."""
        return self._text_to_image

    @cached_property
    def _text_to_image(self) -> Any:
        return self._loader.load(self._model.pipeline, self._model.scheduler)

    @cached_property
    def _image_to_image(self) -> Any:
        named = self._model.stylize.pipeline if self._model.stylize else None
        return self._loader.derive(self._text_to_image, "image to image", named)

    @cached_property
    def _inpainting(self) -> Any:
        if self._model.edit is None:
            raise BackendError(f"model {self._model.model} has no `edit`; it cannot edit")
        return self._loader.derive(self._text_to_image, "inpainting", self._model.edit.pipeline)

    def _run(self, pipeline: Any, asked: Inputs, **extra: Any) -> np.ndarray:
        import torch

        from imgassets.backends.noise import own_noise

        self._check_size(extra)
        sampling = asked[0]["sampling"]
        generators = [torch.Generator("cpu").manual_seed(a["seed"]) for a in asked]
        # None and "" differ where a pipeline has zeros for no negative prompt (SDXL).
        negative = [a["negative_prompt"] for a in asked]
        arguments = {
            "prompt": [a["prompt"] for a in asked],
            "negative_prompt": negative if any(negative) else None,
            "num_inference_steps": sampling["steps"],
            "guidance_scale": sampling["guidance_scale"],
            "max_sequence_length": sampling["max_sequence_length"],
            "generator": generators,
            "output_type": "np",
            **extra,
        }
        known = inspect.signature(pipeline.__call__).parameters
        further = sampling.get("arguments", {})
        self._check_arguments(pipeline, further, [n for n in known if n not in arguments])
        noise = own_noise(pipeline.scheduler, generators)
        with torch.inference_mode(), self._loader.attention(), noise:
            try:
                result = pipeline(**{k: v for k, v in arguments.items() if k in known}, **further)
            except (AttributeError, LookupError, AssertionError) as error:
                fault = self._scheduler_fault(pipeline, error)
                if fault is None:
                    raise
                raise fault from error
        return self._of_size(pipeline, np.asarray(result.images), extra)

    def _scheduler_fault(self, pipeline: Any, error: Exception) -> DocumentFault | None:
        """The documents' fault where an error is of a scheduler that does not fit; else None."""
        frames = [frame for frame, _ in traceback.walk_tb(error.__traceback__)]
        inside = str(frames[-1].f_globals.get("__name__")).startswith("diffusers.schedulers.")
        if not inside and getattr(error, "obj", None) is not pipeline.scheduler:
            return None
        names = f"{type(pipeline).__name__} cannot sample by {type(pipeline.scheduler).__name__}"
        return DocumentFault(
            f"contracts/models/{self._model.model}.yaml: {names} ({type(error).__name__}: "
            f"{one_line(error)}); name another `scheduler.class`"
        )

    def _check_size(self, asked: dict[str, Any]) -> None:
        """What `check` says of sizes, here for weights that were not yet there then."""
        grid = grid_in(self._loader.folder, self._model.pipeline)
        found = size_problem(grid, (asked["width"], asked["height"])) if grid else None
        if found:
            raise DocumentFault(f"model {self._model.model} {found[0]}; {found[1]}")

    @staticmethod
    def _of_size(pipeline: Any, images: np.ndarray, asked: dict[str, Any]) -> np.ndarray:
        height, width = images.shape[1:3]
        if (width, height) != (asked["width"], asked["height"]):
            raise DocumentFault(  # some pipelines make other sizes smaller without a word
                f"{type(pipeline).__name__} makes {width} x {height} pixels where {asked['width']} "
                f"x {asked['height']} are asked for; correct `returns.size`"
            )
        return images

    def _check_arguments(self, pipeline: Any, given: Sequence[str], free: Sequence[str]) -> None:
        for name in given:
            if name not in free:
                raise BackendError(
                    f"contracts/models/{self._model.model}.yaml: sampling.arguments: "
                    f"{type(pipeline).__name__} takes no {name!r}; it takes {', '.join(free)}"
                )

    # ---- batches ---------------------------------------------------------------------------

    def _in_batches(self, kinds: Sequence[bool], call: _Call, pipeline: Any) -> list[Outcome]:
        """Outcomes of all requests; only requests of one kind share a batch."""
        outcomes: list[Outcome] = []
        size = self._model.batch_size
        while (start := len(outcomes)) < len(kinds):
            alike = [k == kinds[start] for k in kinds[start : start + size]]
            batch = range(start, start + [*alike, False].index(False))
            try:
                outcomes += self._one_batch(batch, size, call, pipeline)
            except _OutOfMemoryError as error:
                if size == 1:
                    outcomes.append(Outcome(failure="out_of_memory", message=str(error)))
                else:
                    size = max(1, size // 2)
        return outcomes

    def _one_batch(self, batch: range, size: int, call: _Call, pipeline: Any) -> list[Outcome]:
        padded = [*batch, *[batch[-1]] * (size - len(batch))]
        meter = Meter(self._device)
        try:
            with meter:
                pixels = call(padded)
        except BackendError:
            raise
        except Exception as error:
            outcome = failed(error)
            if outcome.failure == "out_of_memory":
                raise _OutOfMemoryError(outcome.message) from error
            if len(batch) == 1:
                return [outcome]
            # One request must not take its neighbours along: find it, by halves.
            halves = batch[: len(batch) // 2], batch[len(batch) // 2 :]
            return [o for half in halves for o in self._one_batch(half, size, call, pipeline)]
        seconds = meter.seconds / size
        made = Outcome(
            seconds=seconds,
            peak_memory_mib=meter.peak_mib,
            batch_size=size,
            made_with=made_with(pipeline),
        )
        return [outcome_of(pixels[i], made) for i in range(len(batch))]


class _OutOfMemoryError(RuntimeError):
    """A batch did not fit."""


def outcome_of(pixels: np.ndarray, made: Outcome) -> Outcome:
    """What became of one image's float pixels (H, W, 3), 0..1; `made` tells how it was made."""
    try:
        return replace(made, image=quantize(pixels))
    except NonFiniteImageError as error:
        return replace(made, failure="non_finite", message=str(error))
