"""How many damaged JPEGs are refused, and how many harmlessly changed ones accepted.

    python -m imgassets_tests.benchmarks.jpeg_damage

What decides is the picture: whether a decoder that checks little makes other pixels of the changed
file than of the whole one. `inputs_page` puts the tables into docs/inputs.md.
"""

from __future__ import annotations

import warnings
from collections import Counter
from random import Random

import numpy as np
from PIL import Image

from imgassets.images.errors import RefusedError
from imgassets.images.normalize import normalize
from imgassets_tests.benchmarks.pages import table
from imgassets_tests.images import jpegs
from imgassets_tests.images.files import encoded

#: Files for each change and kind of JPEG.
EACH = 25
_BY_KIND = ("1 byte changed", "6 bytes changed", "150 bytes in a row changed")

#: (kind, change) to counts by (pixels are as before, accepted).
Outcomes = dict[tuple[str, str], Counter[tuple[bool, bool]]]


def outcomes(changes: dict[str, jpegs.Change], each: int = EACH, seed: int = 12) -> Outcomes:
    """What became of every kind of JPEG after every change."""
    random, found = Random(seed), Outcomes()
    for kind, whole in jpegs.kinds().items():
        picture = jpegs.pixels(whole)
        for name, change in changes.items():
            counts = found[kind, name] = Counter()
            for _ in range(each):
                changed = change(whole, random)
                counts[jpegs.pixels(changed) == picture, accepted(changed)] += 1
    return found


def accepted(data: bytes) -> bool:
    """Whether it is taken in."""
    try:
        normalize(data)
    except RefusedError:
        return False
    return True


def whole_files() -> tuple[int, int]:
    """(whole JPEGs of every kind, quality and extreme content, how many of them are refused)."""
    random = np.random.default_rng(0)
    pictures = [
        (np.kron(random.integers(0, 2, (16, 15, 3)), np.ones((8, 8, 1))) * 255).astype(np.uint8),
        (random.integers(0, 2, (60, 64, 3)) * 255).astype(np.uint8),
        random.integers(0, 256, (50, 67, 3), dtype=np.uint8),
        *(np.full((33, 47, 3), color, np.uint8) for color in ((255, 255, 255), (0, 0, 255))),
    ]
    options: list[dict[str, int]] = [
        {}, {"subsampling": 0}, {"progressive": 1}, {"optimize": 1},
        {"restart_marker_rows": 1}, {"progressive": 1, "restart_marker_blocks": 2},
    ]  # fmt: skip
    taken = [
        accepted(encoded("JPEG", Image.fromarray(pixels).convert(mode), quality=quality, **how))
        for pixels in pictures
        for quality in (1, 5, 10, 25, 50, 75, 90, 95, 100)
        for how in options
        for mode in ("RGB", "L", "CMYK")
    ]
    return len(taken), taken.count(False)


def tables() -> str:
    """The tables of the page, and how they were measured."""
    lost, same = outcomes(jpegs.LOSSES), outcomes(jpegs.HARMLESS)
    rows = [_row(name, lost) for name in jpegs.LOSSES] + [_row(n, same) for n in jpegs.HARMLESS]
    head = ["change", "files", "of those with other pixels, refused", "of the others, accepted"]
    by_kind = [[kind, *(_share(lost[kind, n], False) for n in _BY_KIND)] for kind in jpegs.kinds()]
    count, refused = whole_files()
    number = sum(sum(c.values()) for c in (*lost.values(), *same.values()))
    return "\n".join(
        [
            f"{number:,} files: {len(jpegs.kinds())} kinds of JPEG (160 px a side), each changed "
            f"{EACH} times in every way. Of {count:,} whole files (noise, blocks and flat colors "
            f"of qualities 1 to 100), {refused} were refused.\n",
            table(head, rows),
            "Refused, by kind of JPEG:\n",
            table(["kind", *_BY_KIND], by_kind),
        ]
    )


def _row(name: str, found: Outcomes) -> list[str]:
    counts = sum((c for (_, change), c in found.items() if change == name), Counter())
    return [name, f"{sum(counts.values())}", _share(counts, False), _share(counts, True)]


def _share(counts: Counter[tuple[bool, bool]], same: bool) -> str:
    """Share judged rightly of those whose pixels are the same, or are not."""
    number = counts[same, True] + counts[same, False]
    return f"{counts[same, same] / number:.1%} of {number}" if number else ""


if __name__ == "__main__":
    warnings.simplefilter("ignore")
    print(tables())
