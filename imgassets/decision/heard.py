"""What people said of a candidate's pairs, held against the images that are compared.

Answers belong to image keys. What was said of images that are no longer compared (another model
version, another prompt) does not count.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from imgassets.decision.paired_scores import Measured
from imgassets.decision.review_reasons import Pair, seen_pairs
from imgassets.documents.answers import Answer
from imgassets.metrics.review import PREFERENCE

#: What a preference is worth to the candidate.
_WORTH = {"candidate": 1.0, "equal": 0.5, "incumbent": 0.0}


@dataclass(frozen=True)
class Heard:
    """The answers that count.

    Attributes:
        answers: on pairs that are compared, the last of each person on each.
        stale: how many answers are of images that are not compared.
    """

    answers: tuple[Answer, ...] = ()
    stale: int = 0

    def drawn(self, flow: str) -> list[Answer]:
        """Those on the random sample of a flow: only they estimate anything."""
        return [answer for answer in self.answers if answer.drawn and answer.flow == flow]

    def on(self, pairs: Sequence[Pair]) -> list[Answer]:
        """Those on some pairs, drawn at random or not."""
        keys = {pair.candidate_key for pair in pairs}
        return [answer for answer in self.answers if answer.candidate_key in keys]

    def looked_at(self) -> list[tuple[str, str]]:
        """What a look is taken at: (image key, who) of what may estimate anything."""
        return sorted((a.candidate_key, f"review/{a.who}") for a in self.answers if a.drawn)


def heard(answers: Iterable[Answer], candidate: Measured, incumbent: Measured | None) -> Heard:
    """What counts of a candidate's answers.

    Args:
        answers: those of an endpoint that count (`AnswerFile.counted`); other candidates' are left
            out, and what was said of an image that was shown alone.
        candidate, incumbent: what is compared; no incumbent where production itself is judged.
    """
    mine = [a for a in answers if a.candidate == candidate.model and a.incumbent_key is not None]
    pairs = {} if incumbent is None else seen_pairs(candidate, incumbent)
    counted = tuple(answer for answer in mine if _is_of(answer, pairs.get(answer.candidate_key)))
    return Heard(counted, len(mine) - len(counted))


def _is_of(answer: Answer, pair: Pair | None) -> bool:
    said = (answer.flow, answer.prompt_id, answer.seed, *answer.pair)
    return pair is not None and tuple(pair) == said


def value_of(answer: Answer, metric: str) -> float:
    """What an answer on a pair says of a metric of family `review`: 0, 1/2 or 1."""
    if answer.preference is None:
        raise ValueError(f"answer {answer.id} is of an image alone")
    if metric == PREFERENCE:
        return _WORTH[answer.preference]
    return float(is_accepted(answer))


def is_accepted(answer: Answer) -> bool:
    """Whether the candidate's image is not worse, shows what was asked, and has no new defect."""
    shows = "no" not in answer.correct.candidate.values()
    new = set(answer.defects.candidate) - set(answer.defects.incumbent)
    return answer.preference in ("candidate", "equal") and shows and not new
