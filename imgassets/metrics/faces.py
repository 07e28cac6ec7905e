"""Faces: are as many to be seen as asked for?"""

from __future__ import annotations

from typing import TYPE_CHECKING

from imgassets.metrics.family import Family, Metric, Scorer

if TYPE_CHECKING:
    from imgassets.metrics.branch import Branch


def _scorer(branch: Branch) -> Scorer:
    from imgassets.metrics.branch import against_expectations
    from imgassets.metrics.formulas.faces import scored_by

    return against_expectations(branch, scored_by(branch.judge("faces")))


FAMILY = Family(
    name="faces",
    version="1",
    question="Are as many faces to be seen as asked for?",
    metrics=(
        Metric(
            "faces.count",
            "higher",
            "share",
            "Images with exactly as many faces as asked for.",
            phrase="the number of faces is as asked for in {} of images",
            called="number of faces",
        ),
        Metric(
            "faces.confidence",
            "higher",
            "share",
            "How sure the judge is of the least sure face, of images that show a face.",
            phrase="faces are seen with a confidence of {}",
            called="clearness of faces",
        ),
    ),
    depends_on=(("prompts", "faces"),),
    scorer=_scorer,
    by_expectation=True,
    asked=lambda branch, image: branch.expected("faces", image),
    judged=True,
)
