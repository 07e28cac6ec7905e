"""Yes-or-no questions that follow from what a prompt expects, by rule.

After TIFA (Hu et al. 2023, arXiv 2303.11897), which has a language model write them; a rule asks
the same of each image and each run.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from imgassets.documents.prompts import Expectation, ObjectExpectation

_ODD_PLURALS = {
    "person": "people", "mouse": "mice", "knife": "knives", "sheep": "sheep", "child": "children",
    "man": "men", "woman": "women", "skis": "skis", "scissors": "scissors", "leaf": "leaves",
}  # fmt: skip
_SIDES = {"left of": "to the left of", "right of": "to the right of"}
ENDING = "Please answer yes or no."


@dataclass(frozen=True)
class Question:
    """A question about an image, and whether yes is right."""

    text: str
    yes: bool


def questions(wanted: Expectation) -> list[Question]:
    """What to ask of an image, in the order of its expectation; each question once.

    Each object: whether it is there; where more than one is asked for, whether there are exactly so
    many; its color; its place beside another. Each excluded object: whether it is there, or as many
    as are too many. The background's color. Sizes and text are not asked.
    """
    asked = dict.fromkeys(_asked(wanted))
    return [Question(f"{text} {ENDING}", yes) for text, yes in asked]


def _asked(wanted: Expectation) -> Iterator[tuple[str, bool]]:
    for one in wanted.include:
        yield from _of_object(one, wanted)
    for one in wanted.exclude:
        if one.count == 1:
            yield f"Is there {_a(one.class_)} in this picture?", False
        elif not _counted(one, wanted):
            many = plural(one.class_)
            yield f"Are there {one.count} or more {many} in this picture?", False
    if wanted.background is not None:
        yield f"Is the background of this picture {wanted.background}?", True


def _of_object(one: ObjectExpectation, wanted: Expectation) -> Iterator[tuple[str, bool]]:
    name, many = one.class_, plural(one.class_)
    yield f"Is there {_a(name)} in this picture?", True
    if one.count > 1:
        yield f"Are there exactly {one.count} {many} in this picture?", True
    elif any(o.class_ == name and o.count == 2 for o in wanted.exclude):
        yield f"Is there exactly one {name} in this picture?", True
    if one.color is not None:
        subject = f"Are the {many}" if one.count > 1 else f"Is the {name}"
        yield f"{subject} {one.color}?", True
    if one.position is not None:
        relation, target = one.position
        subject = f"Are the {many}" if one.count > 1 else f"Is the {name}"
        other = wanted.include[target]
        aim = plural(other.class_) if other.count > 1 else other.class_
        yield f"{subject} {_SIDES.get(relation, relation)} the {aim}?", True


def _counted(unwanted: ObjectExpectation, wanted: Expectation) -> bool:
    """Whether "exactly so many" asks already that there are not more."""
    return any(
        one.class_ == unwanted.class_ and one.count == unwanted.count - 1 for one in wanted.include
    )


def _a(name: str) -> str:
    if name in ("skis", "scissors"):
        return f"a pair of {name}"
    return f"{'an' if name[:1].lower() in 'aeiou' else 'a'} {name}"


def plural(name: str) -> str:
    """The plural of an object's name, by the usual rules of English: `wine glasses`, `people`."""
    start, _, last = name.rpartition(" ")
    head = f"{start} " if start else ""
    if last.lower() in _ODD_PLURALS:
        return head + _ODD_PLURALS[last.lower()]
    if last.endswith(("s", "x", "z", "ch", "sh")):
        return f"{head}{last}es"
    if last.endswith("y") and last[-2:-1] not in "aeiou":
        return f"{head}{last[:-1]}ies"
    return f"{head}{last}s"
