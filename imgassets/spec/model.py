"""Model documents: everything that decides which pixels a model makes, pinned."""

from __future__ import annotations

from datetime import date
from typing import Literal, Self

from pydantic import Field, model_validator

from imgassets.spec.base import Document, Name


class Scheduler(Document):
    """The diffusion scheduler (sampler) and every setting that departs from its defaults."""

    class_: str = Field(alias="class", description="A scheduler class of diffusers.")
    settings: dict[str, float | int | bool | str | None] = Field(
        default_factory=dict, description="Keyword arguments of the scheduler class."
    )


class Sampling(Document):
    """How an image is sampled."""

    steps: int = Field(ge=1, le=1000, description="Inference steps.")
    guidance_scale: float = Field(ge=0.0, description="Classifier-free guidance; up to 1 is off.")
    max_sequence_length: int = Field(
        256, ge=0, le=512, description="T5 tokens; 0 for pipelines without T5."
    )


class EditSampling(Document):
    """How an edit (inpainting) is sampled."""

    pipeline: str = Field(description="An inpainting pipeline class of diffusers.")
    steps: int = Field(ge=1, le=1000)
    guidance_scale: float = Field(ge=0.0)
    strength: float = Field(gt=0.0, le=1.0, description="Share of the noise schedule that runs.")


class Upscaler(Document):
    """How an image is made larger."""

    kind: Literal["compact", "lanczos"] = Field(
        description="`compact`: a learned SRVGGNetCompact network; `lanczos`: the baseline filter."
    )
    scale: int = Field(ge=2, le=8)
    weights: str | None = Field(None, description="Folder of a learned upscaler.")

    @model_validator(mode="after")
    def _learned_ones_have_weights(self) -> Self:
        if (self.kind == "compact") != (self.weights is not None):
            raise ValueError("weights must be given for kind compact and only for it")
        return self


class Price(Document):
    """What running the model costs: by the hour of a machine, or by the image."""

    usd_per_hour: float | None = Field(None, ge=0, description="Machine price; times seconds.")
    usd_per_image: float | None = Field(None, ge=0, description="API price of one image.")
    source: str = Field(min_length=1, description="Where the price comes from.")
    as_of: date = Field(description="The day the price was looked up.")

    @model_validator(mode="after")
    def _one_basis(self) -> Self:
        if (self.usd_per_hour is None) == (self.usd_per_image is None):
            raise ValueError("give exactly one of usd_per_hour and usd_per_image")
        return self

    def usd(self, seconds: float, flow: str = "generate") -> float:  # noqa: ARG002 - see hosted
        """USD for one image of a flow that took `seconds`."""
        if self.usd_per_image is not None:
            return self.usd_per_image
        return (self.usd_per_hour or 0.0) * seconds / 3600.0


class Model(Document):
    """A `contracts/models/NAME.yaml` document."""

    model: Name = Field(description="The model's name; the file is called the same.")
    description: str = ""
    backend: Literal["diffusers"] = Field(description="Who makes the images.")
    weights: str = Field(
        min_length=1,
        description="`package:NAME` for an embedded model, else a folder (from the project root).",
    )
    pipeline: str = Field(description="A text-to-image pipeline class of diffusers.")
    dtype: Literal["float32", "float16", "bfloat16"] = "float32"
    scheduler: Scheduler
    sampling: Sampling
    edit: EditSampling | None = Field(None, description="Absent when the model cannot edit.")
    upscaler: Upscaler | None = Field(None, description="Absent when nothing is upscaled.")
    batch_size: int = Field(
        8, ge=1, le=256, description="Images asked for at once; halved when memory runs out."
    )
    price: Price
