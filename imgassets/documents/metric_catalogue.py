"""The vocabulary of metrics: one entry for each number a contract may hold a model to.

The formulas live in `imgassets.metrics`; this is what documents, tables and reports agree on.
A family's `version` is raised when its numbers change; that recomputes its tables, no image.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from imgassets.flows import FLOWS, FlowName

#: `same`: neither way is better; only a step away from the incumbent, either way, is worse.
Direction = Literal["higher", "lower", "same"]


@dataclass(frozen=True)
class Metric:
    """A metric's name card.

    Attributes:
        name: `family.metric`, as contracts write it.
        direction: which way is better.
        unit: `share` (0..1), `s`, `MiB`, `USD`, `dB`, `px`, ...
        summary: one sentence for people who read a report.
        flows: where it is measured.
        range: lowest and highest possible score of a metric of one's own.
    """

    name: str
    direction: Direction
    unit: str
    summary: str
    flows: tuple[FlowName, ...] = tuple(FLOWS)
    range: tuple[float, float] | None = None

    @property
    def family(self) -> str:
        return self.name.split(".", 1)[0]


#: Raise a family's number whenever the meaning of one of its metrics changes.
FAMILY_VERSIONS = {
    "composition": "2",
    "typography": "2",
    "artefacts": "1",
    "edit_stability": "1",
    "stylization": "1",
    "upscaling": "2",
    "look": "1",
    "cost": "1",
}


def families_of(flows: Sequence[FlowName]) -> dict[str, list[FlowName]]:
    """Metric families that look at any of these flows, with the flows each looks at."""
    measured = {
        family: [
            flow
            for flow in flows
            if any(flow in m.flows for m in METRICS.values() if m.family == family)
        ]
        for family in FAMILY_VERSIONS
    }
    return {family: looked_at for family, looked_at in measured.items() if looked_at}


_JUDGED: tuple[FlowName, ...] = ("generate", "stylize", "edit", "postprocess")
_STYLIZED: tuple[FlowName, ...] = ("stylize",)
_EDITED: tuple[FlowName, ...] = ("edit",)
_UPSCALED: tuple[FlowName, ...] = ("upscale",)

METRICS: dict[str, Metric] = {
    m.name: m
    for m in (
        Metric(
            "composition.correct",
            "higher",
            "share",
            "Images that show all objects the prompt asks for, in count, color and position "
            "(GenEval's rule).",
            _JUDGED,
        ),
        Metric(
            "composition.size",
            "higher",
            "share",
            "Images whose single object has the size asked for.",
            _JUDGED,
        ),
        Metric(
            "composition.background",
            "higher",
            "share",
            "Images on the background color asked for.",
            _JUDGED,
        ),
        Metric(
            "typography.exact",
            "higher",
            "share",
            "Images whose text is read exactly as asked, nothing missing and nothing added.",
        ),
        Metric(
            "typography.ned",
            "higher",
            "similarity",
            "1 - edit distance / longer length between the text asked for and the text read "
            "(AnyText's NED; 1 is exact).",
        ),
        Metric(
            "typography.strict",
            "higher",
            "share",
            "As typography.exact, nothing folded: O is not 0, x² not x2, though the reader often "
            "errs there; no value where the case of c, o, s and the like cannot be told.",
        ),
        Metric(
            "typography.cer",
            "lower",
            "ratio",
            "Edit distance / length of the text asked for; above 1 when much was added.",
        ),
        Metric(
            "typography.words",
            "higher",
            "share",
            "Words asked for that were read, in any order.",
        ),
        Metric(
            "typography.reader_cer",
            "lower",
            "share",
            "What the reader itself gets wrong on clean characters of this height; read the other "
            "typography scores beside it.",
        ),
        Metric(
            "artefacts.clean",
            "higher",
            "share",
            "Images without a blank, non-finite, wrongly sized or wrongly encoded result.",
        ),
        Metric(
            "artefacts.clipping",
            "lower",
            "share",
            "Pixels with a channel at 0 or 255; a white page counts, so compare by margin.",
        ),
        Metric(
            "artefacts.banding",
            "lower",
            "share",
            "Levels of lightness that smooth gradients skip.",
        ),
        Metric(
            "artefacts.blockiness",
            "lower",
            "ratio",
            "Steps across an 8 px grid against steps elsewhere; 1 is none, JPEG 75 about 1.2.",
        ),
        Metric(
            "artefacts.checkerboard",
            "lower",
            "levels",
            "Amplitude of a pattern that alternates from pixel to pixel.",
        ),
        Metric(
            "artefacts.tiling",
            "lower",
            "share",
            "How much an image repeats itself; equal objects count, so compare by margin.",
        ),
        Metric(
            "edit_stability.psnr_outside",
            "higher",
            "dB",
            "PSNR against the source outside the mask; 120 is untouched.",
            _EDITED,
        ),
        Metric(
            "edit_stability.ssim_outside",
            "higher",
            "similarity",
            "SSIM against the source outside the mask.",
            _EDITED,
        ),
        Metric(
            "edit_stability.max_difference",
            "lower",
            "levels",
            "Largest change of any pixel outside the mask.",
            _EDITED,
        ),
        Metric(
            "edit_stability.changed_outside",
            "lower",
            "share",
            "Pixels outside the mask that changed at all.",
            _EDITED,
        ),
        Metric(
            "edit_stability.changed_band",
            "lower",
            "share",
            "Pixels changed within 8 px around the mask.",
            _EDITED,
        ),
        Metric(
            "edit_stability.changed_inside",
            "higher",
            "share",
            "Pixels inside the mask that changed.",
            _EDITED,
        ),
        Metric(
            "edit_stability.seam",
            "lower",
            "levels",
            "Step across the mask's border beyond those beside it.",
            _EDITED,
        ),
        Metric(
            "edit_stability.border_color",
            "lower",
            "CIEDE2000",
            "Color across the mask's border.",
            _EDITED,
        ),
        Metric(
            "stylization.structure",
            "higher",
            "similarity",
            "SSIM of lightness against the source: shapes stay where they were; 1 is untouched.",
            _STYLIZED,
        ),
        Metric(
            "stylization.change",
            "higher",
            "CIEDE2000",
            "Mean change of color against the source: how much of the style arrived.",
            _STYLIZED,
        ),
        Metric(
            "upscaling.consistency_psnr",
            "higher",
            "dB",
            "PSNR of the image made small again against its source.",
            _UPSCALED,
        ),
        Metric(
            "upscaling.consistency_ssim",
            "higher",
            "similarity",
            "SSIM of the image made small again.",
            _UPSCALED,
        ),
        Metric(
            "upscaling.color_shift",
            "lower",
            "CIEDE2000",
            "Color of the image made small again against its source.",
            _UPSCALED,
        ),
        Metric(
            "upscaling.overshoot",
            "lower",
            "levels",
            "Ringing and halos beyond the source's range at edges.",
            _UPSCALED,
        ),
        Metric(
            "upscaling.sharpness",
            "higher",
            "ratio",
            "Fine detail against Lanczos; 1 is Lanczos.",
            _UPSCALED,
        ),
        Metric(
            "upscaling.seams",
            "lower",
            "ratio",
            "Windows of the upscaler that differ in tone or sharpness; 1 is none.",
            _UPSCALED,
        ),
        Metric(
            "upscaling.psnr",
            "higher",
            "dB",
            "PSNR against a high-resolution truth, on Y, border cropped.",
            _UPSCALED,
        ),
        Metric(
            "upscaling.ssim",
            "higher",
            "similarity",
            "SSIM against a high-resolution truth, on Y, border cropped.",
            _UPSCALED,
        ),
        Metric("look.lightness", "same", "L*", "Mean lightness, CIELAB; 0 black, 100 white."),
        Metric("look.green_red", "same", "a*", "Mean color from green (-) to red (+), CIELAB."),
        Metric("look.blue_yellow", "same", "b*", "Mean color from blue (-) to yellow (+), CIELAB."),
        Metric("look.chroma", "same", "C*", "Mean colorfulness, CIELAB; 0 is gray."),
        Metric("look.contrast", "same", "levels", "Standard deviation of luma."),
        Metric(
            "look.sharpness",
            "same",
            "decades",
            "Energy of fine detail, as a power of ten; 0.3 is a factor of two.",
        ),
        Metric(
            "look.noise", "same", "levels", "Fine noise away from edges, median absolute Laplacian."
        ),
        Metric(
            "look.frame", "same", "levels", "Step from the outermost line of pixels to the next."
        ),
        Metric(
            "look.repeated",
            "lower",
            "share",
            "Images that repeat another one which was asked for with another seed or prompt.",
            ("generate",),
        ),
        Metric(
            "reproducibility.identical",
            "higher",
            "share",
            "Repeated requests that gave the same pixels.",
        ),
        Metric(
            "reproducibility.max_difference",
            "lower",
            "levels",
            "Largest change of any pixel when repeated.",
        ),
        Metric(
            "reproducibility.psnr",
            "higher",
            "dB",
            "PSNR of a repeated request; 120 is identical.",
        ),
        Metric(
            "reproducibility.ssim",
            "higher",
            "similarity",
            "SSIM of a repeated request.",
        ),
        Metric(
            "reproducibility.hash_bits",
            "lower",
            "bits",
            "Perceptual hash distance of a repeated request, of 64.",
        ),
        Metric("cost.seconds", "lower", "s", "Wall-clock seconds to make one image."),
        Metric("cost.peak_memory", "lower", "MiB", "Peak memory while the image was made."),
        Metric("cost.usd", "lower", "USD", "Money to make one image."),
    )
}

_REPEATED = "drop it: the job revalidate repeats requests, and drift asks for a person by itself"
_NO_TRUTH = "use upscaling.consistency_{}: no image has a high-resolution truth to be held against"
#: Metrics with a formula that no family writes for a branch, and what to do instead.
UNMEASURED = {m.name: _REPEATED for m in METRICS.values() if m.family not in FAMILY_VERSIONS} | {
    f"upscaling.{name}": _NO_TRUTH.format(name) for name in ("psnr", "ssim")
}
