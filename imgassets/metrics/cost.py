"""Cost: what did it take to make the image?"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

from imgassets.metrics.family import Family, Metric, Scorer
from imgassets.metrics.scores import Score

if TYPE_CHECKING:
    from imgassets.metrics.branch import Branch

_UNTOLD = "nobody told how long it took to make"


def _scorer(branch: Branch) -> Scorer:
    price = branch.price

    def scored(image: Any) -> list[Score]:
        seconds = _seconds(image)
        usd = _usd(image, price, seconds)
        return [
            Score("cost.seconds", seconds, _UNTOLD if math.isnan(seconds) else ""),
            Score("cost.peak_memory", image.peak_memory_mib),
            Score("cost.usd", usd, _UNTOLD if math.isnan(usd) else ""),
        ]

    return scored


def _seconds(image: Any) -> float:
    """NaN where nobody told them. No image is made in 0 s: that is how it was noted before."""
    told = image.seconds
    return float(told) if told is not None and told > 0 else math.nan


def _usd(image: Any, price: Any, seconds: float) -> float:
    """What a manifest says, else what the price comes to: NaN by the hour of unknown seconds."""
    told = getattr(image, "usd", None)  # absent in tables of an earlier version
    if told is None or math.isnan(told):
        return float(price.usd(seconds, image.flow))
    return float(told)


FAMILY = Family(
    name="cost",
    version="2",
    question="What did it take to make the image?",
    metrics=(
        Metric(
            "cost.seconds",
            "lower",
            "s",
            "Wall-clock seconds to make one image.",
            phrase="one image takes {}",
            worst_field="budget.worst_seconds",
            called="time of an image",
        ),
        Metric(
            "cost.peak_memory",
            "lower",
            "MiB",
            "Peak memory while the image was made.",
            phrase="one image needs {} of memory",
            certain=True,
            called="memory",
        ),
        Metric(
            "cost.usd",
            "lower",
            "USD",
            "Money to make one image.",
            phrase="one image costs {}",
            follows="cost.seconds",
            worst_field="budget.worst_seconds",
            called="price of an image",
        ),
    ),
    depends_on=(("models", "price"),),
    scorer=_scorer,
    of_making=True,
)
