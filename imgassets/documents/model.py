"""Model documents: everything that decides which pixels a model makes, pinned."""

from __future__ import annotations

from typing import Annotated, Any, Literal, Self

from pydantic import Field, model_validator

from imgassets.documents import scheduler_names
from imgassets.documents.base import Document
from imgassets.documents.field_errors import FieldError
from imgassets.documents.field_facets import Facet
from imgassets.documents.model_document import ModelDocument
from imgassets.documents.pipeline_options import Loading, Value, refuse_remote_code
from imgassets.documents.price import Price
from imgassets.documents.units import Share
from imgassets.documents.upscaler import Upscaler
from imgassets.documents.weights import Weights


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
    steps: Annotated[int, Facet.PIXELS] = Field(
        ge=1, le=1000, description="Inference steps of the whole schedule."
    )
    guidance_scale: Annotated[float, Facet.PIXELS] = Field(
        ge=0.0, description="Classifier-free guidance; up to 1 is off."
    )
    strength: Annotated[Share, Facet.PIXELS] = Field(
        gt=0.0, le=1.0, description="Share of the noise schedule that runs."
    )


class Model(ModelDocument, Weights):
    """A `contracts/models/NAME.yaml` document with `backend: diffusers`."""

    shares_noise = True

    backend: Annotated[Literal["diffusers"], Facet.PIXELS] = Field(
        description="Who makes the images."
    )
    pipeline: Annotated[str | None, Facet.PIXELS | Facet.ONE_FLOW] = Field(
        None, description="A text-to-image class of diffusers; absent: model_index.json names it."
    )
    dtype: Annotated[Literal["float32", "float16", "bfloat16"], Facet.PIXELS] = Field(
        "float32", description="Of weights and of the computation."
    )
    loading: Annotated[Loading, Facet.PARTS] = Field(
        Loading(), description="What trades memory and speed when the pipeline is loaded."
    )
    scheduler: Annotated[Scheduler, Facet.PARTS] = Field(
        description="The sampler, with its settings."
    )
    sampling: Annotated[Sampling, Facet.PARTS | Facet.ONE_FLOW] = Field(
        description="How an image is generated."
    )
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
    price: Annotated[Price, Facet.PRICE] = Field(description="What running it costs.")

    @model_validator(mode="before")
    @classmethod
    def _runs_no_foreign_code(cls, document: Any) -> Any:
        return refuse_remote_code(document)
