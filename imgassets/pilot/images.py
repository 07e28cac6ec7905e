"""The images that came back under load: looked at, kept, and held against those of `validate`."""

from __future__ import annotations

import hashlib
import io
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

import numpy as np
from PIL import Image

from imgassets.backends.base import HostedError
from imgassets.backends.hosted_image import decode, scaled
from imgassets.documents.contract import Endpoint
from imgassets.documents.models import AnyModel
from imgassets.documents.openai import OpenAIModel
from imgassets.flows import FIRST
from imgassets.images.encoding import encode_png
from imgassets.pilot.replay import Answered, Stepped
from imgassets.pilot.result import RequestRow, StepRow
from imgassets.requests import Request
from imgassets.storage.image_store import CorruptEntryError, ImageStore


@dataclass
class Kept:
    """Writes images into a folder by their content, and compares them with stored ones.

    Attributes:
        folder: each image once, as SHA256.png.
        store: the images of `validate`; read only.
    """

    folder: Path
    store: ImageStore
    contract: Endpoint
    model: AnyModel
    _offline: dict[str, str] = field(default_factory=dict)

    def rows(self, answers: Sequence[Answered]) -> tuple[RequestRow, ...]:
        """All requests with what became of their images."""
        self.folder.mkdir(parents=True, exist_ok=True)
        return tuple(self._row(answered) for answered in answers)

    def _row(self, answered: Answered) -> RequestRow:
        asked = answered.due.steps[-1]
        failure, message, steps = "", "", list[StepRow]()
        for step in answered.steps:
            size = answered.due.steps[0].inputs["size"]
            row, failure, message = self._step(step, (size[0], size[1]))
            steps.append(row)
            if failure:
                break
        return RequestRow(
            number=answered.due.number,
            due=answered.due.at,
            sent=answered.sent,
            done=answered.done,
            flow=asked.flow,
            prompt_set=asked.prompt_set,
            prompt_id=asked.prompt_id,
            seed=asked.seed,
            failure=failure,
            message=message,
            steps=tuple(steps),
        )

    def _step(self, step: Stepped, asked: tuple[int, int]) -> tuple[StepRow, str, str]:
        """`(row, failure mode, message)`; `asked` is the size of the first image."""
        failure, message, file, pixels = step.failure or "", step.message, "", "unknown"
        if step.image is not None:
            try:
                image = self._looked_at(step.request, step.image, asked)
                file, pixels = self._keep(image), self._compared(step.request, image)
            except HostedError as error:
                failure, message = error.mode, error.message
        shared = (step.made or step.ended - step.began) / max(1, step.batch or 1)
        unbilled = failure and self.model.price.usd_per_image is not None
        usd = 0.0 if unbilled else self.model.price.usd(shared, step.request.flow)
        row = StepRow(
            flow=step.request.flow, image_key=step.request.image_key, began=step.began,
            ended=step.ended, waited=step.waited, made=step.made, batch=step.batch,
            memory_mib=step.memory, usd=usd, here=step.here, file=file,
            pixels=_word(pixels),
        )  # fmt: skip
        return row, failure, message

    def _looked_at(self, request: Request, data: bytes, asked: tuple[int, int]) -> Image.Image:
        """The image, as large as the contract says.

        Raises:
            HostedError: it is none, or of another size.
        """
        image = decode(data)
        size = self._size(request, asked)
        if request.flow == FIRST and isinstance(self.model, OpenAIModel):
            made = self.model.size_for(size)
            if image.size == made:
                return scaled(image, size)
        if image.size != size:
            message = f"{image.width}x{image.height}, not {size[0]}x{size[1]}"
            raise HostedError("wrong_size", message, billed=True)
        return image

    def _size(self, request: Request, asked: tuple[int, int]) -> tuple[int, int]:
        returns = self.contract.returns.model_copy(update={"size": asked})
        contract = self.contract.model_copy(update={"returns": returns})
        upscaler = self.model.upscaler
        return contract.returned(request.flow, upscaler.scale if upscaler else 1).size

    def _keep(self, image: Image.Image) -> str:
        data = encode_png(image)
        name = f"{hashlib.sha256(data).hexdigest()}.png"
        path = self.folder / name
        if not path.exists():
            path.write_bytes(data)
        return name

    def _compared(self, request: Request, image: Image.Image) -> str:
        key = request.image_key
        if key not in self._offline:
            self._offline[key] = self._of_offline(key)
        known = self._offline[key]
        return "unknown" if not known else "same" if known == _pixels(image) else "different"

    def _of_offline(self, key: str) -> str:
        if not self.store.has(key):
            return ""
        try:
            return _pixels(Image.open(io.BytesIO(self.store.read_bytes(key))))
        except (KeyError, CorruptEntryError, OSError):
            return ""


def _pixels(image: Image.Image) -> str:
    """SHA-256 of the pixels and their layout."""
    pixels = np.asarray(image)
    return hashlib.sha256(repr(pixels.shape).encode() + pixels.tobytes()).hexdigest()


def _word(pixels: str) -> Literal["same", "different", "unknown"]:
    return "same" if pixels == "same" else "different" if pixels == "different" else "unknown"
