"""Flows: the ways an image comes to be. No other module knows one by its name.

It imports nothing of ours, since contracts ask it as well. To add a flow: describe it here, give
its contract field and its model field (`documents/`), and let a backend or another maker make it.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import Literal

FlowName = Literal["generate", "stylize", "edit", "upscale", "postprocess"]


class MadeBy(StrEnum):
    """What makes a flow's images."""

    #: The model itself: a pipeline or an API, by the backend's method of the flow's name.
    BACKEND = "backend"
    #: The upscaler that the model's document names.
    UPSCALER = "upscaler"
    #: Declared steps on the image, without any model.
    STEPS = "steps"


@dataclass(frozen=True)
class Flow:
    """One flow.

    Attributes:
        name: as contracts write it.
        stage: the asset whose table lists its images.
        made_by: see `MadeBy`.
        source: the flow it starts from unless the contract says otherwise; None: it starts from
            the prompt alone.
        model_field: field of a model's document that says how it is made; None: needs no model.
        delivered: what a caller gets, in words that begin a title.
        done: what was done to the image, in one word.
        after: begins a sentence on its images; empty where nothing need be said.
        contract_field: field of a contract that it needs, and that needs it.
        edits: repaints the region of each prompt that has an `edit`; other prompts have no image.
        restyles: applies the contract's style to the prompt.
    """

    name: FlowName
    stage: str
    made_by: MadeBy
    source: FlowName | None
    model_field: str | None
    delivered: str
    done: str
    after: str = ""
    contract_field: str | None = None
    edits: bool = False
    restyles: bool = False

    @property
    def free(self) -> bool:
        """Whether it costs nothing: no model has a price for it."""
        return self.made_by is MadeBy.STEPS


#: In the order a chain goes through them: a flow starts from one above it.
FLOWS: dict[FlowName, Flow] = {
    flow.name: flow
    for flow in (
        Flow(
            name="generate",
            stage="generated",
            made_by=MadeBy.BACKEND,
            source=None,
            model_field="sampling",
            delivered="An image",
            done="generated",
        ),
        Flow(
            name="stylize",
            stage="stylized",
            made_by=MadeBy.BACKEND,
            source="generate",
            contract_field="stylize",
            model_field="stylize",
            restyles=True,
            delivered="A stylized image",
            done="stylized",
            after="after stylization, ",
        ),
        Flow(
            name="edit",
            stage="edited",
            made_by=MadeBy.BACKEND,
            source="generate",
            model_field="edit",
            edits=True,
            delivered="An edited image",
            done="edited",
            after="after edits, ",
        ),
        Flow(
            name="upscale",
            stage="upscaled",
            made_by=MadeBy.UPSCALER,
            source="generate",
            model_field="upscaler",
            delivered="An upscaled image",
            done="upscaled",
            after="after upscaling, ",
        ),
        Flow(
            name="postprocess",
            stage="postprocessed",
            made_by=MadeBy.STEPS,
            source="generate",
            contract_field="postprocess",
            model_field=None,
            delivered="A post-processed image",
            done="post-processed",
            after="after post-processing, ",
        ),
    )
}
#: The flow that starts from the prompt alone; every chain begins with it.
FIRST: FlowName = next(name for name, flow in FLOWS.items() if flow.source is None)
#: The asset of each flow whose table lists its images.
STAGES: dict[FlowName, str] = {name: flow.stage for name, flow in FLOWS.items()}
#: The flow of each stage.
OF_STAGE: dict[str, FlowName] = {flow.stage: name for name, flow in FLOWS.items()}


def label(flow: str) -> str:
    """What is written beside a number to tell its flow; nothing for the first."""
    return "" if flow == FIRST else flow


def in_brackets(flow: str) -> str:
    """The label as it follows a name: ` (edit)`, or nothing."""
    return f" ({flow})" if label(flow) else ""
