"""What a model costs."""

from __future__ import annotations

from datetime import date
from typing import Annotated, Self

from pydantic import Field, model_validator

from imgassets.documents.base import Document
from imgassets.documents.field_errors import FieldError
from imgassets.documents.field_facets import Facet
from imgassets.documents.units import Usd
from imgassets.flows import FIRST, FLOWS, FlowName


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
