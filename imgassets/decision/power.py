"""How much more data would settle an undecided limit."""

from __future__ import annotations

import math

from scipy import special

#: Chance of reaching a verdict the answer is planned for.
POWER = 0.8
#: Above this the answer is "no practical number", given as None.
MOST_PROMPTS = 10_000
MOST_SEEDS = 64


def required_variance(distance: float, alpha: float, power: float = POWER) -> float:
    """Variance of the mean at which a truth `distance` from the limit is shown with `power`."""
    z = -float(special.ndtri(alpha) + special.ndtri(1 - power))
    return (distance / z) ** 2


def seeds_needed(
    between: float, within: float, prompts: int, distance: float, alpha: float, power: float = POWER
) -> int | None:
    """Seeds a prompt, with the prompts as they are: `(between + within / K) / P` must suffice.

    Arguments: `between` variance of the prompts' true differences, `within` variance over seeds
    of one prompt, both in squared units; `prompts` P.
    Returns: None where the spread between prompts alone is too wide, or above `MOST_SEEDS`.
    """
    if distance <= 0:
        return None
    room = prompts * required_variance(distance, alpha, power) - between
    if room <= 0:
        return None
    needed = max(1, math.ceil(within / room))
    return needed if needed <= MOST_SEEDS else None
