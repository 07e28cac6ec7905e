"""What must hold at an endpoint, how often it may fail, and what a person must look at."""

from __future__ import annotations

import difflib
from collections.abc import Callable, Sequence
from typing import Annotated, Literal, Self

from pydantic import (
    ConfigDict,
    Field,
    PrivateAttr,
    ValidationInfo,
    field_validator,
    model_validator,
)

from imgassets.documents import metric_schemas
from imgassets.documents.base import Document
from imgassets.documents.failures import ModeName
from imgassets.documents.field_errors import FieldError
from imgassets.documents.field_facets import Facet
from imgassets.documents.own_metrics import known_metric, known_names
from imgassets.documents.units import ImageSeconds, Share, Usd, level, step, unit_of_limit
from imgassets.flows import FIRST, FlowName
from imgassets.metrics.families import METRICS
from imgassets.metrics.family import Metric
from imgassets.metrics.gone import GONE

Severity = Literal["gating", "review", "warning"]


def _level(value: object, metric: object) -> object:
    return _in_unit(value, metric, level)


def _step(value: object, metric: object) -> object:
    return _in_unit(value, metric, step)


def _in_unit(value: object, metric: object, read: Callable[[object, str], object]) -> object:
    """A limit in its metric's unit; left out where the metric is unknown, which is told alone."""
    known = known_metric(metric)
    if known is None:
        return None if isinstance(value, str) else value
    return value if value is None else read(value, unit_of_limit(known))


def unknown_metric(name: str) -> FieldError:
    """Of a name that no metric has: the likeliest that was meant, else all there are."""
    known = known_names()
    close = difflib.get_close_matches(name, known, n=1)
    fix = f"did you mean `{close[0]}`?" if close else f"one of: {', '.join(known)}"
    return FieldError(f"unknown metric {name!r}", fix, "metric")


class FailureRate(Document):
    """The highest share of requests that may end in one failure mode."""

    mode: Annotated[ModeName, Facet.CRITERIA] = Field(
        description="How a request can fail to give an image."
    )
    max_rate: Annotated[Share, Facet.CRITERIA] = Field(
        description="Highest share of a flow's requests that may fail so."
    )


class Failures(Document):
    """Bounds over all failure modes that are the model's own."""

    total: Annotated[Share | None, Facet.CRITERIA] = Field(
        None,
        gt=0.0,
        description="Highest share of a flow's requests that may fail in any way; modes not listed "
        "then have no limit of their own.",
    )


