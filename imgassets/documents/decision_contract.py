"""The part of a contract that a decision reads, whatever made and measured the images."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Annotated, Any, Self

from pydantic import Field, ModelWrapValidatorHandler, model_validator

from imgassets.documents.base import Document, Name
from imgassets.documents.criteria import (
    Budget,
    Criterion,
    Decision,
    FailureRate,
    Failures,
    Near,
    Review,
)
from imgassets.documents.field_errors import FieldError, doubles, raise_all
from imgassets.documents.field_facets import Facet
from imgassets.documents.own_metrics import MetricName, OwnMetric, declared
from imgassets.flows import FLOWS, FlowName
from imgassets.metrics.families import METRICS


class DecisionContract(Document):
    """What a decision needs of a contract: who is compared, and what must hold."""

    main_facet = Facet.REQUESTS

    endpoint: Annotated[Name, Facet.REQUESTS] = Field(
        description="The endpoint's name; the file is called the same."
    )
    description: Annotated[str, Facet.NOTHING] = Field(
        "", description="For people; nothing reads it."
    )
    incumbent: Annotated[Name, Facet.CRITERIA] = Field(description="The model now in production.")
    candidates: Annotated[tuple[Name, ...], Facet.CRITERIA] = Field(
        (), description="Models that may replace it."
    )
    flows: Annotated[tuple[FlowName, ...], Facet.REQUESTS] = Field(tuple(FLOWS), min_length=1)
    metrics: Annotated[dict[MetricName, OwnMetric], Facet.CRITERIA] = Field(
        default_factory=dict, description="Metrics of one's own, for `imgassets decide`."
    )
    failure_modes: Annotated[tuple[FailureRate, ...], Facet.CRITERIA] = Field(
        (), description="Highest rate allowed for each mode; modes not listed may not occur."
    )
    failures: Annotated[Failures, Facet.CRITERIA] = Field(
        Failures(), description="Bounds over all failure modes together."
    )
    criteria: Annotated[tuple[Criterion, ...], Facet.CRITERIA] = Field(
        min_length=1, description="What must hold, one entry each."
    )
    budget: Annotated[Budget, Facet.CRITERIA] = Field(
        Budget(), description="What an image may cost at most."
    )
    review: Annotated[Review, Facet.CRITERIA] = Field(
        Review(), description="What sends a model that would be GO to a person."
    )
    decision: Annotated[Decision, Facet.CRITERIA] = Field(
        Decision(), description="The risks the verdict may take."
    )

    @model_validator(mode="wrap")
    @classmethod
    def _metrics_first(cls, data: Any, read: ModelWrapValidatorHandler[Self]) -> Self:
        with declared(data.get("metrics") if isinstance(data, Mapping) else None):
            return read(data)

    @model_validator(mode="after")
    def _parts_agree(self) -> Self:
        raise_all(self._misfits())
        return self

    def _misfits(self) -> Iterator[FieldError]:
        """Fields that do not fit each other."""
        for name in sorted(set(self.metrics) & set(METRICS)):
            message = f"{name} is a metric of the product"
            yield FieldError(message, "choose another name", "metrics", name)
        for i, name in enumerate(self.candidates):
            if name == self.incumbent:
                message = f"{name} is both incumbent and candidate"
                yield FieldError(message, "drop it from one", "candidates", i)
        yield from doubles("candidate", self.candidates, "candidates")
        yield from doubles("failure mode", [f.mode for f in self.failure_modes],
                           "failure_modes", "mode")  # fmt: skip
        written = [c.name for c in self.criteria]
        yield from doubles("criterion", written, "criteria")
        for made in self.all_criteria[len(written) :]:
            if made.name in written:
                part = "review.look" if made.metric.startswith("look.") else "budget"
                message = f"`{part}` makes a criterion {made.name} as well"
                fix = "keep one of them"
                yield FieldError(message, fix, "criteria", written.index(made.name))

    @property
    def all_criteria(self) -> tuple[Criterion, ...]:
        """The criteria as written, then those that budget and review stand for."""
        return self.criteria + self.budget.criteria() + self.review.criteria(self.flows)

    def limited(self, near: Near) -> Criterion | None:
        """The criterion whose floor or ceiling a `near` speaks of."""
        return next(
            (
                c
                for c in self.all_criteria
                if (c.metric, c.flow, c.statistic) == (near.metric, near.flow, "mean")
                and c.has_limit
            ),
            None,
        )

    @property
    def models(self) -> tuple[str, ...]:
        """The incumbent first, then the candidates."""
        return (self.incumbent, *self.candidates)

    def max_failure_rate(self, mode: str) -> float:
        """Highest rate allowed for a failure mode; 0 where the contract is silent."""
        return next((f.max_rate for f in self.failure_modes if f.mode == mode), 0.0)
