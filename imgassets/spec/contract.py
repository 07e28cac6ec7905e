"""Endpoint contracts: what a place in the product accepts, returns, costs at most, may fail."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

from imgassets.spec.base import Document, Name
from imgassets.spec.failures import FailureMode
from imgassets.spec.metrics import FLOWS, METRICS, Flow
from imgassets.spec.postprocess import Step, mode_after, size_after
from imgassets.spec.prompts import Transform
from imgassets.spec.sources import SourceRules

Severity = Literal["gating", "review", "warning"]
Size = Annotated[
    tuple[Annotated[int, Field(ge=8, le=8192)], Annotated[int, Field(ge=8, le=8192)]],
    Field(description="`[width, height]` in pixels."),
]


class Accepts(SourceRules):
    """What callers may send."""

    max_prompt_chars: int = Field(ge=1, description="Longest prompt, after transforms.")
    sizes: tuple[Size, ...] = Field(min_length=1, description="Sizes callers may ask for.")


class Returns(Document):
    """What callers get."""

    size: Size
    mode: Literal["RGB", "RGBA"] = "RGB"
    format: Literal["PNG"] = Field("PNG", description="The store keeps lossless PNG.")


class Sampling(Document):
    """How many images are made for each prompt."""

    seeds: tuple[Annotated[int, Field(ge=0, le=2**31 - 1)], ...] = Field(min_length=1)
    replicates: int = Field(
        1, ge=1, le=10, description="The same request made again; differences are faults."
    )

    @model_validator(mode="after")
    def _seeds_are_unique(self) -> Self:
        if len(set(self.seeds)) != len(self.seeds):
            raise ValueError("a seed is listed twice; list every seed once")
        return self


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


class Stylize(Document):
    """How the stylize flow asks for a style; the model document says how it is sampled."""

    transforms: tuple[Transform, ...] = Field(
        min_length=1, description="Applied to every prompt after those of its set."
    )

    def transformed(self, prompt: str, negative: str) -> tuple[str, str]:
        """`(prompt, negative prompt)` in the style."""
        for transform in self.transforms:
            prompt, negative = transform.apply(prompt, negative)
        return prompt, negative


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


class Traffic(Document):
    """How the endpoint is called: what latency under load and the monthly bill are computed from.

    A request asks for one generated image.
    """

    busiest_hour: float = Field(
        gt=0, le=1e7, description="Requests in the busiest hour; they arrive at random (Poisson)."
    )
    workers: int = Field(1, ge=1, le=1000, description="Copies of the model that serve at once.")
    batch: int = Field(1, ge=1, le=256, description="Waiting requests a worker takes at once.")
    per_month: dict[Flow, Annotated[int, Field(ge=0)]] = Field(
        description="Images of each flow in a month; flows left out are not billed."
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
                shares = ", ".join(m.name for m in METRICS.values() if m.unit == "share")
                raise ValueError(f"{name!r} is no share of images; use two of: {shares}")
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


class Endpoint(Document):
    """A `contracts/endpoints/NAME.yaml` document."""

    endpoint: Name = Field(description="The endpoint's name; the file is called the same.")
    description: str = ""
    accepts: Accepts
    returns: Returns
    flows: tuple[Flow, ...] = Field(("generate",), min_length=1)
    sources: dict[Flow, Flow] = Field(
        default_factory=dict,
        description="Whose images a flow starts from; `generate` where it is silent.",
    )
    stylize: Stylize | None = Field(None, description="The style of flow stylize.")
    postprocess: tuple[Step, ...] = Field((), description="Steps of flow postprocess, in order.")
    sampling: Sampling
    prompt_sets: tuple[Name, ...] = Field(min_length=1)
    incumbent: Name = Field(description="The model now in production.")
    candidates: tuple[Name, ...] = Field((), description="Models that may replace it.")
    failure_modes: tuple[FailureRate, ...] = Field(
        (), description="Highest rate allowed for each mode; modes not listed may not occur."
    )
    criteria: tuple[Criterion, ...] = Field(min_length=1)
    budget: Budget = Budget()
    traffic: Traffic | None = Field(
        None, description="Without it reports say nothing of waiting times and monthly costs."
    )
    review: Review = Review()
    decision: Decision = Decision()

    @model_validator(mode="after")
    def _parts_agree(self) -> Self:
        if self.returns.size not in self.accepts.sizes:
            raise ValueError(
                f"returns.size {list(self.returns.size)} is not among accepts.sizes; add it there"
            )
        if "generate" not in self.flows:
            raise ValueError("flows must contain generate; edits and upscales start from it")
        self._check_chain()
        if self.incumbent in self.candidates:
            raise ValueError(f"{self.incumbent} is both incumbent and candidate; drop it from one")
        for what, names in (
            ("candidate", self.candidates),
            ("prompt set", self.prompt_sets),
            ("criterion", [c.name for c in self.all_criteria]),
            ("failure mode", [f.mode for f in self.failure_modes]),
        ):
            doubles = sorted({n for n in names if list(names).count(n) > 1})
            if doubles:
                raise ValueError(f"{what} listed more than once: {', '.join(doubles)}")
        self._check_flows()
        return self

    def _check_flows(self) -> None:
        unknown = sorted(set(self.traffic.per_month if self.traffic else ()) - set(self.flows))
        if unknown:
            raise ValueError(
                f"traffic.per_month names {unknown[0]}, which is not in flows; drop it"
            )
        for criterion in self.criteria:
            if criterion.flow not in self.flows:
                raise ValueError(
                    f"criterion {criterion.metric} is on flow {criterion.flow}, which is not in "
                    f"flows; add it to flows or drop the criterion"
                )
        for near in self.review.near:
            if self.limited(near) is None:
                raise ValueError(
                    f"review.near: no criterion on the mean of {near.metric}, flow {near.flow}, "
                    "has a floor or a ceiling; add one"
                )

    def _check_chain(self) -> None:
        for flow, given in (("stylize", self.stylize), ("postprocess", self.postprocess)):
            if (flow in self.flows) != bool(given):
                raise ValueError(f"`{flow}` and flow {flow} need each other; give both or neither")
        for flow, source in self.sources.items():
            if flow not in self.flows or source not in self.flows:
                raise ValueError(f"sources: {flow}: {source}: both must be among flows")
            if FLOWS.index(source) >= FLOWS.index(flow):
                raise ValueError(
                    f"sources: {flow} cannot start from {source}; the order is {', '.join(FLOWS)}"
                )

    def source_of(self, flow: Flow) -> Flow | None:
        """The flow whose images a flow starts from; None for generate."""
        return None if flow == "generate" else self.sources.get(flow, "generate")

    def lineage(self, flow: Flow) -> tuple[Flow, ...]:
        """A flow and all that went before it, generate first."""
        source = self.source_of(flow)
        return (*(self.lineage(source) if source else ()), flow)

    def returned(self, flow: Flow, scale: int = 1) -> Returns:
        """What an image of a flow is like; `scale` is that of the model's upscaler."""
        width, height = self.returns.size
        mode: str = self.returns.mode
        for step in self.lineage(flow):
            if step == "upscale":
                width, height = width * scale, height * scale
            elif step == "postprocess":
                width, height = size_after(self.postprocess, (width, height))
                mode = mode_after(self.postprocess, mode)
        return self.returns.model_copy(update={"size": (width, height), "mode": mode})

    @property
    def all_criteria(self) -> tuple[Criterion, ...]:
        """The criteria as written, then those that budget and review stand for."""
        return self.criteria + self.budget.criteria() + self.review.criteria(self.flows)

    @property
    def asks_for_review(self) -> bool:
        """Whether anything but drift could send a model to a person."""
        reviewed = any(c.severity == "review" for c in self.all_criteria)
        return reviewed or bool(self.review.near or self.review.disagree)

    def limited(self, near: Near) -> Criterion | None:
        """The criterion whose floor or ceiling a `near` speaks of."""
        return next(
            (
                c
                for c in self.all_criteria
                if (c.metric, c.flow, c.statistic) == (near.metric, near.flow, "mean")
                and (c.floor is not None or c.ceiling is not None)
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