class Criterion(Document):
    """One thing that must hold: an absolute floor or ceiling, a non-inferiority margin, or both."""

    model_config = ConfigDict(json_schema_extra=metric_schemas.of_criterion)

    metric: Annotated[str, Facet.CRITERIA] = Field(
        description="A metric's name, such as `composition.correct`."
    )
    flow: Annotated[FlowName, Facet.CRITERIA] = Field(FIRST, description="Whose images are judged.")
    floor: Annotated[float | None, Facet.CRITERIA] = Field(
        None, description="For metrics where higher is better."
    )
    ceiling: Annotated[float | None, Facet.CRITERIA] = Field(
        None, description="For metrics where lower is better."
    )
    margin: Annotated[float | None, Facet.CRITERIA] = Field(
        None, description="How much worse than the incumbent still counts as no worse."
    )
    statistic: Annotated[Literal["mean", "worst"], Facet.CRITERIA] = Field(
        "mean", description="`mean` over prompts, with error bars; `worst` single image, as it is."
    )
    severity: Annotated[Severity, Facet.CRITERIA] = Field(
        "gating",
        description="`gating` decides; `review` sends to a person when broken; `warning` is shown.",
    )

    _definition: Metric = PrivateAttr()

    @field_validator("floor", "ceiling", mode="before")
    @classmethod
    def _within_the_range(cls, value: object, info: ValidationInfo) -> object:
        return _level(value, info.data.get("metric"))

    @field_validator("margin", mode="before")
    @classmethod
    def _smaller_than_the_range(cls, value: object, info: ValidationInfo) -> object:
        return _step(value, info.data.get("metric"))

    @model_validator(mode="after")
    def _bounds_fit_the_metric(self) -> Self:
        metric = known_metric(self.metric)
        if metric is None:
            raise unknown_metric(self.metric)
        self._definition = metric
        if self.flow not in metric.flows:
            message = f"{self.metric} is not measured on flow {self.flow}"
            raise FieldError(message, f"one of: {', '.join(metric.flows)}", "flow")
        if self.floor is None and self.ceiling is None and self.margin is None:
            limit = "ceiling" if metric.direction == "lower" else "floor"
            either = "" if metric.direction == "same" else f"a {limit} or "
            raise FieldError("no limit is given, so it says nothing", f"add {either}a margin")
        if metric.direction == "same":
            return self._compared_only()
        wrong = "ceiling" if metric.direction == "higher" else "floor"
        if getattr(self, wrong) is not None:
            right = "floor" if wrong == "ceiling" else "ceiling"
            message = f"{self.metric}: {metric.direction} is better, so a {wrong} makes no sense"
            raise FieldError(message, f"use {right}", wrong)
        return self

    def _compared_only(self) -> Self:
        if self.floor is not None or self.ceiling is not None or self.statistic == "worst":
            at = "statistic" if self.statistic == "worst" else "floor"
            raise FieldError(
                f"{self.metric}: neither way is better, so it has no floor, ceiling or worst",
                "use a margin, which holds both ways",
                "ceiling" if self.ceiling is not None else at,
            )
        return self

    @property
    def definition(self) -> Metric:
        """The metric's name card."""
        return self._definition

    @property
    def has_limit(self) -> bool:
        """Whether it has a floor or a ceiling; else it only compares with the incumbent."""
        return self.floor is not None or self.ceiling is not None

    @property
    def name(self) -> str:
        """Unique within a contract, and fit for an asset check name."""
        worst = "__worst" if self.statistic == "worst" else ""
        return f"{self.flow}__{self.metric.replace('.', '_')}{worst}"


class Budget(Document):
    """What one generated image may cost at most; each limit becomes a gating criterion."""

    usd_per_image: Annotated[Usd | None, Facet.CRITERIA] = Field(
        None, gt=0, description="Mean USD an image."
    )
    seconds_per_image: Annotated[ImageSeconds | None, Facet.CRITERIA] = Field(
        None, gt=0, description="Mean seconds an image."
    )
    worst_seconds: Annotated[ImageSeconds | None, Facet.CRITERIA] = Field(
        None, gt=0, description="Seconds of the slowest image."
    )

    def criteria(self) -> tuple[Criterion, ...]:
        """The budget as criteria on the generate flow."""
        limits: tuple[tuple[str, Literal["mean", "worst"], float | None], ...] = (
            ("cost.usd", "mean", self.usd_per_image),
            ("cost.seconds", "mean", self.seconds_per_image),
            ("cost.seconds", "worst", self.worst_seconds),
        )
        return tuple(
            Criterion(metric=metric, statistic=statistic, ceiling=limit)
            for metric, statistic, limit in limits
            if limit is not None
        )


class Near(Document):
    """A criterion that holds, but by so little that a person must look."""

    model_config = ConfigDict(json_schema_extra=metric_schemas.of_near)

    metric: Annotated[str, Facet.CRITERIA] = Field(
        description="Of a criterion with a floor or a ceiling."
    )
    flow: Annotated[FlowName, Facet.CRITERIA] = Field(FIRST, description="Of that criterion.")
    within: Annotated[float, Facet.CRITERIA] = Field(
        gt=0.0, description="Distance to the floor or ceiling, metric's unit."
    )

    @field_validator("within", mode="before")
    @classmethod
    def _smaller_than_the_range(cls, value: object, info: ValidationInfo) -> object:
        return _step(value, info.data.get("metric"))


