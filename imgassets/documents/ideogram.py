"""Model documents with `backend: ideogram`."""

from __future__ import annotations

from typing import Annotated, ClassVar, Literal, Self

from pydantic import Field, model_validator

from imgassets.documents.base import Document
from imgassets.documents.field_errors import FieldError
from imgassets.documents.field_facets import Facet
from imgassets.documents.hosted import HostedModel
from imgassets.documents.hosted_sizes import SIZES
from imgassets.documents.model_document import Reproducibility
from imgassets.documents.upscaler import DiffusionUpscaler, Lanczos, Network


class IdeogramEdit(Document):
    """Inpainting with a mask; the style and speed are those of generation."""

    kind: Annotated[Literal["inpaint"], Facet.PIXELS] = "inpaint"


class IdeogramRemix(Document):
    """Flow stylize: a new image from an image and a prompt."""

    kind: Annotated[Literal["remix"], Facet.PIXELS] = "remix"
    image_weight: Annotated[int, Facet.PIXELS] = Field(
        ge=1, le=100, description="How close to the source it stays."
    )


class IdeogramUpscaler(Document):
    """Ideogram's own `/upscale`."""

    kind: Annotated[Literal["ideogram"], Facet.PIXELS]
    api_version: Annotated[Literal["v1"], Facet.PIXELS] = Field(
        "v1", description="Of Ideogram's API."
    )
    scale: Annotated[Literal[2], Facet.PIXELS] = Field(
        2, description="The API doubles width and height."
    )
    resemblance: Annotated[int, Facet.PIXELS] = Field(
        50, ge=0, le=100, description="How close to the source it stays."
    )
    detail: Annotated[int, Facet.PIXELS] = Field(
        50, ge=0, le=100, description="How much detail it adds."
    )


class IdeogramModel(HostedModel):
    """A `contracts/models/NAME.yaml` document with `backend: ideogram`."""

    reproducibility: ClassVar[Reproducibility] = "seeded"

    backend: Annotated[Literal["ideogram"], Facet.PIXELS]
    api_version: Annotated[Literal["v1"], Facet.PIXELS] = Field(
        "v1", description="Of Ideogram's API."
    )
    api_model: Annotated[Literal["V_2", "V_2_TURBO", "V_3"], Facet.PIXELS] = Field(
        description="Ideogram 2.0 or 3.0."
    )
    rendering_speed: Annotated[
        Literal["FLASH", "TURBO", "DEFAULT", "QUALITY"] | None, Facet.PIXELS
    ] = Field(None, description="Of V_3 alone.")
    magic_prompt: Annotated[Literal["OFF", "ON", "AUTO"], Facet.PIXELS] = Field(
        "OFF", description="Anything but OFF lets the provider rewrite prompts."
    )
    style_type: Annotated[
        Literal["AUTO", "GENERAL", "REALISTIC", "DESIGN", "RENDER_3D", "ANIME", "FICTION"],
        Facet.PIXELS,
    ] = Field(description="Ideogram's style; not every model has each.")
    edit: Annotated[IdeogramEdit | None, Facet.PARTS | Facet.ONE_FLOW] = Field(
        None, description="Absent when it is not to edit."
    )
    stylize: Annotated[IdeogramRemix | None, Facet.PARTS | Facet.ONE_FLOW] = Field(
        None, description="Absent when it is not to stylize."
    )
    upscaler: Annotated[
        IdeogramUpscaler | Lanczos | Network | DiffusionUpscaler | None,
        Facet.UPSCALER | Facet.PARTS | Facet.ONE_FLOW,
    ] = Field(None, discriminator="kind", description="Absent when nothing is upscaled.")

    @model_validator(mode="after")
    def _parts_agree(self) -> Self:
        if (self.api_model == "V_3") != (self.rendering_speed is not None):
            if self.rendering_speed is None:
                raise FieldError("V_3 needs a rendering_speed", "add `rendering_speed: DEFAULT`")
            message = f"{self.api_model} has no rendering_speed; V_3 alone has"
            raise FieldError(message, "drop it", "rendering_speed")
        if self.style_type in _STYLES_OF_OTHERS[self.api_model]:
            message = f"{self.api_model} has no style_type {self.style_type}"
            raise FieldError(message, "write AUTO, GENERAL, REALISTIC or DESIGN", "style_type")
        hosted = isinstance(self.upscaler, IdeogramUpscaler)
        if hosted != (self.price.usd_per_upscale is not None):
            if hosted:
                message = "upscaler kind ideogram costs money, and no price is given"
                raise FieldError(message, "add `usd_per_upscale`", "price")
            message = "usd_per_upscale is the price of upscaler kind ideogram alone"
            raise FieldError(message, "drop it", "price", "usd_per_upscale")
        return self

    def size_problem(self, size: tuple[int, int]) -> tuple[str, str] | None:
        """See `ModelDocument`."""
        width, height = self.size_for(size)
        known = SIZES.get(self.api_model)
        if known and (width, height) not in known:
            return (
                f"Ideogram {self.api_model} has no resolution {width}x{height}",
                "set `asked_size` to a resolution it has, such as [1024, 1024]; it is scaled to "
                "size",
            )
        return super().size_problem(size)


_STYLES_OF_OTHERS = {
    "V_2": {"FICTION"},
    "V_2_TURBO": {"FICTION"},
    "V_3": {"RENDER_3D", "ANIME"},
}
