"""Look: do the images look like the incumbent's, and are they many?"""

from __future__ import annotations

from typing import TYPE_CHECKING

from imgassets.metrics.family import Family, Metric, Scored, Scorer
from imgassets.metrics.scores import Score

if TYPE_CHECKING:
    from imgassets.metrics.branch import Branch

_REPEATED = Metric(
    "look.repeated",
    "lower",
    "share",
    "Images that repeat another one which was asked for with another seed or prompt.",
    flows=("generate",),
    phrase="{} of images repeat another one",
    called="repeated images",
)


def _scorer(branch: Branch) -> Scorer:
    from imgassets.metrics.formulas.appearance import score

    return lambda image: score(branch.read_array(image.image_key))


def _across(branch: Branch, scored: Scored) -> dict[str, list[Score]]:
    from imgassets.metrics.formulas.appearance import HASH, repeated_in

    hashed = [
        (image.image_key, image.replicate, int(score.reason, 16))
        for image, scores in scored
        for score in scores
        if score.metric == HASH and image.flow in _REPEATED.flows
    ]
    # A replicate is the same request again, which ought to repeat.
    first = min((replicate for _, replicate, _ in hashed), default=0)
    ought_to_differ = [(key, bits) for key, replicate, bits in hashed if replicate == first]
    repeats = repeated_in(ought_to_differ, branch.read_array)
    return {
        key: [Score(_REPEATED.name, float(key in repeats), _told(repeats.get(key)))]
        for key, _, _ in hashed
    }


def _told(twin: str | None) -> str:
    return f"repeats {twin[:12]}" if twin else ""


FAMILY = Family(
    name="look",
    version="1",
    question="Do the images look like the incumbent's, and are they many?",
    metrics=(
        Metric(
            "look.lightness",
            "same",
            "L*",
            "Mean lightness, CIELAB; 0 black, 100 white.",
            called="lightness",
        ),
        Metric(
            "look.green_red",
            "same",
            "a*",
            "Mean color from green (-) to red (+), CIELAB.",
            called="color from green to red",
        ),
        Metric(
            "look.blue_yellow",
            "same",
            "b*",
            "Mean color from blue (-) to yellow (+), CIELAB.",
            called="color from blue to yellow",
        ),
        Metric(
            "look.chroma",
            "same",
            "C*",
            "Mean colorfulness, CIELAB; 0 is gray.",
            called="colorfulness",
        ),
        Metric("look.contrast", "same", "levels", "Standard deviation of luma.", called="contrast"),
        Metric(
            "look.sharpness",
            "same",
            "decades",
            "Energy of fine detail, as a power of ten; 0.3 is a factor of two.",
            called="fine detail",
        ),
        Metric(
            "look.noise",
            "same",
            "levels",
            "Fine noise away from edges, median absolute Laplacian.",
            called="noise",
        ),
        Metric(
            "look.frame",
            "same",
            "levels",
            "Step from the outermost line of pixels to the next.",
            called="frame at the border",
        ),
        _REPEATED,
    ),
    depends_on=(("endpoints", "requests"),),
    scorer=_scorer,
    libraries=("pillow", "imagehash"),  # perceptual hashes of two versions cannot be compared
    across=_across,
)
