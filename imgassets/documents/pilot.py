"""A contract's `pilot`: which traffic a model is put under before it serves, and what must hold."""

from __future__ import annotations

from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

from imgassets.documents.base import Document
from imgassets.documents.field_errors import FieldError
from imgassets.documents.field_facets import Facet
from imgassets.documents.units import ImageSeconds, Mebibytes, Seconds, Share, Usd
from imgassets.flows import FIRST, FlowName


class Poisson(Document):
    """Requests that know nothing of each other, as of many users."""

    kind: Annotated[Literal["poisson"], Facet.PILOT]


class Gamma(Document):
    """Gaps of a gamma distribution: as Poisson, but more or less even."""

    kind: Annotated[Literal["gamma"], Facet.PILOT]
    burstiness: Annotated[float, Facet.PILOT] = Field(
        ge=0.1,
        le=100,
        description="Variance of the gaps over that of Poisson arrivals: 1 is Poisson, 4 comes in "
        "clusters, 0.25 is nearly even.",
    )


class OnOff(Document):
    """Bursts: all requests fall into the on times, at random within them."""

    kind: Annotated[Literal["on_off"], Facet.PILOT]
    on_seconds: Annotated[Seconds, Facet.PILOT] = Field(
        gt=0, le=86_400, description="Mean length of a burst (exponential)."
    )
    off_seconds: Annotated[Seconds, Facet.PILOT] = Field(
        gt=0,
        le=86_400,
        description="Mean silence between bursts (exponential); the rate over both is that of the "
        "traffic.",
    )


Shape = Annotated[Poisson | Gamma | OnOff, Field(discriminator="kind")]


class Ceilings(Document):
    """What must hold under the load; each is shown to hold, broken, or open."""

    p50_seconds: Annotated[ImageSeconds | None, Facet.PILOT] = Field(
        None, gt=0, description="Half of all requests are answered within it, from when due."
    )
    p95_seconds: Annotated[ImageSeconds | None, Facet.PILOT] = Field(
        None, gt=0, description="95 of 100 requests are."
    )
    p99_seconds: Annotated[ImageSeconds | None, Facet.PILOT] = Field(
        None, gt=0, description="99 of 100 requests are."
    )
    worst_seconds: Annotated[ImageSeconds | None, Facet.PILOT] = Field(
        None, gt=0, description="Every request is."
    )
    failure_rate: Annotated[Share | None, Facet.PILOT] = Field(
        None, gt=0, description="Highest share of requests that may fail, in any way."
    )
    usd_per_image: Annotated[Usd | None, Facet.PILOT] = Field(
        None, gt=0, description="What a delivered image may cost, with all steps it went through."
    )
    memory_mib: Annotated[Mebibytes | None, Facet.PILOT] = Field(
        None, gt=0, description="Highest memory of the server, MiB; of the GPU where it has one."
    )

    @property
    def given(self) -> dict[str, float]:
        """Those that are set, by name."""
        return {name: value for name, value in self if value is not None}


class Pilot(Document):
    """Production-like traffic, replayed against a served model."""

    trace: Annotated[str | None, Facet.PILOT] = Field(
        None,
        min_length=1,
        description="A file of requests with their times (JSON lines or CSV), from the project "
        "root; instead of `shape`.",
        examples=["traces/friday.jsonl"],
    )
    shape: Annotated[Shape | None, Facet.PILOT] = Field(
        None,
        description="How requests arrive at the rate of `traffic.busiest_hour`; Poisson where "
        "neither this nor `trace` is given.",
    )
    seconds: Annotated[Seconds | None, Facet.PILOT] = Field(
        None, gt=0, le=86_400, description="How long requests come in, with a shape."
    )
    requests: Annotated[int | None, Facet.PILOT] = Field(
        None, ge=1, le=1_000_000, description="How many come in; instead of `seconds`."
    )
    seed: Annotated[int, Facet.PILOT] = Field(
        0, ge=0, le=2**32 - 1, description="Of arrivals, and of which prompt each asks for."
    )
    flows: Annotated[dict[FlowName, Annotated[float, Field(gt=0)]], Facet.PILOT] = Field(
        default_factory=dict,
        description="How often each flow's image is asked for; as `traffic.per_month` where it is "
        "silent.",
        examples=[{FIRST: 1}],
    )
    timeout_seconds: Annotated[Seconds, Facet.PILOT] = Field(
        120, gt=0, le=3600, description="Longest wait for one reply; then the request has failed."
    )
    ceilings: Annotated[Ceilings, Facet.PILOT] = Field(
        Ceilings(), description="What must hold under the load."
    )

    @model_validator(mode="after")
    def _one_source(self) -> Self:
        if self.trace is not None:
            for name in ("shape", "seconds", "requests", "flows"):
                if getattr(self, name):
                    message = f"a trace says by itself what `{name}` would say"
                    raise FieldError(message, f"drop `{name}` or `trace`", name)
            return self
        if self.seconds is None and self.requests is None:
            raise FieldError("how long it lasts is not said", "add `seconds: 300`")
        if self.seconds is not None and self.requests is not None:
            raise FieldError("seconds and requests are both given", "drop one of them", "requests")
        return self

    @property
    def arrivals(self) -> Poisson | Gamma | OnOff:
        """The shape, said or not."""
        return self.shape or Poisson(kind="poisson")
