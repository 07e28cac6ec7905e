"""What detectors that know a fixed list of classes have in common.

Their scores are stretched onto GenEval's scale, the words of prompts are turned into their classes
and back, and boxes that show one object twice are thinned.
"""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Mapping, Sequence

import numpy as np

from imgassets.judges.class_names import class_of, shipped_synonyms
from imgassets.judges.detectors import Detection, DetectorError, without_overlaps

#: GenEval's scores for "it is there" and "it is sure enough to be counted".
PRESENT, COUNTED = 0.3, 0.9


def stretched(score: float, presence: float, counting: float) -> float:
    """A model's score on GenEval's scale: `presence` becomes .3, `counting` .9.

    Piecewise linear and increasing, 0..1 to 0..1; 0 < presence < counting < 1.
    """
    own, published = (0.0, presence, counting, 1.0), (0.0, PRESENT, COUNTED, 1.0)
    return float(np.interp(score, own, published))


def words_by_class(
    words: Iterable[str], classes: Sequence[str], synonyms: Mapping[str, str]
) -> dict[str, list[str]]:
    """Of each class that is asked for: the words that ask for it, in order, each once.

    Args:
        words: of prompts.
        classes: those the judge knows.
        synonyms: class by word, the judge's own.

    Raises:
        DetectorError: for a word that stands for none of them; it names the closest that would.
    """
    found: dict[str, list[str]] = {}
    for word in dict.fromkeys(words):
        known = class_of(word, classes, synonyms)
        if known is None:
            raise DetectorError(_unknown(word, classes, synonyms))
        found.setdefault(known, []).append(word)
    return found


def thinned(found: Iterable[Detection], within: float, across: float = 1.0) -> list[Detection]:
    """Detections without those that show again what a surer one shows, the surest first.

    Args:
        found: of one image.
        within: of two boxes of one class with at least this overlap (IoU) the less sure one goes;
            1 keeps both.
        across: the same for boxes of any classes.
    """
    groups: dict[str, list[Detection]] = {}
    for one in sorted(found, key=lambda detection: -detection.score):
        groups.setdefault(one.class_, []).append(one)
    kept = [one for group in groups.values() for one in without_overlaps(group, within)]
    return without_overlaps(sorted(kept, key=lambda detection: -detection.score), across)


def _unknown(word: str, classes: Sequence[str], synonyms: Mapping[str, str]) -> str:
    known = {name.lower(): name for name in (*classes, *synonyms, *shipped_synonyms())}
    near = difflib.get_close_matches(word.strip().lower(), known, n=3, cutoff=0.0)
    closest = next((name for name in near if class_of(name, classes, synonyms)), classes[0])
    known_class = class_of(closest, classes, synonyms)
    return (
        f"the judge does not know {word!r}; the closest of its {len(classes)} classes is "
        f"{known_class!r}: ask for a class it knows, or add {{{word}: CLASS}} to its synonyms"
    )
