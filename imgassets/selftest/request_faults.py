"""Faults of requests: each takes a request's inputs and gives those that arrive.

Inputs are those of `imgassets.requests.Request`; a copy is changed, never the original.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

Inputs = dict[str, Any]
#: Takes a request's inputs and its number among all requests of its flow.
RequestFault = Callable[[Inputs, int], Inputs]


def sampled(**settings: float) -> RequestFault:
    """Other sampling settings, such as `steps` or `strength`."""
    return lambda inputs, _: inputs | {"sampling": inputs["sampling"] | settings}


def truncated(words: int) -> RequestFault:
    """The prompt's last words cut off; a positive number keeps so many, a negative drops some."""
    return lambda inputs, _: inputs | {"prompt": " ".join(inputs["prompt"].split()[:words])}


def replaced(changes: dict[str, str]) -> RequestFault:
    """Words of the prompt's template exchanged for others (regular expressions)."""

    def garble(inputs: Inputs, _: int) -> Inputs:
        text = inputs["prompt"]
        for old, new in changes.items():
            text = re.sub(old, new, text)
        return inputs | {"prompt": text}

    return garble


def reseeded(every: int) -> RequestFault:
    """The same seed for all, or for every so many-th pair of requests."""
    return lambda inputs, n: inputs | {"seed": 0} if n // 2 % every == 0 else inputs


def negative(text: str | None) -> RequestFault:
    """Another negative prompt; None puts the prompt itself there, so that guidance cancels out."""
    return lambda inputs, _: (
        inputs | {"negative_prompt": inputs["prompt"] if text is None else text}
    )


def inverted() -> RequestFault:
    """What was to be kept is repainted: the region of the mask on the other side of the image.

    Regions are boxes; that of an inverted mask is what the widest strip beside the box holds.
    """

    def garble(inputs: Inputs, _: int) -> Inputs:
        left, top, right, bottom = inputs["region"]
        strips = [
            [0.0, 0.0, left, 1.0],
            [right, 0.0, 1.0, 1.0],
            [0.0, 0.0, 1.0, top],
            [0.0, bottom, 1.0, 1.0],
        ]
        return inputs | {"region": max(strips, key=lambda s: (s[2] - s[0]) * (s[3] - s[1]))}

    return garble


def moved(share: float) -> RequestFault:
    """The mask a little further to the right and down than asked for, by a share of the side."""

    def garble(inputs: Inputs, _: int) -> Inputs:
        return inputs | {"region": [min(1.0, max(0.0, edge + share)) for edge in inputs["region"]]}

    return garble
