"""Look: do the images look like the incumbent's, and are they many?"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from imgassets.metrics.family import Family, Metric, Scorer
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
)


def _scorer(branch: Branch) -> Scorer:
    from imgassets.metrics.formulas.appearance import repeated_in, score

    ought_to_differ = branch.images["flow"].isin(_REPEATED.flows)
    repeats = repeated_in(branch.images[ought_to_differ], branch.read_array)

    def scored(image: Any) -> list[Score]:
        twin = repeats.get(image.image_key)
        reason = f"repeats {twin[:12]}" if twin else ""
        of_set = Score(_REPEATED.name, float(twin is not None), reason)
        return [*score(branch.read_array(image.image_key)), of_set]

    return scored


FAMILY = Family(
    name="look",
    version="1",
    question="Do the images look like the incumbent's, and are they many?",
    metrics=(
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
        _REPEATED,
    ),
    depends_on=(("endpoints", "requests"),),
    scorer=_scorer,
    compares_images=True,
)
