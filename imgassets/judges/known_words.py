"""Which words the judge of composition knows, said without loading it."""

from __future__ import annotations

import difflib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from imgassets.documents.judge import AnyJudge, Shapes, SsdMobilenet, TransformersDetector
from imgassets.documents.weights import hub_name, weights_folder
from imgassets.judges.class_names import COCO, class_of
from imgassets.judges.detector_classes import COLOR_NAMES, GENEVAL_COLORS, SHAPES


@dataclass(frozen=True)
class KnownWords:
    """The words of one judge.

    Attributes:
        classes: of objects; None: any, or nobody can say before its weights are at hand.
        colors: names of colors.
        synonyms: class by word; None: a word must be the class itself.
    """

    classes: tuple[str, ...] | None
    colors: tuple[str, ...]
    synonyms: Mapping[str, str] | None = None

    def knows(self, what: str, word: str) -> bool:
        """Whether it knows a `class` or a `color`."""
        if what == "color":
            return word in self.colors
        if self.classes is None:
            return True
        if self.synonyms is None:
            return word in self.classes
        return class_of(word, self.classes, self.synonyms) is not None

    def closest(self, what: str, word: str) -> str:
        """What to use instead of a word it does not know: all there is, or what is nearest."""
        known: Sequence[str] = self.colors if what == "color" else (self.classes or ())
        if len(known) <= len(COLOR_NAMES):
            return f"use one of: {', '.join(known)}"
        near = difflib.get_close_matches(word.lower(), known, 1, 0.0)
        return f"the closest it knows is {near[0]!r}"


def known_words(root: Path, judge: AnyJudge) -> KnownWords | None:
    """The words of a judge; None for one that does not judge composition.

    Args:
        root: the project's, where relative folders of weights start.
        judge: its document.
    """
    if isinstance(judge, Shapes):
        return KnownWords(SHAPES, COLOR_NAMES)
    if isinstance(judge, SsdMobilenet):
        return KnownWords(COCO, COLOR_NAMES, judge.synonyms)
    if isinstance(judge, TransformersDetector):
        colors = COLOR_NAMES if judge.colors is None else GENEVAL_COLORS
        return KnownWords(_classes(root, judge), colors, judge.synonyms)
    return None


def _classes(root: Path, judge: TransformersDetector) -> tuple[str, ...] | None:
    """Those of the document, else those in the configuration of weights in a folder."""
    if judge.kind == "zero-shot-object-detection":
        return None
    if judge.fixed_classes or hub_name(judge.weights) is not None:
        return judge.fixed_classes
    try:
        config = json.loads((weights_folder(root, judge.weights) / "config.json").read_text())
        names = [str(name) for name in config["id2label"].values()]
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        return None  # opening the judge tells what is wrong with its weights
    return tuple(dict.fromkeys(name for name in names if name != "N/A")) or None
