"""Model documents: everything that decides which pixels a model makes, pinned."""

from __future__ import annotations

from datetime import date
from typing import Annotated, Any, Literal, Self

from pydantic import Field, model_validator

from imgassets.documents import scheduler_names
from imgassets.documents.base import Document, Name
from imgassets.documents.field_errors import FieldError
from imgassets.documents.field_facets import Facet
from imgassets.documents.pipeline_options import Loading, Value, refuse_remote_code
from imgassets.documents.units import Share, Usd
from imgassets.documents.upscaler import Upscaler
from imgassets.documents.weights import Weights
from imgassets.flows import FIRST, FLOWS, FlowName


class Scheduler(Document):
    """The diffusion scheduler (sampler) and every setting that departs from its defaults."""

    class_: Annotated[str, Facet.PIXELS] = Field(
        alias="class", description="A scheduler class of diffusers."
    )
    settings: Annotated[dict[str, float | int | bool | str | None], Facet.PIXELS] = Field(
        default_factory=dict, description="Keyword arguments of the scheduler class."
    )

    @model_validator(mode="before")
    @classmethod
    def _is_no_name_alone(cls, document: Any) -> Any:
        if isinstance(document, str):
            other = scheduler_names.hint(document)
            fix = other or f"write `{{class: {document}}}`"
            raise FieldError("a name alone says nothing of the settings", fix)
        return document


class Sampling(Document):
    """How an image is sampled."""

    steps: Annotated[int, Facet.PIXELS] = Field(ge=1, le=1000, description="Inference steps.")
    guidance_scale: Annotated[float, Facet.PIXELS] = Field(
        ge=0.0, description="Classifier-free guidance; up to 1 is off."
    )
    max_sequence_length: Annotated[int, Facet.PIXELS] = Field(
        256, ge=0, le=512, description="T5 tokens; 0 for pipelines without T5."
    )
    arguments: Annotated[dict[str, Value | tuple[Value, ...]], Facet.PIXELS | Facet.WHERE_SET] = (
        Field(default_factory=dict, description="Further arguments of the pipeline's call.")
    )

    @model_validator(mode="after")
    def _one_image_a_request(self) -> Self:
        if self.arguments.get("num_images_per_prompt", 1) != 1:
            raise FieldError(
                "num_images_per_prompt must be 1: every request is one image",
                "list more seeds in the endpoint's sampling.seeds",
                "arguments",
                "num_images_per_prompt",
            )
        for name in ("latents", "return_dict"):
            if name in self.arguments:
                message = f"{name} is imgassets' own to give"
                raise FieldError(message, "drop it", "arguments", name)
        return self


class EditSampling(Document):
    """How a source image is repainted: an edit (inpainting) or a stylization (img2img)."""

    pipeline: Annotated[str | None, Facet.PIXELS] = Field(
        None, description="A pipeline class of diffusers; absent: the one that fits the model's."
    )
    steps: Annotated[int, Facet.PIXELS] = Field(ge=1, le=1000)
    guidance_scale: Annotated[float, Facet.PIXELS] = Field(ge=0.0)
    strength: Annotated[Share, Facet.PIXELS] = Field(
        gt=0.0, le=1.0, description="Share of the noise schedule that runs."
    )


class Price(Document):
    """What running the model costs: by the hour of a machine, or by the image."""

    usd_per_hour: Annotated[Usd | None, Facet.PRICE] = Field(
        None, description="Machine price; times seconds."
    )
    usd_per_image: Annotated[Usd | None, Facet.PRICE] = Field(
        None, description="API price of one image."
    )
    source: Annotated[str, Facet.PRICE] = Field(
        min_length=1, description="Where the price comes from."
    )
    as_of: Annotated[date, Facet.PRICE] = Field(description="The day the price was looked up.")

    @model_validator(mode="after")
    def _one_basis(self) -> Self:
        if (self.usd_per_hour is None) == (self.usd_per_image is None):
            if self.usd_per_hour is None:
                message = "neither usd_per_hour nor usd_per_image is given"
                raise FieldError(message, "add one of them")
            message = "usd_per_hour and usd_per_image are both given"
            raise FieldError(message, "drop one of them", "usd_per_image")
        return self

    def usd(self, seconds: float, flow: FlowName = FIRST) -> float:
        """USD for one image of a flow that took `seconds`; post-processing has no API price."""
        if self.usd_per_image is not None:
            return 0.0 if FLOWS[flow].free else self.usd_per_image
        return (self.usd_per_hour or 0.0) * seconds / 3600.0


class Model(Weights):
    """A `contracts/models/NAME.yaml` document."""

    main_facet = Facet.GENERATOR

    model: Annotated[Name, Facet.NO_PIXEL] = Field(
        description="The model's name; the file is called the same."
    )
    description: Annotated[str, Facet.NOTHING] = ""
    backend: Annotated[Literal["diffusers"], Facet.PIXELS] = Field(
        description="Who makes the images."
    )
    pipeline: Annotated[str | None, Facet.PIXELS | Facet.ONE_FLOW] = Field(
        None, description="A text-to-image class of diffusers; absent: model_index.json names it."
    )
    dtype: Annotated[Literal["float32", "float16", "bfloat16"], Facet.PIXELS] = "float32"
    loading: Annotated[Loading, Facet.PARTS] = Loading()
    scheduler: Annotated[Scheduler, Facet.PARTS]
    sampling: Annotated[Sampling, Facet.PARTS | Facet.ONE_FLOW]
    edit: Annotated[EditSampling | None, Facet.PARTS | Facet.ONE_FLOW] = Field(
        None, description="Absent when the model cannot edit."
    )
    stylize: Annotated[EditSampling | None, Facet.PARTS | Facet.ONE_FLOW] = Field(
        None, description="Absent when it cannot stylize."
    )
    upscaler: Annotated[Upscaler | None, Facet.UPSCALER | Facet.PARTS | Facet.ONE_FLOW] = Field(
        None, description="Absent when nothing is upscaled."
    )
    batch_size: Annotated[int, Facet.PIXELS] = Field(
        8, ge=1, le=256, description="Images asked for at once; halved when memory runs out."
    )
    price: Annotated[Price, Facet.PRICE]

    @model_validator(mode="before")
    @classmethod
    def _runs_no_foreign_code(cls, document: Any) -> Any:
        return refuse_remote_code(document)
