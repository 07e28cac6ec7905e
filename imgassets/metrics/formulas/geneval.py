"""GenEval's rule: from the detections of one image to a verdict with its reasons.

Source: djghosh13/geneval (MIT), evaluation/evaluate_images.py and summary_scores.py; Ghosh et
al., NeurIPS 2023, arXiv 2310.11513. Nothing about pixels belongs here: what finds the objects is
a `Detector`.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np

from imgassets.documents.prompts import Expectation, ObjectExpectation
from imgassets.judges.detectors import Detection, without_overlaps

FaultKind = Literal["count", "shape", "color", "position"]
Objects = dict[str, list[Detection]]


@dataclass(frozen=True)
class Rule:
    """The numbers of the rule.

    Attributes:
        confidence: detections must be above it.
        counting_confidence: the same where objects are counted.
        max_objects: at most so many detections of a class are looked at, the surest first.
        max_overlap: of two boxes of a class with at least this IoU the less sure one goes; 1.0
            keeps both.
        position: share of the two boxes' summed sides by which their offset is reduced.
    """

    confidence: float
    counting_confidence: float
    max_objects: int
    max_overlap: float
    position: float


#: The published defaults. With `max_overlap=1.0` non-maximum suppression is off.
GENEVAL = Rule(
    confidence=0.3, counting_confidence=0.9, max_objects=16, max_overlap=1.0, position=0.1
)


@dataclass(frozen=True)
class Fault:
    """One thing wrong: its kind, and the sentence a person can check by looking."""

    kind: FaultKind
    reason: str


@dataclass(frozen=True)
class Verdict:
    """All that is wrong with an image; nothing when it is correct."""

    faults: tuple[Fault, ...]

    @property
    def correct(self) -> bool:
        return not self.faults

    @property
    def reason(self) -> str:
        return "; ".join(fault.reason for fault in self.faults)


def judge(detections: Iterable[Detection], expectation: Expectation, rule: Rule) -> Verdict:
    """GenEval's verdict on the detections of one image.

    All of `include` must hold and none of `exclude`. An `include` entry takes the surest `count`
    detections of its class: there must be so many, all of the color asked for, and each in the
    relation asked for to each of its target's. An entry that does not hold is no target.

    Deviations: reasons are worded for people; a `position` that points at a *later* entry, where
    GenEval breaks off with an IndexError, sees that entry by its count and color alone; detections
    of equal score stay in the order given.

    Args:
        detections: of one image.
        expectation: what it must show; text, size and background are not looked at here.
        rule: thresholds; `GENEVAL` is the published set.

    Returns:
        The verdict, with one fault for each entry that does not hold.
    """
    objects = kept(detections, expectation, rule)
    found = [_count_or_color_fault(wanted, objects, expectation) for wanted in expectation.include]
    targets = [
        None if fault else objects[wanted.class_][: wanted.count]
        for wanted, fault in zip(expectation.include, found, strict=True)
    ]
    for index in range(len(targets)):
        fault = _position_fault(index, targets, expectation, rule.position)
        if fault is not None:
            found[index], targets[index] = fault, None
    found += [_exclusion_fault(unwanted, objects) for unwanted in expectation.exclude]
    return Verdict(tuple(fault for fault in found if fault is not None))


def counts(expectation: Expectation) -> bool:
    """Whether the counting threshold applies: more than one object of a class is asked for.

    GenEval applies it to images tagged `counting`; of its six tasks that one, and only that one,
    asks for more than one (prompts/create_prompts.py), so the two definitions agree on its set.
    """
    return any(wanted.count > 1 for wanted in expectation.include)


def kept(detections: Iterable[Detection], expectation: Expectation, rule: Rule) -> Objects:
    """Detections the rule looks at, by class, the surest first; classes without any are absent."""
    bar = rule.counting_confidence if counts(expectation) else rule.confidence
    groups: Objects = {}
    for found in sorted(detections, key=lambda detection: -detection.score):
        if found.score > bar:
            groups.setdefault(found.class_, []).append(found)
    return {
        class_: without_overlaps(group[: rule.max_objects], rule.max_overlap)
        for class_, group in groups.items()
    }


def relations(box: Sequence[float], target: Sequence[float], position: float) -> set[str]:
    """Where a box lies as seen from a target: two relations on a diagonal, none when too close.

    The offset of the centers is reduced, in each direction, by `position` times the summed sides;
    what is left, over the length of the full offset, must exceed 0.5 in size (GenEval's
    `relative_position`).

    Args:
        box: (x0, y0, x1, y1), y pointing down.
        target: the same.
        position: 0.1 in GenEval.

    Returns:
        A subset of `left of`, `right of`, `above`, `below`.
    """
    a, b = (np.asarray(corners, np.float64).reshape(2, 2) for corners in (box, target))
    offset = a.mean(axis=0) - b.mean(axis=0)
    sides = np.abs(a[1] - a[0]) + np.abs(b[1] - b[0])
    reduced = np.maximum(np.abs(offset) - position * sides, 0.0) * np.sign(offset)
    if np.all(np.abs(reduced) < 1e-3):
        return set()
    dx, dy = (reduced / np.linalg.norm(offset)).tolist()
    held = {"left of": dx < -0.5, "right of": dx > 0.5, "above": dy < -0.5, "below": dy > 0.5}
    return {relation for relation, holds in held.items() if holds}


def task_means(rows: Iterable[tuple[str, float]]) -> dict[str, float]:
    """Share of correct images of each task, from (task, 0.0 or 1.0) of each image.

    Raises:
        ValueError: for a value that is not a number; a failed image has no score.
    """
    values: dict[str, list[float]] = {}
    for task, value in rows:
        if math.isnan(value):
            raise ValueError(
                f"task {task!r} has an image without a score; leave failed images out, they are "
                "counted as failures.rate"
            )
        values.setdefault(task, []).append(float(value))
    return {task: sum(group) / len(group) for task, group in values.items()}


def overall(rows: Iterable[tuple[str, float]]) -> float:
    """GenEval's overall score: the mean of the task means, not of the images.

    Args:
        rows: (task, value) of each image: its prompt's GenEval tag and `composition.correct`.

    Returns:
        0..1; higher is better.

    Raises:
        ValueError: without rows, or for a value that is not a number.
    """
    means = task_means(rows)
    if not means:
        raise ValueError("no images to average over; give at least one (task, value) row")
    return sum(means.values()) / len(means)


def _count_or_color_fault(
    wanted: ObjectExpectation, objects: Objects, expectation: Expectation
) -> Fault | None:
    found = objects.get(wanted.class_, [])[: wanted.count]
    if len(found) < wanted.count:
        asked = {other.class_ for other in (*expectation.include, *expectation.exclude)}
        others = [d for class_, group in objects.items() if class_ not in asked for d in group]
        seen = f"; saw {_listed(_name(d) for d in others)}" if others else ""
        reason = f"expected {wanted.count} {wanted.class_}, found {len(found)}{seen}"
        return Fault("shape" if others else "count", reason)
    colors = [detection.color or "no clear color" for detection in found]
    if wanted.color is None or colors.count(wanted.color) == wanted.count:
        return None
    if wanted.count == 1:
        return Fault("color", f"expected {wanted.color} {wanted.class_}, found {colors[0]}")
    reason = f"expected {wanted.count} {wanted.color} {wanted.class_}, found {_listed(colors)}"
    return Fault("color", reason)


def _position_fault(
    index: int,
    targets: Sequence[list[Detection] | None],
    expectation: Expectation,
    position: float,
) -> Fault | None:
    wanted, found = expectation.include[index], targets[index]
    if wanted.position is None or found is None:
        return None
    relation, aim = wanted.position
    aims, target = targets[aim], expectation.include[aim].class_
    if aims is None:
        return Fault(
            "position", f"no {target} as asked for that {wanted.class_} could be {relation}"
        )
    for one in found:
        for other in aims:
            held = relations(one.box, other.box, position)
            if relation not in held:
                seen = f"{' and '.join(sorted(held))} {target}" if held else "no clear side"
                expected = f"{wanted.class_} {relation} {target}"
                return Fault("position", f"expected {expected}, found {seen}")
    return None


def _exclusion_fault(unwanted: ObjectExpectation, objects: Objects) -> Fault | None:
    found = len(objects.get(unwanted.class_, []))
    if found < unwanted.count:
        return None
    limit = f"fewer than {unwanted.count}" if unwanted.count > 1 else "no"
    return Fault("count", f"expected {limit} {unwanted.class_}, found {found}")


def _name(found: Detection) -> str:
    return f"{found.color} {found.class_}" if found.color else found.class_


def _listed(names: Iterable[str]) -> str:
    """Names with their numbers, the most frequent first: `2 red and 1 orange`."""
    return " and ".join(f"{number} {name}" for name, number in Counter(names).most_common())
