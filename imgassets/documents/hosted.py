"""Model documents for hosted backends: what an API is asked for, what it costs, what it may cost.

What can change a hosted picture is the API and its version, the model id, the parameters, prompt,
seed, size and replicate. Weights, scheduler, torch and device are the provider's secret: they are
not in the key, and a provider may change them silently.
"""

from __future__ import annotations

from datetime import date
from typing import Annotated, ClassVar

from pydantic import Field

from imgassets.documents.base import Document
from imgassets.documents.field_facets import Facet
from imgassets.documents.model_document import ModelDocument
from imgassets.documents.price import Price
from imgassets.documents.seeds import MOST_HOSTED
from imgassets.documents.units import Money, Seconds, Usd
from imgassets.flows import FIRST, FLOWS, FlowName, MadeBy

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


class HostedModel(ModelDocument):
    """What all hosted models have in common."""

    once_only = True
    most_seed: ClassVar[int] = MOST_HOSTED

    asked_size: Annotated[tuple[Pixels, Pixels] | None, Facet.PIXELS] = Field(
        None,
        description="`[width, height]` asked of the API, then scaled (Lanczos) to what the "
        "endpoint returns; absent: the endpoint's own size.",
    )
    retired: Annotated[date | None, Facet.NOTHING] = Field(
        None, description="The day the provider turned it off."
    )
    price: Annotated[HostedPrice, Facet.PRICE] = Field(description="What a call costs.")
    limits: Annotated[Limits, Facet.LIMITS] = Field(
        description="How hard the provider may be leant on, and the budget."
    )

    @property
    def batch_size(self) -> int:
        """Images handed over at once; several rounds, so that a slow one does not idle the rest."""
        return 4 * self.limits.max_in_flight

    def size_for(self, size: tuple[int, int]) -> tuple[int, int]:
        """What the API is asked for, to return images of `size`."""
        return self.asked_size or size

    def size_problem(self, size: tuple[int, int]) -> tuple[str, str] | None:
        """See `ModelDocument`."""
        asked = self.size_for(size)
        if asked[0] * size[1] == asked[1] * size[0]:
            return None
        return (
            f"{asked[0]}x{asked[1]} cannot be scaled to {size[0]}x{size[1]} without distortion",
            "ask for a size of the same shape",
        )
