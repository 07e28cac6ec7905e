"""Model documents with `backend: gemini`."""

from __future__ import annotations

from typing import Annotated, ClassVar, Literal, Self

from pydantic import Field, model_validator

from imgassets.documents.base import Document
from imgassets.documents.field_errors import FieldError
from imgassets.documents.field_facets import Facet
from imgassets.documents.hosted import HostedModel
from imgassets.documents.model_document import Reproducibility
from imgassets.documents.upscaler import DiffusionUpscaler, Lanczos, Network


class GeminiEdit(Document):
    """Gemini takes no mask: the region has to be told in words."""

    instruction: Annotated[str, Facet.PIXELS] = Field(
        description="What is sent with the source; `{prompt}` and the region's `{left}`, `{top}`, "
        "`{right}`, `{bottom}` (percent) are filled in."
    )

    @model_validator(mode="after")
    def _fills_in(self) -> Self:
        try:
            self.words("a cat", (0.0, 0.0, 1.0, 1.0))
        except (KeyError, IndexError, ValueError, AttributeError) as error:
            raise FieldError(
                f"instruction has an unknown placeholder ({error!r})",
                "there are {prompt}, {left}, {top}, {right}, {bottom}",
                "instruction",
            ) from error
        if "{prompt}" not in self.instruction:
            raise FieldError("nothing says what to paint", "put `{prompt}` into it", "instruction")
        return self

    def words(self, prompt: str, region: tuple[float, float, float, float]) -> str:
        """The instruction for one edit; the region in fractions of width and height."""
        left, top, right, bottom = (f"{100 * edge:g}" for edge in region)
        return self.instruction.format(
            prompt=prompt, left=left, top=top, right=right, bottom=bottom
        )


class GeminiModel(HostedModel):
    """A `contracts/models/NAME.yaml` document with `backend: gemini`."""

    reproducibility: ClassVar[Reproducibility] = "none"
    stylize: ClassVar[None] = None  # no strength to be told: the same words as an edit

    backend: Annotated[Literal["gemini"], Facet.PIXELS]
    api_version: Annotated[Literal["v1beta", "v1"], Facet.PIXELS] = Field(
        "v1beta", description="Of Google's API."
    )
    api_model: Annotated[str, Facet.PIXELS] = Field(
        pattern=r"^gemini-[a-z0-9.-]+$", description="Such as gemini-2.5-…"
    )
    aspect_ratio: Annotated[str, Facet.PIXELS] = Field(
        pattern=r"^\d+:\d+$", description="Such as `1:1`."
    )
    image_size: Annotated[Literal["512", "1K", "2K", "4K"] | None, Facet.PIXELS] = Field(
        None, description="Absent where the model knows one size alone."
    )
    temperature: Annotated[float | None, Facet.PIXELS] = Field(
        None, ge=0, le=2, description="Absent: the API's default."
    )
    edit: Annotated[GeminiEdit | None, Facet.PARTS | Facet.ONE_FLOW] = Field(
        None, description="Absent when it is not to edit."
    )
    upscaler: Annotated[
        Lanczos | Network | DiffusionUpscaler | None, Facet.UPSCALER | Facet.PARTS | Facet.ONE_FLOW
    ] = Field(None, discriminator="kind", description="Gemini has none; one of ours.")

    @model_validator(mode="after")
    def _no_upscale_price(self) -> Self:
        if self.price.usd_per_upscale is not None:
            raise FieldError("Gemini has no upscaler", "drop it", "price", "usd_per_upscale")
        return self
