"""Endpoint contracts: what a place in the product accepts, returns, costs at most, may fail."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Annotated, Literal, Self

from pydantic import BeforeValidator, ConfigDict, Field, model_validator

from imgassets.documents import metric_schemas
from imgassets.documents.base import Document, Name
from imgassets.documents.decision_contract import DecisionContract
from imgassets.documents.field_errors import FieldError, doubles
from imgassets.documents.field_facets import Facet
from imgassets.documents.pilot import Pilot
from imgassets.documents.postprocess import Step, mode_after, size_after
from imgassets.documents.prompts import Transform
from imgassets.documents.seeds import MOST, twins
from imgassets.documents.sources import SourceRules
from imgassets.flows import FIRST, FLOWS, FlowName, MadeBy
from imgassets.metrics.families import FAMILIES, families_of


def _two_sides(size: object) -> object:
    if isinstance(size, int) and not isinstance(size, bool):
        raise FieldError(f"{size} is one side", f"write `[{size}, {size}]`, width and height")
    return size


Size = Annotated[
    tuple[Annotated[int, Field(ge=8, le=8192)], Annotated[int, Field(ge=8, le=8192)]],
    BeforeValidator(_two_sides),
    Field(description="`[width, height]` in pixels."),
]


class Accepts(SourceRules):
    """What callers may send."""

    max_prompt_chars: Annotated[int, Facet.REQUESTS] = Field(
        ge=1, description="Longest prompt, after transforms."
    )
    sizes: Annotated[tuple[Size, ...], Facet.REQUESTS] = Field(
        min_length=1, description="Sizes callers may ask for."
    )


class Returns(Document):
    """What callers get."""

    size: Annotated[Size, Facet.PIXELS]
    mode: Annotated[Literal["RGB", "RGBA"], Facet.REQUESTS] = Field(
        "RGB", description="`RGBA` keeps transparency."
    )
    format: Annotated[Literal["PNG"], Facet.REQUESTS] = Field(
        "PNG", description="The store keeps lossless PNG."
    )


class Sampling(Document):
    """How many images are made for each prompt."""

    seeds: Annotated[tuple[Annotated[int, Field(ge=0, le=MOST)], ...], Facet.REQUESTS] = Field(
        min_length=1,
        description="One image a prompt for each; more seeds make narrower error bars.",
    )
    replicates: Annotated[int, Facet.REQUESTS] = Field(
        1, ge=1, le=10, description="The same request made again; differences are faults."
    )

    @model_validator(mode="after")
    def _seeds_are_unique(self) -> Self:
        if len(set(self.seeds)) != len(self.seeds):
            at = next(i for i, seed in enumerate(self.seeds) if seed in self.seeds[:i])
            message = f"seed {self.seeds[at]} is listed twice"
            raise FieldError(message, "list every seed once", "seeds", at)
        same = twins(self.seeds)
        if same:
            raise FieldError(
                f"seeds {same[0]} and {same[1]} give the same noise (torch takes the last 32 bits "
                "of a seed)",
                "drop one of them",
                *("seeds", self.seeds.index(same[1])),
            )
        return self


class Stylize(Document):
    """How the stylize flow asks for a style; the model document says how it is sampled."""

    transforms: Annotated[tuple[Transform, ...], Facet.PARTS] = Field(
        min_length=1, description="Applied to every prompt after those of its set."
    )

    def transformed(self, prompt: str, negative: str) -> tuple[str, str]:
        """`(prompt, negative prompt)` in the style."""
        for transform in self.transforms:
            prompt, negative = transform.apply(prompt, negative)
        return prompt, negative


class Traffic(Document):
    """How the endpoint is called: what latency under load and the monthly bill are computed from.

    A request asks for one generated image.
    """

    busiest_hour: Annotated[float, Facet.TRAFFIC] = Field(
        gt=0, le=1e7, description="Requests in the busiest hour; they arrive at random (Poisson)."
    )
    workers: Annotated[int, Facet.TRAFFIC] = Field(
        1, ge=1, le=1000, description="Copies of the model that serve at once."
    )
    batch: Annotated[int, Facet.TRAFFIC] = Field(
        1, ge=1, le=256, description="Waiting requests a worker takes at once."
    )
    per_month: Annotated[dict[FlowName, Annotated[int, Field(ge=0)]], Facet.TRAFFIC] = Field(
        description="Images of each flow in a month; flows left out are not billed."
    )


class Endpoint(DecisionContract):
    """A `contracts/endpoints/NAME.yaml` document."""

    model_config = ConfigDict(json_schema_extra=metric_schemas.of_endpoint)

    accepts: Annotated[Accepts, Facet.REQUESTS] = Field(description="What callers may send.")
    returns: Annotated[Returns, Facet.REQUESTS | Facet.PARTS] = Field(
        description="What callers get."
    )
    flows: Annotated[tuple[FlowName, ...], Facet.REQUESTS] = Field(
        (FIRST,), min_length=1, description="What is done with each prompt, and judged."
    )
    sources: Annotated[dict[FlowName, FlowName], Facet.CHAIN | Facet.PIXELS] = Field(
        default_factory=dict,
        description=f"Whose images a flow starts from; `{FIRST}` where it is silent.",
    )
    stylize: Annotated[Stylize | None, Facet.CHAIN | Facet.PARTS] = Field(
        None, description="The style of flow stylize."
    )
    postprocess: Annotated[tuple[Step, ...], Facet.CHAIN | Facet.PARTS] = Field(
        (), description="Steps of flow postprocess, in order."
    )
    sampling: Annotated[Sampling, Facet.REQUESTS] = Field(
        description="How many images are made for each prompt."
    )
    prompt_sets: Annotated[tuple[Name, ...], Facet.REQUESTS] = Field(
        min_length=1, description="Names of the files in `prompts/` that say what to ask for."
    )
    judges: Annotated[dict[str, Name], Facet.NOTHING] = Field(
        default_factory=dict,
        description="The judge of a metric family, `{composition: coco-small}`; without a word the "
        "embedded one. Another judge makes its scores again, and no image.",
        examples=[{"composition": "coco-small"}],
    )
    traffic: Annotated[Traffic | None, Facet.TRAFFIC] = Field(
        None, description="Without it reports say nothing of waiting times and monthly costs."
    )
    pilot: Annotated[Pilot | None, Facet.PILOT] = Field(
        None, description="The traffic that `imgassets pilot` replays, and what must hold under it."
    )

    def _misfits(self) -> Iterator[FieldError]:
        yield from super()._misfits()
        if self.returns.size not in self.accepts.sizes:
            message = f"size {list(self.returns.size)} is not among accepts.sizes"
            yield FieldError(message, "add it there", "returns", "size")
        if FIRST not in self.flows:
            message = f"flows lack {FIRST}; edits and upscales start from it"
            yield FieldError(message, f"add {FIRST}", "flows")
        yield from self._of_chain()
        yield from doubles("prompt set", self.prompt_sets, "prompt_sets")
        for i, criterion in enumerate(self.criteria):
            if criterion.metric in self.metrics:
                yield FieldError(
                    f"{criterion.metric}: no image is measured by a metric of one's own",
                    "put it into a contract of its own, and judge a table by `imgassets decide`",
                    *("criteria", i, "metric"),
                )
        judged = [name for name, known in FAMILIES.items() if known.judged]
        for family in self.judges:
            if family not in judged:
                message = f"{family!r} has no judge to choose"
                yield FieldError(message, f"one of: {', '.join(judged)}", "judges", family)
        yield from self._of_flows()
        if self.pilot and self.pilot.trace is None and self.traffic is None:
            message = "a pilot without a trace takes its rate from `traffic`, which is missing"
            yield FieldError(message, "add `traffic`, or name a `trace`", "pilot")

    @property
    def judges_used(self) -> dict[str, str]:
        """The judge of each metric family that has one."""
        named = {
            name: self.judges.get(name, family.judge)
            for name, family in FAMILIES.items()
            if family.judged
        }
        return {family: judge for family, judge in named.items() if judge}

    @property
    def families(self) -> dict[str, list[FlowName]]:
        """The metric families that are measured here, with the flows each looks at."""
        judged = self.judges_used
        return {
            name: flows
            for name, flows in families_of(self.flows).items()
            if not FAMILIES[name].judged or name in judged
        }

    def _of_flows(self) -> Iterator[FieldError]:
        """Flows that are named, and are not among `flows`."""
        named: list[tuple[str, str, tuple[str | int, ...]]] = [
            *((f, f"{f} is billed", ("traffic", "per_month", f)) for f in self._billed),
            *((f, f"the pilot asks for {f}", ("pilot", "flows", f))
              for f in (self.pilot.flows if self.pilot else ())),
            *((c.flow, f"criterion {c.metric} is on flow {c.flow}", ("criteria", i, "flow"))
              for i, c in enumerate(self.criteria)),
            *((n.flow, f"{n.metric} is on flow {n.flow}", ("review", "near", i, "flow"))
              for i, n in enumerate(self.review.near)),
            *((d.flow, f"{' and '.join(d.metrics)} is on flow {d.flow}",
               ("review", "disagree", i, "flow")) for i, d in enumerate(self.review.disagree)),
        ]  # fmt: skip
        for flow, said, at in named:
            if flow not in self.flows:
                message = f"{said}, which is not in flows"
                yield FieldError(message, "add the flow to `flows`, or drop this", *at)
        for i, near in enumerate(self.review.near):
            if near.flow in self.flows and self.limited(near) is None:
                yield FieldError(
                    f"no criterion on the mean of {near.metric}, flow {near.flow}, has a floor or "
                    "a ceiling",
                    "add one",
                    *("review", "near", i, "metric"),
                )

    @property
    def _billed(self) -> tuple[FlowName, ...]:
        return tuple(self.traffic.per_month) if self.traffic else ()

    def _of_chain(self) -> Iterator[FieldError]:
        """Flows without what they need, and sources that cannot be."""
        for name, described in FLOWS.items():
            field = described.contract_field
            given = bool(field and getattr(self, field))
            if field and name in self.flows and not given:
                at = self.flows.index(name)
                yield FieldError(f"flow {name} needs `{field}`", f"add `{field}`", "flows", at)
            elif field and given and name not in self.flows:
                message = f"`{field}` is for flow {name}, which is not in flows"
                yield FieldError(message, f"add {name} to `flows`, or drop `{field}`", field)
        order = list(FLOWS)
        for flow, source in self.sources.items():
            for one in (flow, source):
                if one not in self.flows:
                    message = f"{one} is not in flows"
                    yield FieldError(message, "add it to `flows`, or drop this", "sources", flow)
            if order.index(source) >= order.index(flow):
                message = f"{flow} cannot start from {source}"
                fix = f"the order is {', '.join(order)}"
                yield FieldError(message, fix, "sources", flow)

    def source_of(self, flow: FlowName) -> FlowName | None:
        """The flow whose images a flow starts from; None for the first."""
        source = FLOWS[flow].source
        return source and self.sources.get(flow, source)

    def lineage(self, flow: FlowName) -> tuple[FlowName, ...]:
        """A flow and all that went before it, the first one first."""
        source = self.source_of(flow)
        return (*(self.lineage(source) if source else ()), flow)

    def edited(self, flow: FlowName) -> bool:
        """Whether a flow's images went through an edit: only prompts that have one give any."""
        return any(FLOWS[step].edits for step in self.lineage(flow))

    def returned(self, flow: FlowName, scale: int = 1) -> Returns:
        """What an image of a flow is like; `scale` is that of the model's upscaler."""
        width, height = self.returns.size
        mode: str = self.returns.mode
        for step in self.lineage(flow):
            if FLOWS[step].made_by is MadeBy.UPSCALER:
                width, height = width * scale, height * scale
            elif FLOWS[step].made_by is MadeBy.STEPS:
                width, height = size_after(self.postprocess, (width, height))
                mode = mode_after(self.postprocess, mode)
        return self.returns.model_copy(update={"size": (width, height), "mode": mode})

    @property
    def asks_for_review(self) -> bool:
        """Whether anything but drift could send a model to a person."""
        reviewed = any(c.severity == "review" for c in self.all_criteria)
        return reviewed or bool(self.review.near or self.review.disagree)
