"""Pilots for the template: what came of the last one of each model, in words."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

#: What is written of a state, and its tone.
_WORDS = {
    "holds": ("holds", "good"),
    "failed": ("does not hold", "bad"),
    "stale": ("out of date", "open"),
    "missing": ("not run", "open"),
}


@dataclass(frozen=True)
class LastPilot:
    """The last pilot of one model.

    Attributes:
        model: its name.
        state: `holds`, `failed`, `stale` or `missing`.
        note: why, in words.
        measures: by name, as they are shown.
        picture: a data URI; empty without one.
    """

    model: str
    state: str
    note: str = ""
    measures: Mapping[str, str] = field(default_factory=dict)
    picture: str = ""

    @property
    def word(self) -> str:
        """The state for people."""
        return _WORDS[self.state][0]

    @property
    def tone(self) -> str:
        """Of its color."""
        return _WORDS[self.state][1]


def measures_of(pilots: Sequence[LastPilot]) -> list[str]:
    """Names of all measures, in the order they first come."""
    return list(dict.fromkeys(name for pilot in pilots for name in pilot.measures))