class Disagreement(Document):
    """Two shares that ought to say the same of an image."""

    model_config = ConfigDict(json_schema_extra=metric_schemas.of_disagreement)

    metrics: Annotated[tuple[str, str], Facet.CRITERIA] = Field(
        description="Two metrics that say yes or no of each image."
    )
    flow: Annotated[FlowName, Facet.CRITERIA] = Field(FIRST, description="Whose images are judged.")
    max_rate: Annotated[Share, Facet.CRITERIA] = Field(
        lt=1.0, description="Share of images they may differ on."
    )

    @model_validator(mode="after")
    def _both_are_shares(self) -> Self:
        for i, name in enumerate(self.metrics):
            metric = METRICS.get(name) or GONE.get(name)
            if metric is None or metric.unit != "share":
                shares = [m for m in METRICS if METRICS[m].unit == "share"]
                fix = f"use two of: {', '.join(shares)}"
                raise FieldError(f"{name!r} is no share of images", fix, "metrics", i)
            if self.flow not in metric.flows:
                message = f"{name} is not measured on flow {self.flow}"
                raise FieldError(message, f"one of: {', '.join(metric.flows)}", "flow")
        return self

    @property
    def name(self) -> str:
        """Unique within a contract."""
        return "__".join((self.flow, *(m.replace(".", "_") for m in self.metrics), "disagree"))


class Review(Document):
    """What sends a model that would be GO to a person."""

    model_config = ConfigDict(json_schema_extra=metric_schemas.of_review)

    look: Annotated[dict[str, Annotated[float, Field(gt=0.0)]], Facet.CRITERIA] = Field(
        default_factory=dict,
        description="Margin, either way, of each `look` metric on every flow: `{lightness: 1}`.",
    )
    near: Annotated[tuple[Near, ...], Facet.CRITERIA] = Field(
        (), description="Criteria that a person must look at where they hold by little."
    )
    disagree: Annotated[tuple[Disagreement, ...], Facet.CRITERIA] = Field(
        (), description="Pairs of metrics that ought to agree."
    )

    def criteria(self, flows: Sequence[FlowName]) -> tuple[Criterion, ...]:
        """The margins of `look` as criteria of severity `review`."""
        return tuple(
            Criterion(metric=f"look.{name}", flow=flow, margin=margin, severity="review")
            for flow in flows
            for name, margin in self.look.items()
        )

    @field_validator("look", mode="before")
    @classmethod
    def _looks_are_known_and_within_range(cls, look: object) -> object:
        if not isinstance(look, dict):
            return look
        known = [m.name[5:] for m in METRICS.values() if m.name[:5] == "look." and
                 m.direction == "same"]  # fmt: skip
        return {name: _look_margin(name, value, known) for name, value in look.items()}


def _look_margin(name: object, value: object, known: Sequence[str]) -> object:
    if name not in known:
        shown = repr(name) if isinstance(name, str) else "that is no text"
        raise ValueError(f"unknown look {shown}; one of: {', '.join(known)}")
    try:
        return _step(value, f"look.{name}")
    except ValueError as error:
        raise ValueError(f"{name}: {error}") from None


class Decision(Document):
    """The risks the verdict is allowed to take."""

    alpha: Annotated[Share, Facet.CRITERIA] = Field(
        0.05, gt=0.0, lt=0.5, description="Chance of a wrong GO, all looks together."
    )
    looks: Annotated[int | None, Facet.CRITERIA] = Field(
        None,
        ge=1,
        le=20,
        description="Looks planned at one comparison; each gets an equal part of alpha. Without it "
        "the first gets 95 % of alpha, and each later one half of what is left.",
    )
    over: Annotated[Literal["each", "all"], Facet.CRITERIA] = Field(
        "each",
        description="Whether alpha is the chance for `each` candidate, or that any of `all` is "
        "wrongly approved.",
    )
