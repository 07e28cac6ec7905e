"""Composition: does the image show what the prompt asks for?"""

from __future__ import annotations

from typing import TYPE_CHECKING

from imgassets.flows import FlowName
from imgassets.metrics.family import Family, Metric, Scorer

if TYPE_CHECKING:
    from imgassets.metrics.branch import Branch

_FLOWS: tuple[FlowName, ...] = ("generate", "stylize", "edit", "postprocess")


def _scorer(branch: Branch) -> Scorer:
    from imgassets.metrics.formulas.composition_batches import scorer

    return scorer(branch)


FAMILY = Family(
    name="composition",
    version="3",
    question="Does the image show what the prompt asks for?",
    metrics=(
        Metric(
            "composition.correct",
            "higher",
            "share",
            "Images that show all objects the prompt asks for, in count, color and position "
            "(GenEval's rule).",
            flows=_FLOWS,
            phrase="everything asked for is shown in {} of images",
            called="right objects",
        ),
        Metric(
            "composition.size",
            "higher",
            "share",
            "Images whose single object has the size asked for.",
            flows=_FLOWS,
            phrase="objects have the size asked for in {} of images",
            called="right sizes",
        ),
        Metric(
            "composition.background",
            "higher",
            "share",
            "Images on the background color asked for.",
            flows=_FLOWS,
            phrase="the background is as asked for in {} of images",
            called="right background",
        ),
    ),
    depends_on=(("prompts", "composition"),),
    scorer=_scorer,
    by_expectation=True,
    asked=lambda branch, image: branch.expected("composition", image),
    judged=True,
    judge="shapes",
)
