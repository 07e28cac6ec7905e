"""What answers say of single images, as labels: they correct the judge like those of `labels/`."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import NamedTuple

from imgassets.documents.answers import Answer, Seen
from imgassets.documents.contract import Endpoint
from imgassets.documents.labels import LabelFile, Labels
from imgassets.documents.project import Project
from imgassets.documents.prompts import Expectation
from imgassets.review.items import items_of

#: The metric that each kind of item judges, by the part of its id before the colon.
_JUDGES = {
    "object": "composition.correct",
    "count": "composition.correct",
    "relation": "composition.correct",
    "absent": "composition.correct",
    "text": "typography.exact",
    "background": "composition.background",
    "faces": "faces.count",
}


class ImageLabel(NamedTuple):
    """What one person said of one image: 1 where it shows all that a metric asks for, else 0."""

    image_key: str
    metric: str
    who: str
    value: float


def labels_with_answers(
    labels: LabelFile, answers: Iterable[Answer], project: Project, contract: Endpoint
) -> Labels:
    """Labels of `labels/` and those that answers give, the mean over people of each image.

    Where one person gave both for an image, the one of `labels/` counts: it was given for the
    metric itself.

    Args:
        labels: of the endpoint.
        answers: those that count (`AnswerFile.counted`); only pairs drawn at random give labels.
        project, contract: what images must show.
    """
    said = {(x.image_key, x.metric, x.who): x.value for x in answered(answers, project, contract)}
    said |= {(x.image_key, x.metric, x.who): x.value for x in labels.labels}
    by_image: dict[tuple[str, str], list[float]] = {}
    for (key, metric, _), value in said.items():
        by_image.setdefault((key, metric), []).append(value)
    return {image: math.fsum(values) / len(values) for image, values in by_image.items()}


def answered(
    answers: Iterable[Answer], project: Project, contract: Endpoint
) -> Iterator[ImageLabel]:
    """The labels that answers give, one a person, image and metric."""
    expected = project.expectations(contract)
    for answer in answers:
        expect = expected.get((answer.flow, answer.prompt_id))
        if not answer.drawn or expect is None:
            continue
        sides = (
            (answer.candidate_key, answer.correct.candidate),
            (answer.incumbent_key, answer.correct.incumbent),
        )
        for key, seen in sides:
            for metric, value in _values(expect, seen) if key else ():
                yield ImageLabel(str(key), metric, answer.who, value)


def _values(expect: Expectation, seen: Mapping[str, Seen]) -> Iterator[tuple[str, float]]:
    """The metrics whose items were all answered yes or no: 1 where all are there, else 0."""
    by_metric: dict[str, list[str]] = {}
    for item in items_of(expect):
        by_metric.setdefault(_JUDGES[item.id.partition(":")[0]], []).append(item.id)
    if any(wanted.size for wanted in (*expect.include, *expect.exclude)):
        # An item says the size as well, and the metric does not ask for it.
        by_metric.pop("composition.correct", None)
    for metric, ids in by_metric.items():
        said: Sequence[Seen | None] = [seen.get(name) for name in ids]
        if set(said) <= {"yes", "no"}:
            yield metric, float("no" not in said)
