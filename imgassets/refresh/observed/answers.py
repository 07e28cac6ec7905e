"""What people said of pairs of images, one state a branch; nothing said has a version too.

Only the last `imgassets validate`, or a run that somebody starts, takes new answers into account:
each time they are judged is another look at them, so no sensor watches them.
"""

from __future__ import annotations

from dataclasses import replace

from imgassets.documents.answers import AnswerFile
from imgassets.documents.project import Project
from imgassets.refresh.observed.state import ObservedState, one_a_branch


def answers_key(endpoint: str, model: str) -> str:
    """Key of what people said of a model's images beside the incumbent's."""
    return f"answers/{endpoint}/{model}"


def answers_of(project: Project, endpoint: str, model: str) -> AnswerFile:
    """What people said of one candidate; empty where there is no file, or nobody spoke of it."""
    found = project.answers.get(endpoint, AnswerFile(f"reviews/{endpoint}.jsonl"))
    return replace(found, answers=tuple(a for a in found.answers if a.candidate == model))


def _state(project: Project, endpoint: str, model: str) -> ObservedState:
    found = answers_of(project, endpoint, model)
    words = found.words
    return ObservedState(
        answers_key(endpoint, model),
        found.version,
        change=lambda _: words,
        shown={"file": found.file, "answers": len(found.counted), "said": words},
    )


ANSWERS = one_a_branch(
    "answers",
    "What people said of pairs of images, from `reviews/`; answers a review, corrects the judge.",
    answers_key,
    _state,
)
