"""How far people who answered on the same pairs agree: Krippendorff's alpha."""

from __future__ import annotations

from collections.abc import Iterable

from imgassets.decision.heard import value_of
from imgassets.documents.answers import Answer


def agreement(answers: Iterable[Answer], metric: str) -> float | None:
    """Krippendorff's alpha of what people said: 1 is agreement, 0 is what chance gives.

    Differences are squared, so a preference against a tie is a quarter of one against its
    opposite; of yes and no that is the nominal alpha.

    Args:
        answers: on pairs; the last of each person on each.
        metric: of family `review`.

    Returns: at most 1; None where no pair has two people's answers, or all answers are the same:
        then nothing tells agreement from chance.

    Source: Krippendorff, "Computing Krippendorff's Alpha-Reliability" (2011). `nltk`'s numbers are
    those of his examples and of the package `krippendorff` (GPL, so it is not used) to 1e-12.
    """
    said = [(a.who, "/".join(map(str, a.pair)), value_of(a, metric)) for a in answers]
    people: dict[str, set[str]] = {}
    for who, pair, _ in said:
        people.setdefault(pair, set()).add(who)
    both = [row for row in said if len(people[row[1]]) > 1]
    if len({value for *_, value in both}) < 2:
        return None
    from nltk.metrics.agreement import AnnotationTask  # seconds to import

    return float(AnnotationTask(both, distance=lambda a, b: (a - b) ** 2).alpha())
