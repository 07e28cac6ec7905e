"""How often a judge is right: its verdicts on labelled images against the labels."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from imgassets.documents.judge import AnyJudge, Clip
from imgassets.documents.judge_labels import JudgeLabel
from imgassets.images.errors import RefusedError
from imgassets.images.intake import read_file
from imgassets.images.normalize import normalize
from imgassets.images.pixels import BadImageError, Pixels
from imgassets.judges.errors import JudgeError
from imgassets.metrics.scores import Score
from imgassets.storage.calibrations import Accuracy, Calibration, Interval

#: Called with how many images are done and how many there are.
Progress = Callable[[int, int], None]
Scorer = Callable[[Pixels, JudgeLabel], Sequence[Score]]


@dataclass(frozen=True)
class Judged:
    """What a judge said of one labelled image.

    Attributes:
        label: the image, what it must show, and whether it does.
        said: whether the judge says so; None where it could not judge.
        reason: why not, in the judge's words.
    """

    label: JudgeLabel
    said: bool | None
    reason: str

    @property
    def wrong(self) -> bool:
        """Whether the judge says other than the label."""
        return self.said is not None and self.said != self.label.correct


def judged(
    document: AnyJudge,
    judge: Any,
    labels: Sequence[JudgeLabel],
    images: Path,
    progress: Progress = lambda *_: None,
) -> list[Judged]:
    """What a judge says of labelled images, in their order.

    Args:
        document: the judge.
        judge: the same, opened.
        labels: see `documents.judge_labels`.
        images: the folder they are in.
        progress: called after each.

    Raises:
        JudgeError: a judge that calls nothing right or wrong.
    """
    score, found = _scorer(document, judge), []
    for done, label in enumerate(labels, 1):
        found.append(_one(score, label, images))
        progress(done, len(labels))
    return found


def calibration(name: str, what: str, found: Sequence[Judged]) -> Calibration:
    """How often a judge was right, over all tasks and by task, each with its 95 % interval.

    Args:
        name: of the judge.
        what: the images are, in words.
        found: what it said of them.

    Raises:
        JudgeError: it could judge none of the images.
    """
    able = [one for one in found if one.said is not None]
    if not able:
        first = found[0].reason if found else "there are no labels"
        raise JudgeError(f"judge {name} could judge none of {len(found)} images: {first}")
    by_task: dict[str, list[Judged]] = {}
    for one in able:
        by_task.setdefault(one.label.kind_of_task, []).append(one)
    return Calibration(
        name,
        what,
        len(found),
        len(found) - len(able),
        _accuracy(able),
        {task: _accuracy(part) for task, part in sorted(by_task.items())},
    )


def _one(score: Scorer, label: JudgeLabel, images: Path) -> Judged:
    try:
        pixels = np.asarray(normalize(read_file(images / label.image)).image)
        scores = score(pixels, label)
    except (RefusedError, JudgeError, BadImageError) as error:
        return Judged(label, None, str(error))
    if not scores:
        return Judged(label, None, "nothing of what is expected is for this judge")
    reasons = "; ".join(s.reason for s in scores if s.reason)
    return Judged(label, all(s.value >= 1.0 for s in scores), reasons)


def _scorer(document: AnyJudge, judge: Any) -> Scorer:
    family = document.families[0]
    if isinstance(document, Clip):
        raise JudgeError(
            f"judge {document.judge} says how near image and prompt are, not whether an image is "
            "right; let people label images of the endpoint instead (docs/decision.md)"
        )
    if family == "composition":
        from imgassets.metrics.formulas import composition

        return lambda pixels, label: composition.score(pixels, label.expect, judge)
    if family == "faces":
        from imgassets.metrics.formulas.faces import scored_by

        count = scored_by(judge)
        return lambda pixels, label: [
            s for s in count(pixels, label.expect) if s.metric == "faces.count"
        ]
    from imgassets.metrics.formulas.alignment import yes_or_no

    return lambda pixels, label: yes_or_no(judge, pixels, label.prompt, label.expect)


def _accuracy(found: Sequence[Judged]) -> Accuracy:
    agree = sum(one.said == one.label.correct for one in found)
    both = sum(bool(one.said) and one.label.correct for one in found)
    called, right = sum(bool(one.said) for one in found), sum(one.label.correct for one in found)
    return Accuracy(
        len(found),
        _share(agree, len(found)),
        _share(both, called) if called else None,
        _share(both, right) if right else None,
    )


def _share(count: int, of: int) -> Interval:
    """Wilson's 95 % interval."""
    from scipy.stats import binomtest

    bounds = binomtest(count, of).proportion_ci(0.95, method="wilson")
    return count / of, float(bounds.low), float(bounds.high)
