"""Review: what do people say of the candidate's image beside the incumbent's?

No image is scored here. People answer on pairs (`imgassets review`), and the comparison makes
numbers of their answers (`imgassets.decision.review_evidence`).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from imgassets.metrics.family import Family, Metric, Scorer

if TYPE_CHECKING:
    from imgassets.metrics.branch import Branch

#: The metric whose criterion closes a REVIEW.
ACCEPTED = "review.accepted"
#: Wins of the candidate, ties as half.
PREFERENCE = "review.preference"


def _scorer(branch: Branch) -> Scorer:
    raise NotImplementedError("no image is scored by it; the comparison reads answers")


FAMILY = Family(
    name="review",
    version="1",
    question="What do people say of the candidate's image beside the incumbent's?",
    metrics=(
        Metric(
            ACCEPTED,
            "higher",
            "share",
            "Pairs where the candidate's image is not the worse one, shows what was asked, and "
            "has no defect that the incumbent's lacks.",
            phrase="people accept the image in {} of pairs",
            called="accepted by people",
        ),
        Metric(
            PREFERENCE,
            "higher",
            "share",
            "Pairs where people find the candidate's image better, ties as half; 50 % is equal.",
            phrase="people prefer the image in {} of pairs, ties as half",
            called="preferred by people",
        ),
    ),
    depends_on=(("endpoints", "criteria"),),
    scorer=_scorer,
    by_people=True,
)
