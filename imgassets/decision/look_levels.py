"""The level that each criterion is judged at, and the correction over all of them.

Images, people's labels and people's answers are looked at again for reasons of their own. A
criterion spends alpha when what it rests on is looked at again: answers that came in do not make
another look of what a judge measured.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from imgassets.decision.evidence import Evidence, Limit
from imgassets.decision.failures import FailureEvidence
from imgassets.decision.statistics import holm
from imgassets.documents.decision_contract import DecisionContract
from imgassets.documents.looks import level
from imgassets.metrics.families import by_people


@dataclass(frozen=True)
class LookLevel:
    """A look, from 1, the level of each bound at it, and at the next one (0: none is planned)."""

    look: int
    alpha: float
    again: float

    @property
    def columns(self) -> dict[str, float]:
        """As the comparison's rows tell it."""
        return {"look": self.look, "alpha": self.alpha, "next_alpha": self.again}


@dataclass(frozen=True)
class LookLevels:
    """The levels of what rests on images alone, on people's labels, and on people's answers."""

    images: LookLevel
    labels: LookLevel
    answers: LookLevel

    @classmethod
    def at(cls, endpoint: DecisionContract, images: int, labels: int, answers: int) -> LookLevels:
        """The levels at these looks."""

        def of(look: int) -> LookLevel:
            # More data is another look, so it is planned for that look's level.
            now, again = (
                level(endpoint.decision, number, len(endpoint.candidates))
                for number in (look, look + 1)
            )
            return LookLevel(look, now, again)

        return cls(of(images), of(labels), of(answers))

    def of(self, evidence: Evidence) -> LookLevel:
        """The level of one criterion, by what it rests on."""
        if by_people(evidence.criterion.metric):
            return self.answers
        corrected = (evidence.judge, evidence.judge_difference) != (None, None)
        return self.labels if corrected else self.images


@dataclass(frozen=True)
class Tested:
    """A limit, or the rate of a failure mode, with the level it is judged at."""

    of: Limit | FailureEvidence
    alpha: float


def tests_of(evidence: Sequence[Evidence], severity: str, levels: LookLevels) -> list[Tested]:
    """The limits of all criteria of a severity."""
    return [
        Tested(limit, levels.of(e).alpha)
        for e in evidence
        if e.criterion.severity == severity
        for limit in e.limits
    ]


def corrected(tests: Sequence[Tested]) -> dict[int, float]:
    """Holm-adjusted p-values of "broken", by `id`; hard rules are no tests and stay out.

    Tests at a stricter level than others have their p-values weighed by the ratio of levels, so
    that each is held against its own.
    """
    taking_part = [t for t in tests if not _is_hard(t.of)]
    highest = max((t.alpha for t in taking_part), default=0.0)
    weights = [_ratio(highest, t.alpha) for t in taking_part]
    p = holm([min(1.0, t.of.p_broken * w) for t, w in zip(taking_part, weights, strict=True)])
    return {
        id(t.of): value if weight == 1.0 else value / weight if weight < float("inf") else 1.0
        for t, value, weight in zip(taking_part, p, weights, strict=True)
    }


def own_p(limits: Sequence[Limit], known: dict[int, float]) -> tuple[float, ...]:
    """p-values of "broken" of these limits, corrected where they take part in the correction."""
    return tuple(known.get(id(limit), limit.p_broken) for limit in limits)


def _is_hard(tested: Limit | FailureEvidence) -> bool:
    return tested.decides_alone if isinstance(tested, Limit) else tested.hard


def _ratio(highest: float, own: float) -> float:
    """1 where all levels are one, those of looks that nobody planned too."""
    if own == highest:
        return 1.0
    return highest / own if own else float("inf")
