"""Model documents with `backend: openai`: any server with the OpenAI images protocol."""

from __future__ import annotations

from typing import Annotated, ClassVar, Literal, Self

from pydantic import Field, model_validator

from imgassets.documents.addresses import host_of, is_loopback
from imgassets.documents.base import Document
from imgassets.documents.field_facets import Facet
from imgassets.documents.hosted import HostedModel
from imgassets.documents.model_document import Reproducibility
from imgassets.documents.pipeline_options import Value
from imgassets.documents.upscaler import DiffusionUpscaler, Lanczos, Network

#: Parameters that are ours to give, or that would bring more than one image.
_OURS = {"model", "prompt", "n", "size", "image", "mask", "stream", "partial_images"}
_FIELDS = {"quality", "background", "output_format", "input_fidelity"}
_Parameter = Annotated[str, Field(pattern=r"^[A-Za-z_][A-Za-z0-9_]*$")]


class OpenAIEdit(Document):
    """Inpainting by `/images/edits`, with a mask."""

    input_fidelity: Annotated[Literal["low", "high"] | None, Facet.PIXELS] = Field(
        None, description="How close to the source it stays; absent: not sent."
    )


class OpenAIModel(HostedModel):
    """A `contracts/models/NAME.yaml` document with `backend: openai`."""

    stylize: ClassVar[None] = None  # the protocol has no strength

    backend: Annotated[Literal["openai"], Facet.PIXELS] = Field(
        description="A server with the OpenAI images protocol."
    )
    base_url: Annotated[str | None, Facet.PIXELS] = Field(
        None,
        description="Where the server answers, such as `http://127.0.0.1:8000/v1`; absent: "
        "`$OPENAI_BASE_URL`, else OpenAI.",
    )
    api_key_variable: Annotated[str | None, Facet.LIMITS] = Field(
        None,
        pattern=r"^[A-Z][A-Z0-9_]*_API_KEY$",
        description="Environment variable that holds the key; absent: OPENAI_API_KEY, or no key "
        "where `base_url` is this machine.",
    )
    api_model: Annotated[str, Facet.PIXELS] = Field(
        min_length=1, description="As the server calls it, such as `gpt-image-1`."
    )
    quality: Annotated[str | None, Facet.PIXELS] = Field(
        None, min_length=1, description="Such as `medium`; absent: not sent."
    )
    background: Annotated[Literal["auto", "opaque", "transparent"] | None, Facet.PIXELS] = Field(
        None, description="Absent: not sent."
    )
    output_format: Annotated[Literal["png", "jpeg", "webp"] | None, Facet.PIXELS] = Field(
        None, description="Of the image that comes; absent: not sent."
    )
    seed_parameter: Annotated[_Parameter | None, Facet.PIXELS] = Field(
        None,
        description="What the server calls the seed (`seed` of vLLM-Omni, SGLang, LocalAI); "
        "absent: it takes none, and no image repeats.",
    )
    negative_prompt_parameter: Annotated[_Parameter | None, Facet.PIXELS] = Field(
        None,
        description="What the server calls the negative prompt; absent: prompts with one cannot "
        "be made.",
    )
    extra: Annotated[dict[_Parameter, Value], Facet.PIXELS] = Field(
        default_factory=dict,
        description="Further parameters as the server knows them, such as `num_inference_steps`.",
    )
    edit: Annotated[OpenAIEdit | None, Facet.PARTS | Facet.ONE_FLOW] = Field(
        None, description="Absent when it is not to edit; `{}` when it is."
    )
    upscaler: Annotated[
        Lanczos | Network | DiffusionUpscaler | None, Facet.UPSCALER | Facet.PARTS | Facet.ONE_FLOW
    ] = Field(None, discriminator="kind", description="The protocol has none; one of ours.")

    @property
    def reproducibility(self) -> Reproducibility:
        """`seeded` where the server takes a seed."""
        return "seeded" if self.seed_parameter else "none"

    @property
    def needs_no_key(self) -> bool:
        """Whether the server is this machine, and no variable is named for it."""
        here = self.base_url is not None and is_loopback(host_of(self.base_url))
        return here and self.api_key_variable is None

    @model_validator(mode="after")
    def _names_its_server(self) -> Self:
        if self.base_url is None:
            return self
        try:
            host = host_of(self.base_url)
        except ValueError as error:
            raise ValueError(f"base_url {self.base_url!r}: {error}") from None
        known = is_loopback(host) or host == "api.openai.com"
        if not known and self.api_key_variable is None:
            raise ValueError(
                f"base_url leads to {host}, which is not OpenAI; name the variable of its own key "
                "in api_key_variable, such as ACME_API_KEY"
            )
        return self

    @model_validator(mode="after")
    def _parameters_are_told_once(self) -> Self:
        named = [n for n in (self.seed_parameter, self.negative_prompt_parameter) if n]
        if taken := sorted({*_OURS, *_FIELDS, *named} & self.extra.keys()):
            raise ValueError(f"extra: {taken[0]} has a field of its own, or is ours to give")
        if len(set(named)) < len(named) or {*_OURS, *_FIELDS} & set(named):
            raise ValueError("seed_parameter and negative_prompt_parameter need names of their own")
        return self

    @model_validator(mode="after")
    def _no_upscale_price(self) -> Self:
        if self.price.usd_per_upscale is not None:
            raise ValueError("the protocol has no upscaler; drop price.usd_per_upscale")
        return self
