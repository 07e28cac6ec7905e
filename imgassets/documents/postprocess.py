"""What is done to an image after the models: a chain of named steps with named parameters."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

from imgassets.documents.base import Document
from imgassets.documents.field_errors import FieldError
from imgassets.documents.field_facets import Facet
from imgassets.documents.units import Share

Side = Annotated[int, Field(ge=8, le=16384)]


class Resize(Document):
    """Changes the size."""

    kind: Annotated[Literal["resize"], Facet.PIXELS]
    size: Annotated[tuple[Side, Side], Facet.PIXELS] = Field(
        description="`[width, height]` in pixels."
    )
    filter: Annotated[Literal["lanczos", "bicubic", "area"], Facet.PIXELS] = Field(
        description="`area` averages a box."
    )


class Sharpen(Document):
    """Unsharp mask."""

    kind: Annotated[Literal["sharpen"], Facet.PIXELS]
    radius: Annotated[float, Facet.PIXELS] = Field(
        gt=0.0, le=20.0, description="Blur radius, pixels."
    )
    amount: Annotated[float, Facet.PIXELS] = Field(
        gt=0.0, le=5.0, description="Share of the lost detail added again."
    )
    threshold: Annotated[int, Facet.PIXELS] = Field(
        0, ge=0, le=255, description="Smaller differences stay, levels."
    )


class Watermark(Document):
    """Puts an image file, or a line of text, into a corner."""

    kind: Annotated[Literal["watermark"], Facet.PIXELS]
    image: Annotated[str | None, Facet.PIXELS | Facet.WHERE_SET] = Field(
        None, description="PNG file, from the project root."
    )
    text: Annotated[str | None, Facet.PIXELS | Facet.WHERE_SET] = Field(
        None, min_length=1, max_length=80, description="A line of text; give it or `image`."
    )
    corner: Annotated[
        Literal["top-left", "top-right", "bottom-left", "bottom-right"], Facet.PIXELS
    ] = Field("bottom-right", description="Where it is put.")
    height: Annotated[Share, Facet.PIXELS] = Field(
        gt=0.0, le=1.0, description="Share of the image's height."
    )
    margin: Annotated[int, Facet.PIXELS] = Field(
        0, ge=0, description="Distance to the edges, pixels."
    )
    opacity: Annotated[Share, Facet.PIXELS] = Field(
        gt=0.0, le=1.0, description="1 hides what is below it."
    )

    @model_validator(mode="after")
    def _one_mark(self) -> Self:
        if (self.image is None) == (self.text is None):
            if self.text is None:
                raise FieldError("neither image nor text is given", "add one of them")
            raise FieldError("image and text are both given", "drop one of them", "text")
        return self


class Convert(Document):
    """Encodes the image as it is delivered; what is judged are the pixels a viewer decodes."""

    kind: Annotated[Literal["convert"], Facet.PIXELS]
    format: Annotated[Literal["PNG", "JPEG", "WEBP"], Facet.PIXELS] = Field(
        description="What it is encoded as."
    )
    quality: Annotated[int | None, Facet.PIXELS | Facet.WHERE_SET] = Field(
        None, ge=1, le=100, description="For JPEG and WEBP."
    )
    mode: Annotated[Literal["RGB", "L"], Facet.PIXELS] = Field(
        "RGB", description="`L` is grayscale."
    )

    @model_validator(mode="after")
    def _quality_fits(self) -> Self:
        if (self.quality is not None) != (self.format != "PNG"):
            if self.quality is None:
                raise FieldError(f"{self.format} needs a quality", "add `quality: 90`")
            raise FieldError("PNG has no quality", "drop it", "quality")
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
