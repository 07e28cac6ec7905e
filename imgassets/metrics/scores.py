"""A score: one metric of one image, with its reason; and the tidy rows tables are made of."""

from __future__ import annotations

from dataclasses import dataclass

#: Columns of a metric table, in order, and what they mean. One row is one metric of one image.
ROW_COLUMNS = {
    "endpoint": "who asks",
    "model": "who is asked",
    "flow": "how the image comes to be",
    "prompt_id": "the prompt, unique at the endpoint",
    "seed": "of the starting noise, 0 to 2**64 - 1",
    "replicate": "0, 1, ... where the same request is made again",
    "image_key": "SHA-256 of everything that can change a pixel",
    "metric": "family.metric",
    "value": "in the metric's unit; missing where the image failed: a failure is never a score",
    "reason": "why, in words a person can check by looking",
    "failure_mode": "of an image that cannot be used",
}
#: Columns that say which image a row is about.
IDENTITY = tuple(ROW_COLUMNS)[:7]


@dataclass(frozen=True)
class Score:
    """One metric of one image.

    Attributes:
        metric: its name in `imgassets.metrics.families.METRICS`.
        value: in the metric's unit; 1.0 and 0.0 for verdicts.
        reason: why, in words a person can check by looking; empty when there is nothing to say.
        failure_mode: of an image that is there and cannot be used; empty otherwise.
    """

    metric: str
    value: float
    reason: str = ""
    failure_mode: str = ""
