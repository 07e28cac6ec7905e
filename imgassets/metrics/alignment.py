"""Alignment: does the image show what the prompt says, as a network that reads it sees it?"""

from __future__ import annotations

from typing import TYPE_CHECKING

from imgassets.flows import FlowName
from imgassets.metrics.family import Family, Metric, Scorer

if TYPE_CHECKING:
    from imgassets.metrics.branch import Branch

_FLOWS: tuple[FlowName, ...] = ("generate", "stylize", "edit", "postprocess")


def _scorer(branch: Branch) -> Scorer:
    from imgassets.metrics.formulas.alignment import scorer

    return scorer(branch)


FAMILY = Family(
    name="alignment",
    version="1",
    question="Does the image show what the prompt says?",
    metrics=(
        Metric(
            "alignment.vqa_score",
            "higher",
            "share",
            "Probability of 'yes' to the question whether the image shows its prompt (VQAScore, "
            "Lin et al. 2024).",
            flows=_FLOWS,
            phrase="the judge says yes to the prompt with a probability of {}",
            judged_by=("vqa",),
            called="match with the prompt",
        ),
        Metric(
            "alignment.questions",
            "higher",
            "share",
            "Yes-or-no questions made of the expectation by rule that are answered as they should "
            "be (after TIFA, Hu et al. 2023).",
            flows=_FLOWS,
            phrase="{} of the questions are answered as they should be",
            judged_by=("vqa",),
            called="questions about the image",
        ),
        Metric(
            "alignment.clip_score",
            "higher",
            "cosine x 100",
            "100 x the cosine of image and prompt, 0 at least (CLIPScore, Hessel et al. 2021).",
            flows=_FLOWS,
            phrase="image and prompt are near by {}",
            judged_by=("clip",),
            called="nearness to the prompt",
        ),
    ),
    depends_on=(("prompts", "alignment"),),
    scorer=_scorer,
    by_expectation=True,
    asked=lambda branch, image: [
        branch.prompts[image.flow, image.prompt_id],
        branch.expected("alignment", image),
    ],
    judged=True,
)
