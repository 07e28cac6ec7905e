"""Seeds: how large they may be, and which of them give the same noise."""

from __future__ import annotations

from collections.abc import Iterable

#: Largest seed that torch's generators take.
MOST = 2**64 - 1
#: Largest seed that providers' interfaces take (Ideogram documents it; Gemini's field is an int32).
MOST_HOSTED = 2**31 - 1
#: torch's generator on a CPU (mt19937) begins from the last 32 bits of a seed and no others.
_SIGNIFICANT = 2**32


def noise_of(seed: int) -> int:
    """What of a seed decides the noise: two seeds of one value give the same images."""
    return seed % _SIGNIFICANT


def twins(seeds: Iterable[int]) -> tuple[int, int] | None:
    """Two different seeds that give the same noise; None where there are none."""
    seen: dict[int, int] = {}
    for seed in seeds:
        other = seen.setdefault(noise_of(seed), seed)
        if other != seed:
            return other, seed
    return None


def column_type(seeds: Iterable[int]) -> str:
    """The dtype of a column of seeds: int64, as tables have always had, where all fit."""
    return "int64" if max(seeds, default=0) < 2**63 else "uint64"
