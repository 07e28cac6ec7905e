"""Upscaling: is the large image the small one, made large?"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from imgassets.metrics.family import Family, Metric, Scorer

if TYPE_CHECKING:
    from imgassets.metrics.branch import Branch
    from imgassets.metrics.scores import Score


def _scorer(branch: Branch) -> Scorer:
    from imgassets.metrics.formulas.upscaling import score

    scale, tiles = branch.scale, branch.tiles

    def scored(image: Any) -> list[Score]:
        large = branch.read_array(image.image_key)
        tiled = tiles is not None and max(large.shape[:2]) > tiles.size
        source = branch.read_array(image.source_key)
        return score(large, source, scale, tiles if tiled else None)

    return scored


FAMILY = Family(
    name="upscaling",
    version="2",
    question="Is the large image the small one, made large?",
    metrics=(
        Metric(
            "upscaling.consistency_psnr",
            "higher",
            "dB",
            "PSNR of the image made small again against its source.",
            flows=("upscale",),
            called="likeness to the small image (PSNR)",
        ),
        Metric(
            "upscaling.consistency_ssim",
            "higher",
            "similarity",
            "SSIM of the image made small again.",
            flows=("upscale",),
            called="likeness to the small image (SSIM)",
        ),
        Metric(
            "upscaling.color_shift",
            "lower",
            "CIEDE2000",
            "Color of the image made small again against its source.",
            flows=("upscale",),
            called="color shift of the upscaler",
        ),
        Metric(
            "upscaling.overshoot",
            "lower",
            "levels",
            "Ringing and halos beyond the source's range at edges.",
            flows=("upscale",),
            called="halos at edges",
        ),
        Metric(
            "upscaling.sharpness",
            "higher",
            "ratio",
            "Fine detail against Lanczos; 1 is Lanczos.",
            flows=("upscale",),
            phrase="upscaled images have {} times the fine detail of Lanczos",
            called="fine detail against Lanczos",
        ),
        Metric(
            "upscaling.seams",
            "lower",
            "ratio",
            "Windows of the upscaler that differ in tone or sharpness; 1 is none.",
            flows=("upscale",),
            phrase="windows of the upscaler differ {} times as much as places beside them",
            called="seams of the upscaler",
        ),
    ),
    depends_on=(("endpoints", "requests"),),
    scorer=_scorer,
    asked=lambda branch, image: branch.file_of(image.source_key),
)
