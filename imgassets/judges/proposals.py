"""What a prompt's words say its image must show, proposed by rule for a person to accept.

The rules are those that GenEval and T2I-CompBench write their prompts by, read backwards: `two
cats` is a count, `a red apple` a color, `a cup left of a dog` a position, words in quotes are a
text. A prompt of any other form gets no proposal: half a sentence understood is worse than none.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass

from imgassets.documents.prompts import Expectation, ObjectExpectation, Relation
from imgassets.judges.class_names import COCO, class_of, singulars
from imgassets.judges.detector_classes import COLOR_NAMES, SHAPES
from imgassets.judges.ocr_letters import unreadable

NOT_UNDERSTOOD = "not understood"
NO_CLASS = "names no object that the judge knows"

_NUMBERS = {
    "a": 1, "an": 1, "the": 1, "one": 1, "two": 2, "three": 3, "four": 4, "five": 5, "six": 6,
    "seven": 7, "eight": 8, "nine": 9, "ten": 10,
}  # fmt: skip
_COLORS = {name: name for name in COLOR_NAMES} | {"grey": "gray"}
_SIZES = {"small": "small", "tiny": "small", "large": "large", "big": "large"}
_RELATIONS: dict[str, Relation | None] = {
    "on the left of": "left of", "to the left of": "left of", "on the left side of": "left of",
    "left of": "left of", "on the right of": "right of", "to the right of": "right of",
    "on the right side of": "right of", "right of": "right of", "on the top of": "above",
    "on top of": "above", "above": "above", "over": "above", "on the bottom of": "below",
    "below": "below", "under": "below", "underneath": "below", "beneath": "below",
    # Said of two objects, and nothing that can be measured in a picture by these rules.
    "next to": None, "near": None, "beside": None, "on side of": None, "in front of": None,
    "behind": None, "hidden by": None,
}  # fmt: skip
_RELATED = re.compile(
    r"\s+(?:(?:is|are|was|were)\s+)?("
    + "|".join(sorted(_RELATIONS, key=len, reverse=True))
    + r")\s+"
)
_OPENING = re.compile(
    r"^(?:an?|the)\s+(?:\w+\s+)?(?:photo|photograph|picture|image|painting|drawing)\s+of\s+"
)
_BACKGROUND = re.compile(rf"\s+on (?:an? )?({'|'.join(_COLORS)})(?: background)?$")
#: Straight quotes, and the curly ones of word processors; no apostrophe.
_QUOTED = re.compile(
    r"\"([^\"]+)\"|\u201c([^\u201d]+)\u201d|\u2018([^\u2019]+)\u2019|(?<!\w)'((?:[^']|(?<=\w)'(?=\w))+)'(?!\w)"
)
_LISTED = re.compile(r"\s*,\s*(?:and\s+)?|\s+and\s+")
#: Words that make of a phrase something else than a thing with adjectives.
_NO_ADJECTIVE = re.compile(
    r"\w+ing|no|not|without|zero|with|in|of|on|at|by|for|from|to|into|that|which|who|is|are|has|"
    r"have|as|like|than|or|but"
)
_MOST_WORDS = 4

Knows = Callable[[str], bool]


def known_to_embedded(word: str) -> bool:
    """Whether an embedded judge finds such objects: shapes in drawings, COCO's in photographs."""
    return class_of(word, COCO, {}) is not None or any(w in SHAPES for w in singulars(word))


@dataclass(frozen=True)
class Proposal:
    """What is proposed for one prompt.

    Attributes:
        expect: None where nothing is.
        reason: why nothing is proposed.
        left_out: things the prompt names that the judge does not know.
    """

    expect: Expectation | None
    reason: str = ""
    left_out: tuple[str, ...] = ()


@dataclass
class _Thing:
    words: str
    count: int = 1
    color: str | None = None
    size: str | None = None
    known: bool = True
    position: tuple[Relation, int] | None = None

    def wanted(self) -> ObjectExpectation:
        size = self.size if self.words in SHAPES else None  # of drawn shapes alone it is measured
        return ObjectExpectation.model_validate(
            {"class": self.words, "count": self.count, "color": self.color, "size": size,
             "position": self.position}
        )  # fmt: skip


