"""The order in which the lines of an image are read.

A detector reports boxes from top to bottom by their upper edge; words of unequal size on one line
then come out of order. Here boxes are cut into rows, each row into columns, and so on (recursive
XY cut; Nagy, Seth 1984), after turning all boxes upright together.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np

#: Boxes that overlap by more than this share of the smaller one stand beside each other.
_BESIDE = 0.5

_Box = tuple[float, float, float, float]


def reading_order(quads: Sequence[np.ndarray]) -> list[int]:
    """Indices of the quads in the order they are read.

    Args:
        quads: corners of each line, float (4, 2), `x, y`, clockwise from top left.

    Returns:
        A permutation of `range(len(quads))`: rows from top to bottom, within a row from left to
        right; lines stacked beside a taller one are read together.
    """
    boxes = _upright(quads)
    return _ordered(list(range(len(quads))), boxes)


def _upright(quads: Sequence[np.ndarray]) -> list[_Box]:
    """Boxes `(x0, y0, x1, y1)` after the common slant of the lines is turned back."""
    if not quads:
        return []
    edges = np.array([quad[1] - quad[0] for quad in quads])
    # The sum weighs long lines, whose slant is known best.
    angle = np.arctan2(*edges.sum(axis=0)[::-1])
    cos, sin = np.cos(angle), np.sin(angle)
    turned = [quad @ np.array([[cos, -sin], [sin, cos]]) for quad in quads]
    return [
        (float(x0), float(y0), float(x1), float(y1))
        for (x0, y0), (x1, y1) in ((t.min(axis=0), t.max(axis=0)) for t in turned)
    ]


def _ordered(indices: list[int], boxes: Sequence[_Box]) -> list[int]:
    if len(indices) < 2:
        return indices
    rows = _groups(indices, lambda i: (boxes[i][1], boxes[i][3]))
    if len(rows) > 1:
        return [i for row in rows for i in _ordered(row, boxes)]
    columns = _groups(indices, lambda i: (boxes[i][0], boxes[i][2]))
    if len(columns) > 1:
        return [i for column in columns for i in _ordered(column, boxes)]
    return sorted(indices, key=lambda i: (boxes[i][0], boxes[i][1]))


def _groups(indices: list[int], span: Callable[[int], tuple[float, float]]) -> list[list[int]]:
    """Indices whose spans stand beside each other, directly or through others; in order."""
    groups: list[list[int]] = []
    for i in indices:
        joined = [g for g in groups if any(_beside(span(i), span(j)) for j in g)]
        groups = [g for g in groups if g not in joined] + [[i, *(j for g in joined for j in g)]]
    return sorted(groups, key=lambda g: np.mean([sum(span(i)) for i in g]))


def _beside(one: tuple[float, float], two: tuple[float, float]) -> bool:
    overlap = min(one[1], two[1]) - max(one[0], two[0])
    return overlap > _BESIDE * min(one[1] - one[0], two[1] - two[0])
