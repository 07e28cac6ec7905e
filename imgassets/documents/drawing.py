"""Drawing at random so that a larger sample holds a smaller one, whoever draws, whenever."""

from __future__ import annotations

import hashlib


def draw(seed: int, *names: str) -> str:
    """A place in a random order, as hex: sort by it, and take the first.

    Another seed gives another order. Source: hash sampling, as in bottom-k sketches.
    """
    return hashlib.sha256("/".join((str(seed), *names)).encode()).hexdigest()
