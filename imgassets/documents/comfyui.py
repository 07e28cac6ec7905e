"""Model documents with `backend: comfyui`: workflows as production runs them, and what fills them.

What can change a picture is the workflow, which of its inputs are filled with what, and the
versions of ComfyUI and of custom nodes. Weights are known by the file names in the workflow.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Annotated, Any, Literal, Self
from urllib.parse import urlsplit

from pydantic import AfterValidator, BeforeValidator, Field, WithJsonSchema, model_validator

from imgassets.documents.addresses import is_loopback
from imgassets.documents.base import Document
from imgassets.documents.field_facets import Facet
from imgassets.documents.model_document import ModelDocument
from imgassets.documents.price import Price
from imgassets.documents.units import Seconds
from imgassets.documents.upscaler import DiffusionUpscaler, Lanczos, Network


def _node_inputs(places: tuple[str, ...]) -> tuple[str, ...]:
    for text in places or ("",):
        node, _, name = text.partition(".")
        if not node.strip() or not name.strip():
            raise ValueError(f"{text!r} names no input of a node; write NODE.INPUT, as `6.text`")
    return places


def _listed(value: Any) -> Any:
    return [value] if isinstance(value, str) else value


_TEXT = {"type": "string"}
#: Inputs of nodes that one value is written into: `6.text`, or `[6.text_g, 6.text_l]`.
Places = Annotated[
    tuple[str, ...],
    BeforeValidator(_listed),
    AfterValidator(_node_inputs),
    WithJsonSchema({"anyOf": [_TEXT, {"type": "array", "items": _TEXT, "minItems": 1}]}),
]


class WorkflowInputs(Document):
    """Which inputs of which nodes a request fills, each as `NODE.INPUT`, or as a list of them."""

    prompt: Annotated[Places, Facet.PIXELS] = Field(description="Text to draw, such as `6.text`.")
    negative_prompt: Annotated[Places | None, Facet.PIXELS] = Field(
        None, description="Text to avoid; absent: prompts with a negative prompt cannot be made."
    )
    seed: Annotated[Places, Facet.PIXELS] = Field(
        description="Seed of the sampler, such as `3.seed`."
    )
    width: Annotated[Places | None, Facet.PIXELS] = Field(
        None, description="Pixels; absent: the workflow makes one size."
    )
    height: Annotated[Places | None, Facet.PIXELS] = Field(None, description="As width.")

    @model_validator(mode="after")
    def _each_once(self) -> Self:
        if (self.width is None) != (self.height is None):
            raise ValueError("give both width and height, or neither")
        seen: dict[str, str] = {}
        for name, place in self.places():
            other = seen.setdefault(place, name)
            if other != name:
                raise ValueError(f"{place} is named for {other} and for {name}; drop one")
        return self

    def places(self) -> Iterator[tuple[str, str]]:
        """`(what fills it, NODE.INPUT)` of each input that is filled."""
        for name in type(self).model_fields:
            for place in getattr(self, name) or ():
                yield name, place


class SourceInputs(WorkflowInputs):
    """As of generation, and the image to start from."""

    source_image: Annotated[Places, Facet.PIXELS] = Field(
        description="File name of a loader, such as `10.image` of LoadImage."
    )


class EditInputs(SourceInputs):
    """As of stylization, and the region to repaint."""

    mask: Annotated[Places, Facet.PIXELS] = Field(
        description="File name of a loader, such as `11.image` of LoadImageMask, channel red; "
        "white is repainted.",
    )


class Workflow(Document):
    """A file of ComfyUI in API format, and where its image comes out."""

    workflow: Annotated[str, Facet.PIXELS | Facet.BY_CONTENT] = Field(
        min_length=1,
        description="JSON file in API format (Export (API) in ComfyUI), from the project root.",
    )
    output: Annotated[str | None, Facet.PIXELS] = Field(
        None, description="Node that saves the image; absent: the only one that saves any."
    )


class ComfyStylize(Workflow):
    """Flow stylize: image to image by a workflow of its own."""

    inputs: Annotated[SourceInputs, Facet.PARTS] = Field(
        description="Which input of which node takes what, as `NODE_ID.INPUT`."
    )


class ComfyEdit(Workflow):
    """Inpainting with a mask, by a workflow of its own."""

    inputs: Annotated[EditInputs, Facet.PARTS] = Field(
        description="Which input of which node takes what, as `NODE_ID.INPUT`."
    )


class Token(Document):
    """What a server behind a gateway wants to see with each request."""

    environment: Annotated[str, Facet.LIMITS] = Field(
        pattern=r"^[A-Za-z_][A-Za-z0-9_]*$",
        description="Environment variable that holds the token; it stands in no file.",
    )
    header: Annotated[str, Facet.LIMITS] = Field(
        "Authorization",
        pattern=r"^[A-Za-z0-9-]+$",
        description="Header that carries it; `Authorization` sends `Bearer TOKEN`.",
    )


class ComfyModel(ModelDocument, Workflow):
    """A `contracts/models/NAME.yaml` document with `backend: comfyui`."""

    backend: Annotated[Literal["comfyui"], Facet.PIXELS]
    inputs: Annotated[WorkflowInputs, Facet.PARTS] = Field(
        description="Which input of which node takes what, as `NODE_ID.INPUT`."
    )
    comfyui_version: Annotated[str, Facet.PIXELS] = Field(
        min_length=1, description="ComfyUI's version, as `/system_stats` and its window tell it."
    )
    node_versions: Annotated[dict[str, str], Facet.PIXELS] = Field(
        default_factory=dict,
        description="Version of each package of custom nodes, as ComfyUI-Manager lists it.",
    )
    base_url: Annotated[str, Facet.LIMITS] = Field(
        "http://127.0.0.1:8188", description="Where ComfyUI answers."
    )
    token: Annotated[Token | None, Facet.LIMITS | Facet.PARTS] = Field(
        None, description="Absent where the server wants none."
    )
    timeout_seconds: Annotated[Seconds, Facet.LIMITS] = Field(
        300, gt=0, le=86_400, description="Longest wait for one image, queue included."
    )
    max_in_flight: Annotated[int, Facet.LIMITS] = Field(
        1, ge=1, le=64, description="Requests in the server's queue at the same time."
    )
    edit: Annotated[ComfyEdit | None, Facet.PARTS | Facet.ONE_FLOW] = Field(
        None, description="Absent when it is not to edit."
    )
    stylize: Annotated[ComfyStylize | None, Facet.PARTS | Facet.ONE_FLOW] = Field(
        None, description="Absent when it is not to stylize."
    )
    upscaler: Annotated[
        Lanczos | Network | DiffusionUpscaler | None, Facet.UPSCALER | Facet.PARTS | Facet.ONE_FLOW
    ] = Field(None, discriminator="kind", description="One of ours; absent: none is upscaled.")
    price: Annotated[Price, Facet.PRICE] = Field(description="What running it costs.")

    @model_validator(mode="after")
    def _server_can_be_asked(self) -> Self:
        url = urlsplit(self.base_url)
        if url.scheme not in ("http", "https") or not url.hostname:
            raise ValueError(f"base_url {self.base_url!r} is no address; write http://HOST:PORT")
        if url.username or url.password or url.query or url.fragment:
            raise ValueError(
                "base_url holds more than an address; a secret goes into the variable that "
                "`token: {environment: VARIABLE}` names"
            )
        if self.token and url.scheme == "http" and not is_loopback(url.hostname):
            raise ValueError("base_url would send the token in the clear; use https")
        return self

    @property
    def batch_size(self) -> int:
        """Images handed over at once; several rounds, so that a slow one does not idle the rest."""
        return self.max_in_flight if self.max_in_flight == 1 else 4 * self.max_in_flight
