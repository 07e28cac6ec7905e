"""What must hold at an endpoint, how often it may fail, and what a person must look at."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

from imgassets.spec.base import Document
from imgassets.spec.failures import FailureMode
from imgassets.spec.metrics import METRICS, UNMEASURED, Flow

Severity = Literal["gating", "review", "warning"]


class FailureRate(Document):
    """The highest share of requests that may end in one failure mode."""

    mode: FailureMode
    max_rate: float = Field(ge=0.0, le=1.0)


class Criterion(Document):
    """One thing that must hold: an absolute floor or ceiling, a non-inferiority margin, or both."""

    metric: str = Field(description="A metric's name, such as `composition.correct`.")
    flow: Flow = "generate"
    floor: float | None = Field(None, description="For metrics where higher is better.")
    ceiling: float | None = Field(None, description="For metrics where lower is better.")
    margin: float | None = Field(
        None, ge=0.0, description="How much worse than the incumbent still counts as no worse."
    )
    statistic: Literal["mean", "worst"] = Field(
        "mean", description="`mean` over prompts, with error bars; `worst` single image, as it is."
    )
    severity: Severity = Field(
        "gating",
        description="`gating` decides; `review` sends to a person when broken; `warning` is shown.",
    )

    @model_validator(mode="after")
    def _bounds_fit_the_metric(self) -> Self:
        metric = METRICS.get(self.metric)
        if metric is None:
            raise ValueError(f"unknown metric {self.metric!r}; one of: {', '.join(METRICS)}")
        if self.flow not in metric.flows:
            raise ValueError(
                f"{self.metric} is not measured on flow {self.flow}; one of: "
                f"{', '.join(metric.flows)}"
            )
        if self.floor is None and self.ceiling is None and self.margin is None:
            raise ValueError("give a floor, a ceiling or a margin, or the criterion says nothing")
        if metric.direction == "same":
            return self._compared_only()
        wrong = "ceiling" if metric.direction == "higher" else "floor"
        if getattr(self, wrong) is not None:
            right = "floor" if wrong == "ceiling" else "ceiling"
            raise ValueError(
                f"{self.metric}: {metric.direction} is better, so a {wrong} makes no sense; "
                f"use {right}"
            )
        return self

    def _compared_only(self) -> Self:
        if self.floor is not None or self.ceiling is not None or self.statistic == "worst":
            raise ValueError(
                f"{self.metric}: neither way is better, so it has no floor, ceiling or worst; "
                "use a margin, which holds both ways"
            )
        return self

    @property
    def name(self) -> str:
        """Unique within a contract, and fit for an asset check name."""
        worst = "__worst" if self.statistic == "worst" else ""
        return f"{self.flow}__{self.metric.replace('.', '_')}{worst}"


class Budget(Document):
    """What one generated image may cost at most; each limit becomes a gating criterion."""

    usd_per_image: float | None = Field(None, gt=0, description="Mean USD an image.")
    seconds_per_image: float | None = Field(None, gt=0, description="Mean seconds an image.")
    worst_seconds: float | None = Field(None, gt=0, description="Seconds of the slowest image.")

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

    metric: str
    flow: Flow = "generate"
    within: float = Field(gt=0.0, description="Distance to the floor or ceiling, metric's unit.")


class Disagreement(Document):
    """Two shares that ought to say the same of an image."""

    metrics: tuple[str, str]
    flow: Flow = "generate"
    max_rate: float = Field(ge=0.0, lt=1.0, description="Share of images they may differ on.")

    @model_validator(mode="after")
    def _both_are_shares(self) -> Self:
        for name in self.metrics:
            if name not in METRICS or METRICS[name].unit != "share":
                shares = [m for m in METRICS if METRICS[m].unit == "share" and m not in UNMEASURED]
                raise ValueError(f"{name!r} is no share of images; use two of: {', '.join(shares)}")
            if self.flow not in METRICS[name].flows:
                raise ValueError(f"{name} is not measured on flow {self.flow}")
        return self

    @property
    def name(self) -> str:
        """Unique within a contract."""
        return "__".join((self.flow, *(m.replace(".", "_") for m in self.metrics), "disagree"))


class Review(Document):
    """What sends a model that would be GO to a person."""

    look: dict[str, Annotated[float, Field(gt=0.0)]] = Field(
        default_factory=dict,
        description="Margin, either way, of each `look` metric on every flow: `{lightness: 1}`.",
    )
    near: tuple[Near, ...] = ()
    disagree: tuple[Disagreement, ...] = ()

    def criteria(self, flows: Sequence[Flow]) -> tuple[Criterion, ...]:
        """The margins of `look` as criteria of severity `review`."""
        return tuple(
            Criterion(metric=f"look.{name}", flow=flow, margin=margin, severity="review")
            for flow in flows
            for name, margin in self.look.items()
        )

    @model_validator(mode="after")
    def _look_is_known(self) -> Self:
        known = [m.name[5:] for m in METRICS.values() if m.name[:5] == "look." and
                 m.direction == "same"]  # fmt: skip
        for name in self.look:
            if name not in known:
                raise ValueError(f"unknown look {name!r}; one of: {', '.join(known)}")
        return self


class Decision(Document):
    """The risks the verdict is allowed to take."""

    alpha: float = Field(0.05, gt=0.0, lt=0.5, description="Level of each one-sided bound.")
