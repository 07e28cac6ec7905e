"""Classes of COCO, and the words prompts use for them.

Light on purpose: prompts are checked against it before anything is made.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from functools import cache

from imgassets.documents.judge import SYNONYMS

#: COCO's 80 classes, in the order of its ids; GenEval's prompts use them.
COCO: tuple[str, ...] = (
    "person", "bicycle", "car", "motorcycle", "airplane", "bus", "train", "truck", "boat",
    "traffic light", "fire hydrant", "stop sign", "parking meter", "bench", "bird", "cat", "dog",
    "horse", "sheep", "cow", "elephant", "bear", "zebra", "giraffe", "backpack", "umbrella",
    "handbag", "tie", "suitcase", "frisbee", "skis", "snowboard", "sports ball", "kite",
    "baseball bat", "baseball glove", "skateboard", "surfboard", "tennis racket", "bottle",
    "wine glass", "cup", "fork", "knife", "spoon", "bowl", "banana", "apple", "sandwich", "orange",
    "broccoli", "carrot", "hot dog", "pizza", "donut", "cake", "chair", "couch", "potted plant",
    "bed", "dining table", "toilet", "tv", "laptop", "mouse", "remote", "keyboard", "cell phone",
    "microwave", "oven", "toaster", "sink", "refrigerator", "book", "clock", "vase", "scissors",
    "teddy bear", "hair drier", "toothbrush",
)  # fmt: skip


@cache
def shipped_synonyms() -> Mapping[str, str]:
    """Class by word, as shipped: `{"mobile phone": "cell phone", ...}`.

    People add lines there, or a judge's `synonyms` does for one judge.
    """
    return json.loads(SYNONYMS.read_text(encoding="utf-8"))


def class_of(word: str, classes: Sequence[str], synonyms: Mapping[str, str]) -> str | None:
    """The class of a judge that a word of a prompt stands for; None where it knows none.

    Case does not matter. Tried in turn: the word itself, the judge's synonyms, those that ship,
    and the singular of each; then a class that ships as a synonym of the same word.

    Args:
        word: such as `Mobile Phones`.
        classes: those the judge knows.
        synonyms: class by word, the judge's own; they come before those that ship.
    """
    known = {name.lower(): name for name in classes}
    own = {key.lower(): value.lower() for key, value in synonyms.items()}
    for spelled in singulars(word.strip().lower()):
        for name in (spelled, own.get(spelled), shipped_synonyms().get(spelled)):
            if name in known:
                return known[name]
    return _by_another_name(word, known)


def _by_another_name(word: str, known: Mapping[str, str]) -> str | None:
    """The one class that ships as a synonym of the same: a judge says `sofa`, a prompt `couch`."""
    shipped = shipped_synonyms()
    for spelled in singulars(word.strip().lower()):
        meant = shipped.get(spelled, spelled)
        same = [name for low, name in known.items() if shipped.get(low, low) == meant]
        if len(same) == 1:
            return same[0]
    return None


def singulars(word: str) -> list[str]:
    """A word and what it may be the plural of."""
    found = [word]
    if word.endswith("ies"):
        found.append(word[:-3] + "y")
    if word.endswith("ves"):
        found += [word[:-3] + "fe", word[:-3] + "f"]
    if word.endswith("es"):
        found.append(word[:-2])
    if word.endswith("s"):
        found.append(word[:-1])
    return found
