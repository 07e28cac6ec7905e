"""Capital or small: letters such as c and C differ by size alone, so their size decides.

The recognizer looks at one line scaled to its own height, and so calls a word made of such letters
capitals, whatever it was. Here the height of each of them is held against the letters beside it:

- against letters whose case shows in their shape: capitals, digits and b, d, f, h, k, l, t are
  tall, a, e, m, n, r and the like (i without its dot) are short;
- without those, against each other: "Zoo" has one tall letter and two short ones;
- all of one height and nothing to hold them against: their case cannot be told. Both readings are
  kept, and `typography` says so.

Where letters touch (a script font) no height can be measured. The reading then stays, unless it is
made of such letters alone and all are in one case.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np

from imgassets.images.pixels import Pixels
from imgassets.judges.ocr_lookalikes import size_letters

_TALL = frozenset("ABDEFGHIKLMNPRTUYbdfhklt0123456789!?&")
_SHORT = frozenset("aemnrugpqyij")
_DESCENDS = frozenset("gjpqyQJ,;")
#: Small letters are .66 to .80 of the height of capitals in the usual fonts: half way to 1.
_TO_TALL, _TO_SHORT = 0.88, 1.14
#: How far from the border, as a factor, a height must be to outvote the recognizer.
_CLEAR = 1.06
#: Gray level below which a pixel of a prepared line is ink.
_INK = 128


@dataclass(frozen=True)
class Glyph:
    """One letter as drawn: `top` and `bottom` of its largest part, in rows of the line."""

    top: int
    bottom: int


def settle_case(text: str, line: Pixels) -> tuple[str, str]:
    """The text with the case of its size-only letters as measured.

    Args:
        text: what the recognizer read.
        line: uint8 (h, w, 3), dark on white, as `ocr.prepare_line` makes it.

    Returns:
        `(text, other)`: `other` is the same text with these letters in the other case where
        nothing tells which of the two it is, and empty where it is told.
    """
    letters = [c for c in text if not c.isspace()]
    at = [i for i, c in enumerate(letters) if _differs_by_size(c)]
    if not at:
        return text, ""
    glyphs = find_glyphs(line)
    if len(glyphs) == len(letters):
        settled = _by_height(letters, at, _heights(letters, glyphs))
    else:
        settled = letters if _references(letters) or _mixed(letters, at) else None
    if settled is not None:
        return _spread(text, settled), ""
    upper = [c.upper() if i in at else c for i, c in enumerate(letters)]
    lower = [c.lower() if i in at else c for i, c in enumerate(letters)]
    return _spread(text, upper), _spread(text, lower)


def find_glyphs(line: Pixels) -> list[Glyph]:
    """The letters of a line from left to right; parts above each other (i, é) are one."""
    import cv2

    ink = (line[..., 0] < _INK).astype(np.uint8)
    if ink[[0, -1]].any() or ink[:, [0, -1]].any():  # a photograph, not ink on paper
        return []
    _, _, stats, _ = cv2.connectedComponentsWithStats(ink, connectivity=8)
    parts = sorted((int(x), int(x + w), int(y), int(y + h), int(a)) for x, y, w, h, a in stats[1:])
    least = max(4, 0.0005 * line.shape[0] ** 2)
    groups: list[list[tuple[int, int, int, int, int]]] = []
    for part in (p for p in parts if p[4] >= least):
        if groups and _above_each_other(groups[-1], part):
            groups[-1].append(part)
        else:
            groups.append([part])
    largest = (max(group, key=lambda p: p[4]) for group in groups)
    return [Glyph(part[2], part[3]) for part in largest]


def _above_each_other(group: Sequence[Sequence[int]], part: Sequence[int]) -> bool:
    left, right = min(p[0] for p in group), max(p[1] for p in group)
    overlap = min(right, part[1]) - max(left, part[0])
    return overlap > 0.5 * min(right - left, part[1] - part[0])


def _differs_by_size(character: str) -> bool:
    base = unicodedata.normalize("NFD", character)[0]
    return not size_letters().isdisjoint({character, base}) and len(character.swapcase()) == 1


def _references(letters: Iterable[str]) -> bool:
    return any(c in _TALL or c in _SHORT for c in letters if not _differs_by_size(c))


def _mixed(letters: Sequence[str], at: Sequence[int]) -> bool:
    """Whether letters were read in both cases: the recognizer saw them in two sizes."""
    return len({letters[i].isupper() for i in at}) == 2


def _heights(letters: Sequence[str], glyphs: Sequence[Glyph]) -> list[float]:
    """Height of each letter above the line's baseline, in rows."""
    standing = [g.bottom for c, g in zip(letters, glyphs, strict=True)
                if c.isalnum() and c not in _DESCENDS]  # fmt: skip
    baseline = float(np.median(standing))
    return [baseline - g.top for g in glyphs]


def _by_height(letters: list[str], at: Sequence[int], heights: Sequence[float]) -> list[str] | None:
    """The letters in their measured case; None where all are of one height without a measure."""
    border = _border(letters, at, heights)
    if border is None:
        return None
    settled = list(letters)
    for i in at:
        # Near the border the recognizer's word stands: a few pixels decide nothing.
        if not 1 / _CLEAR < heights[i] / border < _CLEAR:
            settled[i] = letters[i].upper() if heights[i] > border else letters[i].lower()
    return settled


def _border(letters: Sequence[str], at: Sequence[int], heights: Sequence[float]) -> float | None:
    """The height from which on a letter is a capital."""
    known = [(c, h) for i, (c, h) in enumerate(zip(letters, heights, strict=True)) if i not in at]
    tall = [h for c, h in known if c in _TALL]
    short = [h for c, h in known if c in _SHORT]
    if tall and short:
        return float(np.median(tall) + np.median(short)) / 2
    if tall:
        return _TO_TALL * float(np.median(tall))
    if short:
        return _TO_SHORT * float(np.median(short))
    low, high = min(heights[i] for i in at), max(heights[i] for i in at)
    return (low + high) / 2 if high > _TO_SHORT * low else None


def _spread(text: str, letters: Sequence[str]) -> str:
    """The text with its letters replaced, spaces where they were."""
    following = iter(letters)
    return "".join(c if c.isspace() else next(following) for c in text)
