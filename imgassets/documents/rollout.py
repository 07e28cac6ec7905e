"""A contract's `rollout`: the stages of a swap, what each waits for, and what takes it back."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Annotated, Final, Literal, Self

from pydantic import BeforeValidator, Field, model_validator

from imgassets.documents.base import Document
from imgassets.documents.field_errors import FieldError, raise_all
from imgassets.documents.field_facets import Facet
from imgassets.documents.units import ImageSeconds, InUnit, Share, step

#: The candidate is asked, and nobody sees what it made.
SHADOW: Final = "shadow"
#: A bucket is a whole number below this; one bucket is a hundredth of a percent.
BUCKETS = 10_000
Percent = Annotated[float, Field(gt=0, le=100, strict=True)]
Stage = Literal["shadow"] | Percent
#: A difference of two shares.
Points = Annotated[float, BeforeValidator(InUnit("share", step))]


def percent_of(stage: Stage) -> float:
    """Percent of users that get the candidate at a stage; 0 for shadow."""
    return 0.0 if stage == SHADOW else float(stage)


def stage_name(stage: Stage) -> str:
    """A stage as history, messages and metadata call it: `shadow`, `1`, `0.5`."""
    return SHADOW if stage == SHADOW else f"{stage:g}"


class ProductionFailures(Document):
    """How much more often the candidate may fail in production than the incumbent."""

    margin: Annotated[Points, Facet.ROLLOUT] = Field(
        gt=0, description="Highest difference between both models' shares of failed requests."
    )
    ceiling: Annotated[Share | None, Facet.ROLLOUT] = Field(
        None, description="Highest share of the candidate's requests that may fail, whatever the "
        "incumbent does.",
    )  # fmt: skip


class ProductionSeconds(Document):
    """How long the candidate's requests may take in production."""

    ceiling: Annotated[ImageSeconds, Facet.ROLLOUT] = Field(
        gt=0, description="Highest seconds that the quantile may have."
    )
    quantile: Annotated[float, Facet.ROLLOUT] = Field(
        0.95, gt=0, lt=1, description="Part of the requests that must keep the ceiling."
    )


class Outcomes(Document):
    """When production's outcomes take a rollout back by themselves."""

    failures: Annotated[ProductionFailures, Facet.ROLLOUT] = Field(
        description="Limits of failed requests."
    )
    seconds: Annotated[ProductionSeconds | None, Facet.ROLLOUT] = Field(
        None, description="Limit of the seconds that outcomes tell; none without it."
    )
    alpha: Annotated[float, Facet.ROLLOUT] = Field(
        0.05,
        gt=0,
        le=0.5,
        description="Chance, over the whole rollout, to take back a candidate that is as good as "
        "the incumbent.",
    )
    looks: Annotated[int, Facet.ROLLOUT] = Field(
        ge=1,
        le=10_000,
        description="Looks at the outcomes that are planned for a whole rollout; they share nine "
        "tenths of alpha, and all later ones the rest.",
    )
    min_requests: Annotated[int, Facet.ROLLOUT] = Field(
        ge=1,
        description="Requests of each model in a stage before its first look, and of the candidate "
        "between looks.",
    )
    on_breach: Annotated[Literal["revert", "freeze"], Facet.ROLLOUT] = Field(
        "revert", description="What a broken limit does: go back at once, or stop where it is."
    )


class Rollout(Document):
    """How a candidate that may be released takes over, in stages, and how long it can go back."""

    stages: Annotated[tuple[Stage, ...], Facet.ROLLOUT] = Field(
        min_length=1,
        description="Percents of users that get the candidate, rising, the last one 100; `shadow` "
        "may come first: the candidate is asked, and nobody sees what it made.",
        examples=[["shadow", 1, 10, 50, 100]],
    )
    min_hours: Annotated[float, Facet.ROLLOUT] = Field(
        ge=0, le=24 * 365, description="Hours each stage lasts at least."
    )
    min_requests: Annotated[int, Facet.ROLLOUT] = Field(
        ge=0, description="Requests the candidate answers in each stage at least."
    )
    max_verdict_age_days: Annotated[float, Facet.ROLLOUT] = Field(
        gt=0, le=3650, description="How old the GO that a step rests on may be, in days."
    )
    keep_incumbent_days: Annotated[float, Facet.ROLLOUT] = Field(
        ge=0,
        le=3650,
        description="Days at 100 % in which the incumbent is kept ready, so that the way back "
        "stays open; the swap is over after them.",
    )
    outcomes: Annotated[Outcomes | None, Facet.ROLLOUT] = Field(
        None, description="Without it nothing but people takes a rollout back."
    )

    @model_validator(mode="after")
    def _stages_rise(self) -> Self:
        raise_all(self._wrong_stages())
        return self

    def _wrong_stages(self) -> Iterator[FieldError]:
        before = 0.0
        for i, stage in enumerate(self.stages):
            if stage == SHADOW:
                if i:
                    yield FieldError("shadow comes later than the first stage",
                                     "put it first, or drop it", "stages", i)  # fmt: skip
                continue
            if stage <= before:
                yield FieldError(f"{stage:g} is not more than the {before:g} before it",
                                 "write the percents in rising order", "stages", i)  # fmt: skip
            if round(stage * BUCKETS / 100, 6) % 1:
                yield FieldError(f"{stage:g} % is finer than a hundredth of a percent",
                                 f"write {max(stage, 0.01):.2f}", "stages", i)  # fmt: skip
            before = max(before, stage)
        if before != 100:
            yield FieldError("the last stage is not 100", "add 100 at the end", "stages",
                             len(self.stages) - 1)  # fmt: skip
