"""Model documents: everything that decides which pixels a model makes, pinned."""

from __future__ import annotations

from datetime import date
from typing import Any, Literal, Self

from pydantic import Field, model_validator

from imgassets.documents import scheduler_names
from imgassets.documents.base import Document, Name
from imgassets.documents.pipeline_options import Loading, Value, refuse_remote_code
from imgassets.documents.units import Usd
from imgassets.documents.upscaler import Upscaler
from imgassets.documents.weights import Weights
from imgassets.flows import FIRST, FLOWS, FlowName


class Scheduler(Document):
    """The diffusion scheduler (sampler) and every setting that departs from its defaults."""

    class_: str = Field(alias="class", description="A scheduler class of diffusers.")
    settings: dict[str, float | int | bool | str | None] = Field(
        default_factory=dict, description="Keyword arguments of the scheduler class."
    )

    @model_validator(mode="before")
    @classmethod
    def _is_no_name_alone(cls, document: Any) -> Any:
        if isinstance(document, str):
            other = scheduler_names.hint(document)
            raise ValueError(
                f"give class and settings; {other}"
                if other
                else f"give class and settings, such as `{{class: {document}}}`"
            )
        return document


class Sampling(Document):
    """How an image is sampled."""

    steps: int = Field(ge=1, le=1000, description="Inference steps.")
    guidance_scale: float = Field(ge=0.0, description="Classifier-free guidance; up to 1 is off.")
    max_sequence_length: int = Field(
        256, ge=0, le=512, description="T5 tokens; 0 for pipelines without T5."
    )
    arguments: dict[str, Value | tuple[Value, ...]] = Field(
        default_factory=dict, description="Further arguments of the pipeline's call."
    )

    @model_validator(mode="after")
    def _one_image_a_request(self) -> Self:
        if self.arguments.get("num_images_per_prompt", 1) != 1:
            raise ValueError(
                "arguments: num_images_per_prompt must be 1: every request is one image; list more "
                "seeds in the endpoint's sampling.seeds"
            )
        for name in ("latents", "return_dict"):
            if name in self.arguments:
                raise ValueError(f"arguments: {name} is imgassets' own to give; drop it")
        return self


class EditSampling(Document):
    """How a source image is repainted: an edit (inpainting) or a stylization (img2img)."""

    pipeline: str | None = Field(
        None, description="A pipeline class of diffusers; absent: the one that fits the model's."
    )
    steps: int = Field(ge=1, le=1000)
    guidance_scale: float = Field(ge=0.0)
    strength: float = Field(gt=0.0, le=1.0, description="Share of the noise schedule that runs.")


class Price(Document):
    """What running the model costs: by the hour of a machine, or by the image."""

    usd_per_hour: Usd | None = Field(None, description="Machine price; times seconds.")
    usd_per_image: Usd | None = Field(None, description="API price of one image.")
    source: str = Field(min_length=1, description="Where the price comes from.")
    as_of: date = Field(description="The day the price was looked up.")

    @model_validator(mode="after")
    def _one_basis(self) -> Self:
        if (self.usd_per_hour is None) == (self.usd_per_image is None):
            raise ValueError("give exactly one of usd_per_hour and usd_per_image")
        return self

    def usd(self, seconds: float, flow: FlowName = FIRST) -> float:
        """USD for one image of a flow that took `seconds`; post-processing has no API price."""
        if self.usd_per_image is not None:
            return 0.0 if FLOWS[flow].free else self.usd_per_image
        return (self.usd_per_hour or 0.0) * seconds / 3600.0


class Model(Weights):
    """A `contracts/models/NAME.yaml` document."""

    model: Name = Field(description="The model's name; the file is called the same.")
    description: str = ""
    backend: Literal["diffusers"] = Field(description="Who makes the images.")
    pipeline: str | None = Field(
        None, description="A text-to-image class of diffusers; absent: model_index.json names it."
    )
    dtype: Literal["float32", "float16", "bfloat16"] = "float32"
    loading: Loading = Loading()
    scheduler: Scheduler
    sampling: Sampling
    edit: EditSampling | None = Field(None, description="Absent when the model cannot edit.")
    stylize: EditSampling | None = Field(None, description="Absent when it cannot stylize.")
    upscaler: Upscaler | None = Field(None, description="Absent when nothing is upscaled.")
    batch_size: int = Field(
        8, ge=1, le=256, description="Images asked for at once; halved when memory runs out."
    )
    price: Price

    @model_validator(mode="before")
    @classmethod
    def _runs_no_foreign_code(cls, document: Any) -> Any:
        return refuse_remote_code(document)
