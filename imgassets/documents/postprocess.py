"""What is done to an image after the models: a chain of named steps with named parameters."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Any, Literal, Self

from pydantic import Field, model_validator

from imgassets.documents.base import Document

Side = Annotated[int, Field(ge=8, le=16384)]


class Resize(Document):
    """Changes the size."""

    kind: Literal["resize"]
    size: tuple[Side, Side] = Field(description="`[width, height]` in pixels.")
    filter: Literal["lanczos", "bicubic", "area"] = Field(description="`area` averages a box.")


class Sharpen(Document):
    """Unsharp mask."""

    kind: Literal["sharpen"]
    radius: float = Field(gt=0.0, le=20.0, description="Blur radius, pixels.")
    amount: float = Field(gt=0.0, le=5.0, description="Share of the lost detail added again.")
    threshold: int = Field(0, ge=0, le=255, description="Smaller differences stay, levels.")


class Watermark(Document):
    """Puts an image file, or a line of text, into a corner."""

    kind: Literal["watermark"]
    image: str | None = Field(None, description="PNG file, from the project root.")
    text: str | None = Field(None, min_length=1, max_length=80)
    corner: Literal["top-left", "top-right", "bottom-left", "bottom-right"] = "bottom-right"
    height: float = Field(gt=0.0, le=1.0, description="Share of the image's height.")
    margin: int = Field(0, ge=0, description="Distance to the edges, pixels.")
    opacity: float = Field(gt=0.0, le=1.0)

    @model_validator(mode="after")
    def _one_mark(self) -> Self:
        if (self.image is None) == (self.text is None):
            raise ValueError("give exactly one of image and text")
        return self


class Convert(Document):
    """Encodes the image as it is delivered; what is judged are the pixels a viewer decodes."""

    kind: Literal["convert"]
    format: Literal["PNG", "JPEG", "WEBP"]
    quality: int | None = Field(None, ge=1, le=100, description="For JPEG and WEBP.")
    mode: Literal["RGB", "L"] = "RGB"

    @model_validator(mode="after")
    def _quality_fits(self) -> Self:
        if (self.quality is not None) != (self.format != "PNG"):
            raise ValueError("quality must be given for JPEG and WEBP and only for them")
        return self


Step = Annotated[Resize | Sharpen | Watermark | Convert, Field(discriminator="kind")]


def size_after(steps: Sequence[Step], size: tuple[int, int]) -> tuple[int, int]:
    """`(width, height)` of an image of `size` after the steps."""
    resizes = [s.size for s in steps if isinstance(s, Resize)]
    return resizes[-1] if resizes else size


def mode_after(steps: Sequence[Step], mode: str) -> str:
    """The mode an image of `mode` has after the steps."""
    modes = [s.mode for s in steps if isinstance(s, Convert)]
    return modes[-1] if modes else mode


def step_facts(root: Path, steps: Sequence[Step]) -> list[dict[str, Any]]:
    """The steps as JSON values; a mark's file with the hash of its content.

    Raises:
        FileNotFoundError: the file of a mark is missing.
    """
    return [_facts(root, step) for step in steps]


def _facts(root: Path, step: Step) -> dict[str, Any]:
    facts = step.model_dump(mode="json", exclude_none=True)
    if isinstance(step, Watermark) and step.image:
        content = (root / step.image).read_bytes()
        facts["image_sha256"] = hashlib.sha256(content).hexdigest()
    return facts
