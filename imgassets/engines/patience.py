"""How long workers are waited for: a worker that hangs neither answers nor dies.

Nobody has to say how long an image takes. The first task of a worker loads what it needs, and has
an hour; after that the limit follows from how long tasks of the same order took.
"""

from __future__ import annotations

from dataclasses import dataclass, field

#: Tasks of one order take about as long as each other; a worker that takes so many times the
#: longest of them hangs.
_TIMES_THE_LONGEST = 20


@dataclass(frozen=True)
class Patience:
    """Seconds to wait.

    Attributes:
        begin: for a first worker to begin.
        first: for an answer while nothing is known: a pipeline is loaded, perhaps from far away.
        later: for an answer, at least.
    """

    begin: float = 600.0
    first: float = 3600.0
    later: float = 600.0


@dataclass
class Pace:
    """How long the tasks of one order take."""

    patience: Patience
    _longest: float = 0.0
    _loaded: set[int] = field(default_factory=set)

    def limit(self, place: int) -> float:
        """Seconds until a worker counts as hanging that is given a task now."""
        if place not in self._loaded or not self._longest:
            return self.patience.first
        return max(self.patience.later, _TIMES_THE_LONGEST * self._longest)

    def took(self, place: int, seconds: float) -> None:
        """A worker answered; its first task does not count, since it had to load."""
        if place in self._loaded:
            self._longest = max(self._longest, seconds)
        self._loaded.add(place)

    def lost(self, place: int) -> None:
        """What a worker loaded is gone with it."""
        self._loaded.discard(place)
