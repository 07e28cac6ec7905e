"""Artefacts: is it a usable image, free of a pipeline's patterns?"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from imgassets.metrics.family import Family, Metric, Scorer

if TYPE_CHECKING:
    from imgassets.metrics.branch import Branch
    from imgassets.metrics.scores import Score


def _scorer(branch: Branch) -> Scorer:
    """An image that is not clean (blank, of the wrong size or mode) has no other scores."""
    from imgassets.metrics.formulas.artefacts import score_file

    returned = branch.returned

    def scored(image: Any) -> list[Score]:
        wanted = returned[image.flow]
        return score_file(branch.read_bytes(image.image_key), wanted.size, wanted.mode)

    return scored


FAMILY = Family(
    name="artefacts",
    version="2",
    question="Is it a usable image, free of a pipeline's patterns?",
    metrics=(
        Metric(
            "artefacts.clean",
            "higher",
            "share",
            "Images without a blank, non-finite, wrongly sized or wrongly encoded result.",
            phrase="{} of images are free of defects",
            called="images without defects",
        ),
        Metric(
            "artefacts.clipping",
            "lower",
            "share",
            "Pixels with a channel at 0 or 255; a white page counts, so compare by margin.",
            phrase="{} of pixels are clipped",
            called="clipped pixels",
        ),
        Metric(
            "artefacts.banding",
            "lower",
            "share",
            "Levels of lightness that smooth gradients skip.",
            phrase="gradients skip {} of their levels",
            called="banding",
        ),
        Metric(
            "artefacts.blockiness",
            "lower",
            "ratio",
            "Steps across an 8 px grid against steps elsewhere; 1 is none, JPEG 75 about 1.2.",
            phrase="steps across an 8 px grid are {} times those elsewhere",
            called="blockiness",
        ),
        Metric(
            "artefacts.checkerboard",
            "lower",
            "levels",
            "Amplitude of a pattern that alternates from pixel to pixel.",
            called="checkerboard pattern",
        ),
        Metric(
            "artefacts.tiling",
            "lower",
            "share",
            "How much an image repeats itself; equal objects count, so compare by margin.",
            called="tiling",
        ),
    ),
    depends_on=(("endpoints", "requests"), ("endpoints", "chain")),
    scorer=_scorer,
    asked=lambda branch, image: [
        branch.returned[image.flow].size,
        branch.returned[image.flow].mode,
    ],
)
