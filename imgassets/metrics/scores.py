"""A score: one metric of one image, with its reason; and the tidy rows tables are made of."""

from __future__ import annotations

from dataclasses import dataclass

#: Columns of a metric table, in order. One row is one metric of one image. `value` is missing
#: where the image failed: a failure never becomes a score.
ROW_COLUMNS = (
    "endpoint",
    "model",
    "flow",
    "prompt_id",
    "seed",
    "replicate",
    "image_key",
    "metric",
    "value",
    "reason",
)


@dataclass(frozen=True)
class Score:
    """One metric of one image.

    Attributes:
        metric: its name in `imgassets.metrics.families.METRICS`.
        value: in the metric's unit; 1.0 and 0.0 for verdicts.
        reason: why, in words a person can check by looking; empty when there is nothing to say.
    """

    metric: str
    value: float
    reason: str = ""
