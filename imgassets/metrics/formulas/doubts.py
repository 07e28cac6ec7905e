"""What an image may show where a detector cannot tell: one list of detections for each reading.

A verdict that is the same for all readings holds; any other image cannot be judged.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Sequence
from dataclasses import replace

from imgassets.documents.prompts import Expectation
from imgassets.judges.detectors import Detection, DetectorError

#: Doubtful objects of the classes asked for up to which every reading of an image is gone through.
MOST_DOUBTS = 6

_TAKEN = 0.91  # the confidence of a doubtful object where it is taken for one: enough to count


def readings(found: Sequence[Detection], expectation: Expectation) -> Iterator[list[Detection]]:
    """What an image may show: each doubtful object as each thing it may be.

    Args:
        found: detections of one image.
        expectation: doubts about classes it does not speak of are left alone.

    Yields:
        Detections without doubts of classes asked for; all of `found`, once, where there are none.

    Raises:
        DetectorError: for more than `MOST_DOUBTS` doubtful objects.
    """
    doubtful = _doubtful(found, expectation)
    if len(doubtful) > MOST_DOUBTS:
        raise DetectorError(
            f"{len(doubtful)} objects cannot be told: {described(found, expectation)}"
        )
    certain = [one for one in found if one not in doubtful]
    for classes in itertools.product(*(one.may_be for one in doubtful)):
        yield certain + [
            replace(one, class_=class_, score=max(one.score, _TAKEN))
            for one, class_ in zip(doubtful, classes, strict=True)
            if class_ is not None
        ]


def described(found: Sequence[Detection], expectation: Expectation) -> str:
    """Each doubtful object of the classes asked for: what it may be, where, and why."""
    return "; ".join(
        f"{_listed(one)} at ({', '.join(f'{corner:.0f}' for corner in one.box)}) {one.doubt}"
        for one in _doubtful(found, expectation)
    )


def _doubtful(found: Sequence[Detection], expectation: Expectation) -> list[Detection]:
    asked = {one.class_ for one in (*expectation.include, *expectation.exclude)}
    return [one for one in found if one.doubt and not asked.isdisjoint({one.class_, *one.may_be})]


def _listed(one: Detection) -> str:
    return " or ".join(f"a {class_}" if class_ else "no object" for class_ in one.may_be)