def propose(prompt: str, knows: Knows = known_to_embedded) -> Proposal:
    """The expectation that a prompt's words amount to.

    Args:
        prompt: its text, in English.
        knows: whether the judge of composition finds objects that are called so.
    """
    quoted = [next(filter(None, groups)) for groups in _QUOTED.findall(prompt)]
    if quoted:
        if len(quoted) > 1:
            return Proposal(None, "more than one text in quotes")
        if unreadable(quoted[0]):
            return Proposal(None, "a text that the reader has no letters for")
        return Proposal(Expectation(text=quoted[0]))
    text = _OPENING.sub("", " ".join(prompt.lower().split()).rstrip(" .!"))
    background = _BACKGROUND.search(text)
    things = _things(text[: background.start()] if background else text, knows)
    if things is None:
        return Proposal(None, NOT_UNDERSTOOD)
    left_out = tuple(thing.words for thing in things if not thing.known)
    known = [thing for thing in things if thing.known]
    if not known:
        return Proposal(None, NO_CLASS, left_out)
    once = {t.words for t in known if sum(o.words == t.words for o in known) == 1}
    exclude = [
        ObjectExpectation.model_validate({"class": t.words, "count": t.count + 1})
        for t in known
        if t.count > 1 and t.words in once
    ]
    color = _COLORS[background[1]] if background else None
    include = tuple(thing.wanted() for thing in known)
    return Proposal(
        Expectation(include=include, exclude=tuple(exclude), background=color), "", left_out
    )


def _things(text: str, knows: Knows) -> list[_Thing] | None:
    """What a phrase names, the one that a position is seen from first; None if not understood."""
    related = _RELATED.split(text, maxsplit=1)
    if len(related) == 1:
        return _listed(text, knows)
    left, word, right = related
    seen, origin = _listed(left, knows), _listed(right, knows)
    if seen is None or origin is None or _RELATED.search(right):
        return None
    relation = _RELATIONS[word]
    # From what the judge does not know, or from several things, no position can be measured.
    if relation and len(seen) == len(origin) == 1 and origin[0].known:
        seen[0].position = (relation, 0)
    return [*origin, *seen]


def _listed(text: str, knows: Knows) -> list[_Thing] | None:
    things = [_thing(part, knows) for part in _LISTED.split(text) if part]
    found = [thing for thing in things if thing is not None]
    return found if found and len(found) == len(things) else None


def _thing(phrase: str, knows: Knows) -> _Thing | None:
    """`two red cups` as what it names; None for anything that is no number, adjectives and noun."""
    first, *rest = words = phrase.split()
    count = int(first) if first.isdecimal() else _NUMBERS.get(first, 0)
    said = count > 0
    words = rest if said or first.isdecimal() else words
    thing, adjectives = _Thing("", count or 1), 0
    while words:
        name = _name(" ".join(words), thing.count, knows)
        if name is not None:
            # `toy cars` may be any number of them, and `Times Square` is no square.
            unsaid = not said and (adjectives or _plural(name, knows))
            if unsaid or first == "0":
                return None
            thing.words = name
            return thing
        word = words[0].removesuffix("-colored").removesuffix("-coloured")
        if word in _COLORS and len(words) > 1 and thing.color is None:
            thing.color = _COLORS[word]
            words = words[2:] if words[1] in ("colored", "coloured") else words[1:]
            continue
        if word in _SIZES and thing.size is None:
            thing.size = _SIZES[word]
        elif _NO_ADJECTIVE.fullmatch(word) or adjectives or len(words) == 1:
            return _unknown(phrase)
        else:
            adjectives += 1
        words = words[1:]
    return None


def _plural(name: str, knows: Knows) -> bool:
    return any(knows(word) for word in singulars(name)[1:])


def _unknown(phrase: str) -> _Thing | None:
    """A phrase whose noun the judge does not know; None where it may be a whole sentence."""
    words = [word for word in phrase.split() if word not in _NUMBERS]
    if not 0 < len(words) <= _MOST_WORDS or all(word in _COLORS for word in words):
        return None
    sentence = any(map(_NO_ADJECTIVE.fullmatch, words[:-1]))
    return None if sentence else _Thing(" ".join(words), known=False)


def _name(words: str, count: int, knows: Knows) -> str | None:
    """A noun as expectations call it: as it stands, of several in the singular; None if unknown."""
    if count > 1:
        single = next((word for word in singulars(words)[1:] if knows(word)), None)
        if single is not None:
            return single
    return words if knows(words) else None
