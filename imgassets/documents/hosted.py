"""Model documents for hosted backends: what an API is asked for, what it costs, what it may cost.

What can change a hosted picture is the API and its version, the model id, the parameters, prompt,
seed, size and replicate. Weights, scheduler, torch and device are the provider's secret: they are
not in the key, and a provider may change them silently.
"""

from __future__ import annotations

from datetime import date
from typing import Annotated, Any, ClassVar, Literal, Self, cast

from pydantic import ConfigDict, Field, model_validator

from imgassets.documents.base import Document, Name
from imgassets.documents.field_errors import FieldError
from imgassets.documents.field_facets import Facet
from imgassets.documents.hosted_sizes import SIZES
from imgassets.documents.model import Model, Price
from imgassets.documents.units import Money, Seconds, Usd
from imgassets.documents.upscaler import DiffusionUpscaler, Lanczos, Network
from imgassets.flows import FIRST, FLOWS, FlowName, MadeBy

#: Whether the same request gives the same picture: `seeded` as far as the provider documents it.
Reproducibility = Literal["seeded", "none"]
#: What two models' images of one prompt have in common: the noise they start from, or nothing more.
Pairing = Literal["noise", "prompt"]
Pixels = Annotated[int, Field(ge=8, le=8192)]


class Limits(Document):
    """How hard the provider may be leant on, and how much money may be spent.

    None of this changes a pixel: a changed limit makes failed images anew, and no other.
    """

    max_usd: Annotated[Money, Facet.LIMITS] = Field(
        gt=0, description="Money this model may cost in this project, ever; raise it to go on."
    )
    max_in_flight: Annotated[int, Facet.LIMITS] = Field(
        4, ge=1, le=64, description="Requests at the same time."
    )
    max_per_minute: Annotated[int, Facet.LIMITS] = Field(
        60, ge=1, le=100_000, description="Requests sent in a minute."
    )
    timeout_seconds: Annotated[Seconds, Facet.LIMITS] = Field(
        120, gt=0, le=3600, description="Longest wait for one reply."
    )
    attempts: Annotated[int, Facet.LIMITS] = Field(
        5, ge=1, le=20, description="Tries of what failed without being billed (429, 5xx)."
    )
    backoff_seconds: Annotated[Seconds, Facet.LIMITS] = Field(
        1.0, ge=0, description="First wait; doubles, with jitter."
    )
    patience_seconds: Annotated[Seconds, Facet.LIMITS] = Field(
        300,
        gt=0,
        description="Longest time spent on one image, waits included.",
    )
    ask_again: Annotated[bool, Facet.LIMITS] = Field(
        False,
        description="Ask again for images whose reply was lost: they may be paid for twice.",
    )


class HostedPrice(Price):
    """What one call costs, whatever its duration."""

    usd_per_image: Annotated[Usd, Facet.PRICE] = Field(
        description="API price of one generated or edited image."
    )
    usd_per_upscale: Annotated[Usd | None, Facet.PRICE] = Field(
        None, description="API price of one upscaled image; absent: upscaled by ourselves."
    )

    def usd(self, seconds: float, flow: FlowName = FIRST) -> float:  # noqa: ARG002
        """USD for one image of a flow."""
        if FLOWS[flow].free:
            return 0.0
        enlarged = FLOWS[flow].made_by is MadeBy.UPSCALER
        return (self.usd_per_upscale or 0.0) if enlarged else self.usd_per_image


class HostedModel(Document):
    """What all hosted models have in common."""

    main_facet = Facet.GENERATOR

    model: Annotated[Name, Facet.NO_PIXEL] = Field(
        description="The model's name; the file is called the same."
    )
    description: Annotated[str, Facet.NOTHING] = ""
    asked_size: Annotated[tuple[Pixels, Pixels] | None, Facet.PIXELS] = Field(
        None,
        description="`[width, height]` asked of the API, then scaled (Lanczos) to what the "
        "endpoint returns; absent: the endpoint's own size.",
    )
    retired: Annotated[date | None, Facet.NOTHING] = Field(
        None, description="The day the provider turned it off."
    )
    price: Annotated[HostedPrice, Facet.PRICE]
    limits: Annotated[Limits, Facet.LIMITS]

    @property
    def batch_size(self) -> int:
        """Images handed over at once; several rounds, so that a slow one does not idle the rest."""
        return 4 * self.limits.max_in_flight

    def size_for(self, size: tuple[int, int]) -> tuple[int, int]:
        """What the API is asked for, to return images of `size`."""
        return self.asked_size or size


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
    api_version: Annotated[Literal["v1"], Facet.PIXELS] = "v1"
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
    api_version: Annotated[Literal["v1"], Facet.PIXELS] = "v1"
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
    ]
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


_STYLES_OF_OTHERS = {
    "V_2": {"FICTION"},
    "V_2_TURBO": {"FICTION"},
    "V_3": {"RENDER_3D", "ANIME"},
}


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
    api_version: Annotated[Literal["v1beta", "v1"], Facet.PIXELS] = "v1beta"
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


#: All model documents; `backend` tells them apart.
AnyModel = Model | IdeogramModel | GeminiModel
Hosted = IdeogramModel | GeminiModel
_BY_BACKEND: dict[str, type[AnyModel]] = {
    "diffusers": Model,
    "ideogram": IdeogramModel,
    "gemini": GeminiModel,
}


class _UnknownBackend(Document):
    """No other field is looked at: what they mean depends on the backend."""

    model_config = ConfigDict(extra="ignore")

    backend: Annotated[Literal["diffusers", "ideogram", "gemini"], Facet.PIXELS]


def model_class(data: Any) -> type[AnyModel]:
    """The document class a parsed model file asks for by its `backend`."""
    backend = data.get("backend") if isinstance(data, dict) else None
    if not isinstance(data, dict):
        return Model
    return _BY_BACKEND.get(str(backend), cast("type[Model]", _UnknownBackend))


def upscales_by_api(model: AnyModel) -> bool:
    """Whether the provider enlarges the images, not a network or filter of ours."""
    return isinstance(model.upscaler, IdeogramUpscaler)


def pairing_of(*models: AnyModel) -> Pairing:
    """What models can be compared on: a seed is the same noise only where all are diffusers'."""
    return "prompt" if any(isinstance(m, HostedModel) for m in models) else "noise"


def size_problem(model: Hosted, size: tuple[int, int]) -> tuple[str, str] | None:
    """Why a hosted model cannot return images of a size, and the fix; None when it can."""
    asked = model.size_for(size)
    known = SIZES.get(model.api_model) if isinstance(model, IdeogramModel) else None
    if known and asked not in known:
        return (
            f"Ideogram {model.api_model} has no resolution {asked[0]}x{asked[1]}",
            "set `asked_size` to a resolution it has, such as [1024, 1024]; it is scaled to size",
        )
    if asked[0] * size[1] != asked[1] * size[0]:
        return (
            f"{asked[0]}x{asked[1]} cannot be scaled to {size[0]}x{size[1]} without distortion",
            "ask for a size of the same shape",
        )
    return None
