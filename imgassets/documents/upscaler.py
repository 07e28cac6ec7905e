"""How an image is made larger: one document a kind."""

from __future__ import annotations

from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

from imgassets.documents.base import Document
from imgassets.documents.field_errors import FieldError
from imgassets.documents.field_facets import Facet
from imgassets.documents.pipeline_options import Loading
from imgassets.documents.units import Share
from imgassets.documents.weights import Weights


class Lanczos(Document):
    """The baseline filter."""

    kind: Annotated[Literal["lanczos"], Facet.PIXELS]
    scale: Annotated[int, Facet.PIXELS] = Field(
        ge=2, le=8, description="Times the width and height."
    )


class Tiles(Document):
    """Windows an image is repainted in, one after the other."""

    size: Annotated[int, Facet.PIXELS] = Field(
        ge=32, multiple_of=8, description="Side of a window, pixels."
    )
    overlap: Annotated[int, Facet.PIXELS] = Field(
        ge=8, multiple_of=8, description="Pixels that neighbours share; they blend into another."
    )

    @model_validator(mode="after")
    def _overlap_is_smaller(self) -> Self:
        if 2 * self.overlap > self.size:
            most = self.size // 16 * 8
            message = f"overlap must be at most half the size of a tile ({self.size})"
            raise FieldError(message, f"set it to {most} or less", "overlap")
        return self

    @property
    def cell(self) -> int:
        """Distance from one window to the next, where a seam would show; pixels."""
        return self.size - self.overlap


class Network(Document):
    """A learned network that makes the image larger in one pass.

    `compact`: SRVGGNetCompact; `esrgan`: RRDBNet. Both with Real-ESRGAN's names of weights.
    """

    kind: Annotated[Literal["compact", "esrgan"], Facet.PIXELS]
    scale: Annotated[int, Facet.PIXELS] = Field(
        ge=2, le=8, description="Times the width and height."
    )
    weights: Annotated[str, Facet.PIXELS | Facet.BY_CONTENT] = Field(
        min_length=1, description="`package:NAME`, or a folder."
    )
    tiles: Annotated[Tiles | None, Facet.PARTS] = Field(
        None, description="Windows of the source, for images that do not fit into memory at once."
    )


class SdUpscale(Document):
    """Lanczos, then repainted in tiles by the model itself at low strength ("SD upscale")."""

    kind: Annotated[Literal["sd-upscale"], Facet.PIXELS]
    scale: Annotated[int, Facet.PIXELS] = Field(
        ge=2, le=8, description="Times the width and height."
    )
    steps: Annotated[int, Facet.PIXELS] = Field(
        ge=1, le=1000, description="Inference steps of the whole schedule."
    )
    guidance_scale: Annotated[float, Facet.PIXELS] = Field(
        ge=0.0, description="Classifier-free guidance; up to 1 is off."
    )
    strength: Annotated[Share, Facet.PIXELS] = Field(
        gt=0.0, le=0.6, description="More would paint the prompt anew a tile."
    )
    tiles: Annotated[Tiles, Facet.PARTS] = Field(description="Windows it is repainted in.")


class DiffusionUpscaler(Weights):
    """A diffusion model made for upscaling.

    `diffusers-x4`: StableDiffusionUpscalePipeline, 4 times; `diffusers-latent-x2`:
    StableDiffusionLatentUpscalePipeline, 2 times.
    """

    kind: Annotated[Literal["diffusers-x4", "diffusers-latent-x2"], Facet.PIXELS]
    scale: Annotated[Literal[2, 4], Facet.PIXELS] = Field(description="Times the width and height.")
    dtype: Annotated[Literal["float32", "float16", "bfloat16"], Facet.PIXELS] = Field(
        "float32", description="Of weights and of the computation."
    )
    loading: Annotated[Loading, Facet.PARTS] = Field(
        Loading(), description="What trades memory and speed when it is loaded."
    )
    steps: Annotated[int, Facet.PIXELS] = Field(ge=1, le=1000, description="Inference steps.")
    guidance_scale: Annotated[float, Facet.PIXELS] = Field(
        ge=0.0, description="Classifier-free guidance; up to 1 is off."
    )
    noise_level: Annotated[int | None, Facet.PIXELS] = Field(
        None, ge=0, le=350, description="Noise put on the source; for diffusers-x4."
    )

    @model_validator(mode="after")
    def _fits_its_kind(self) -> Self:
        x4 = self.kind == "diffusers-x4"
        if self.scale != (4 if x4 else 2):
            larger = 4 if x4 else 2
            message = f"{self.kind} makes images {larger} times larger"
            raise FieldError(message, f"write `scale: {larger}`", "scale")
        if (self.noise_level is not None) != x4:
            if x4:
                raise FieldError("diffusers-x4 needs a noise_level", "add `noise_level: 20`")
            raise FieldError(f"{self.kind} takes no noise_level", "drop it", "noise_level")
        return self

    @property
    def pipeline(self) -> str:
        """Its pipeline class in diffusers."""
        latent = self.kind == "diffusers-latent-x2"
        return f"StableDiffusion{'LatentUpscale' if latent else 'Upscale'}Pipeline"


Upscaler = Annotated[Lanczos | Network | SdUpscale | DiffusionUpscaler, Field(discriminator="kind")]
#: Upscalers that paint, and so need the prompt and a seed.
PROMPTED = (SdUpscale, DiffusionUpscaler)


def seam_tiles(upscaler: Document | None) -> Tiles | None:
    """Windows in pixels of the large image; None for upscalers without tiles."""
    if isinstance(upscaler, SdUpscale):
        return upscaler.tiles
    if isinstance(upscaler, Network) and upscaler.tiles:
        size, overlap = (n * upscaler.scale for n in (upscaler.tiles.size, upscaler.tiles.overlap))
        return Tiles(size=size, overlap=overlap)
    return None
