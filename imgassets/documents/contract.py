"""Endpoint contracts: what a place in the product accepts, returns, costs at most, may fail."""

from __future__ import annotations

from typing import Annotated, Literal, Self

from pydantic import ConfigDict, Field, model_validator

from imgassets.documents import metric_schemas
from imgassets.documents.base import Document, Name
from imgassets.documents.decision_contract import DecisionContract, refuse_doubles
from imgassets.documents.field_facets import Facet
from imgassets.documents.postprocess import Step, mode_after, size_after
from imgassets.documents.prompts import Transform
from imgassets.documents.seeds import MOST, twins
from imgassets.documents.sources import SourceRules
from imgassets.flows import FIRST, FLOWS, FlowName, MadeBy
from imgassets.metrics.families import FAMILIES, families_of

Size = Annotated[
    tuple[Annotated[int, Field(ge=8, le=8192)], Annotated[int, Field(ge=8, le=8192)]],
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
            raise ValueError("a seed is listed twice; list every seed once")
        same = twins(self.seeds)
        if same:
            raise ValueError(
                f"seeds {same[0]} and {same[1]} give the same noise (torch takes the last 32 bits "
                "of a seed); drop one of them"
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

    @model_validator(mode="after")
    def _parts_agree(self) -> Self:
        if self.returns.size not in self.accepts.sizes:
            raise ValueError(
                f"returns.size {list(self.returns.size)} is not among accepts.sizes; add it there"
            )
        if FIRST not in self.flows:
            raise ValueError(f"flows must contain {FIRST}; edits and upscales start from it")
        self._check_chain()
        refuse_doubles("prompt set", self.prompt_sets)
        unmeasured = [c.metric for c in self.criteria if c.metric in self.metrics]
        if unmeasured:
            raise ValueError(
                f"criterion {unmeasured[0]}: no image is measured by a metric of one's own; put it "
                "into a contract of its own, and judge a table by `imgassets decide`"
            )
        for family in self.judges:
            if not (family in FAMILIES and FAMILIES[family].judged):
                judged = [name for name, known in FAMILIES.items() if known.judged]
                raise ValueError(
                    f"judges: {family!r} has no judge to choose; one of: {', '.join(judged)}"
                )
        self._check_flows()
        return self

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
        asking = [("near", near.metric, near.flow) for near in self.review.near]
        asking += [("disagree", " and ".join(d.metrics), d.flow) for d in self.review.disagree]
        for part, metrics, flow in asking:
            if flow not in self.flows:
                raise ValueError(
                    f"review.{part}: {metrics} is on flow {flow}, which is not in flows; add it to "
                    "flows or drop the entry"
                )
        for near in self.review.near:
            if self.limited(near) is None:
                raise ValueError(
                    f"review.near: no criterion on the mean of {near.metric}, flow {near.flow}, "
                    "has a floor or a ceiling; add one"
                )

    def _check_chain(self) -> None:
        for name, described in FLOWS.items():
            field = described.contract_field
            if field and (name in self.flows) != bool(getattr(self, field)):
                raise ValueError(f"`{field}` and flow {name} need each other; give both or neither")
        for flow, source in self.sources.items():
            if flow not in self.flows or source not in self.flows:
                raise ValueError(f"sources: {flow}: {source}: both must be among flows")
            order = list(FLOWS)
            if order.index(source) >= order.index(flow):
                raise ValueError(
                    f"sources: {flow} cannot start from {source}; the order is {', '.join(order)}"
                )

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
