"""Edit stability: did an edit keep what it was not asked to touch?"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from imgassets.metrics.family import Family, Metric, Scorer

if TYPE_CHECKING:
    from imgassets.metrics.branch import Branch
    from imgassets.metrics.scores import Score


def _scorer(branch: Branch) -> Scorer:
    from imgassets.metrics.formulas.edit_stability import score_region

    def scored(image: Any) -> list[Score]:
        edited = branch.read_array(image.image_key)
        region = branch.regions[image.prompt_id]
        return score_region(edited, branch.read_array(image.source_key), region)

    return scored


FAMILY = Family(
    name="edit_stability",
    version="1",
    question="Did an edit keep what it was not asked to touch?",
    metrics=(
        Metric(
            "edit_stability.psnr_outside",
            "higher",
            "dB",
            "PSNR against the source outside the mask; 120 is untouched.",
            flows=("edit",),
            called="likeness outside the edit (PSNR)",
        ),
        Metric(
            "edit_stability.ssim_outside",
            "higher",
            "similarity",
            "SSIM against the source outside the mask.",
            flows=("edit",),
            called="likeness outside the edit (SSIM)",
        ),
        Metric(
            "edit_stability.max_difference",
            "lower",
            "levels",
            "Largest change of any pixel outside the mask.",
            flows=("edit",),
            called="largest change outside the edit",
        ),
        Metric(
            "edit_stability.changed_outside",
            "lower",
            "share",
            "Pixels outside the mask that changed at all.",
            flows=("edit",),
            phrase="{} of the pixels outside the mask change",
            called="pixels changed outside the edit",
        ),
        Metric(
            "edit_stability.changed_band",
            "lower",
            "share",
            "Pixels changed within 8 px around the mask.",
            flows=("edit",),
            called="pixels changed around the edit",
        ),
        Metric(
            "edit_stability.changed_inside",
            "higher",
            "share",
            "Pixels inside the mask that changed.",
            flows=("edit",),
            phrase="{} of the pixels inside the mask change",
            called="pixels changed by the edit",
        ),
        Metric(
            "edit_stability.seam",
            "lower",
            "levels",
            "Step across the mask's border beyond those beside it.",
            flows=("edit",),
            called="seam around the edit",
        ),
        Metric(
            "edit_stability.border_color",
            "lower",
            "CIEDE2000",
            "Color across the mask's border.",
            flows=("edit",),
            called="color step around the edit",
        ),
    ),
    depends_on=(("endpoints", "requests"),),
    scorer=_scorer,
    asked=lambda branch, image: branch.file_of(image.source_key),
)
