"""Stylization: did the style arrive, and did the picture stay?"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from imgassets.metrics.family import Family, Metric, Scorer

if TYPE_CHECKING:
    from imgassets.metrics.branch import Branch
    from imgassets.metrics.scores import Score


def _scorer(branch: Branch) -> Scorer:
    from imgassets.metrics.formulas.stylization import score

    def scored(image: Any) -> list[Score]:
        return score(branch.read_array(image.image_key), branch.read_array(image.source_key))

    return scored


FAMILY = Family(
    name="stylization",
    version="1",
    question="Did the style arrive, and did the picture stay?",
    metrics=(
        Metric(
            "stylization.structure",
            "higher",
            "similarity",
            "SSIM of lightness against the source: shapes stay where they were; 1 is untouched.",
            flows=("stylize",),
            called="shapes kept by the style",
        ),
        Metric(
            "stylization.change",
            "higher",
            "CIEDE2000",
            "Mean change of color against the source: how much of the style arrived.",
            flows=("stylize",),
            called="strength of the style",
        ),
    ),
    depends_on=(("endpoints", "requests"),),
    scorer=_scorer,
    asked=lambda branch, image: branch.file_of(image.source_key),
)
