"""Which characters does the reader take for others? Writes imgassets/judges/ocr_lookalikes.json.

Every character that the recognizer's dictionary and the font both hold (CJK aside: no font here
has it) is rendered among sure neighbours in 6 fonts. Those that prompts use (ASCII, Latin with
accents, punctuation, money) are shown at 4 letter heights, letters among capitals and among small
letters alike; Greek and the rest of the symbols at 2. Letters are also shown alone, three times
in a row: those whose case the reader cannot tell then differ by size alone.

    python -m imgassets_tests.benchmarks.typography_lookalikes [--seed 0]
"""

from __future__ import annotations

import argparse
import functools
import json
import random
import re
import string
from collections import Counter, defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field
from importlib.metadata import version
from pathlib import Path

import numpy as np
from fontTools.ttLib import TTFont
from PIL import Image, ImageDraw

from imgassets.documents.visible_text import comparable
from imgassets.judges.ocr import prepare_line, read_text, recognize
from imgassets.judges.ocr_letters import dictionary
from imgassets.tiny.scenes import sample_scene
from imgassets_tests.benchmarks.typography_accuracy import FONTS, ROOT, font_of

PATH = ROOT / "imgassets/judges/ocr_lookalikes.json"
HEIGHTS = (12, 20, 32, 48)
#: Two characters are measured in one line, each among these.
CAPITALS, SMALL = ("HE", "MN", "RT"), ("he", "mn", "rt")
CODES, SCENES = 100, 400
#: Seen less often, a confusion is not written down.
MIN_TIMES = 2


def common(character: str) -> bool:
    """Whether prompts use it: ASCII, Latin with accents, punctuation, money, ™ № ℃ and the like."""
    code = ord(character)
    return code < 0x180 or (0x2010 <= code < 0x2150 and code not in range(0x2070, 0x20A0))


def characters() -> list[str]:
    """Single visible characters of the dictionary, CJK aside, and compatible ones outside of it."""
    known = dictionary()
    compatible = {
        c
        for c in map(chr, (*range(0x2010, 0x2190), *range(0xFB00, 0xFB07)))
        if c not in known and comparable(c) and known.issuperset(comparable(c))
    }
    return sorted(compatible | {c for c in known if len(c) == 1 and 0x20 < ord(c) < 0x2E80})


@dataclass
class Tally:
    """What characters were read as in one place, and in which font and height they were misread."""

    place: str
    seen: dict[str, Counter] = field(default_factory=lambda: defaultdict(Counter))
    fonts: dict[tuple[str, str], Counter] = field(default_factory=lambda: defaultdict(Counter))
    heights: dict[tuple[str, str], Counter] = field(default_factory=lambda: defaultdict(Counter))

    def note(self, shown: str, as_what: str, font: str, height: int) -> None:
        self.seen[shown][as_what] += 1
        self.fonts[shown, as_what][font] += 1
        self.heights[shown, as_what][height] += 1

    def rows(self) -> list[dict[str, object]]:
        """One row a confusion; fonts and heights in the order of the document's."""
        return [
            {
                "shown": shown,
                "read": as_what,
                "times": fonts.total(),
                "of": self.seen[shown].total(),
                "place": self.place,
                "fonts": [fonts[font] for font in FONTS],
                "heights": [self.heights[shown, as_what][height] for height in HEIGHTS],
            }
            for (shown, as_what), fonts in self.fonts.items()
            if as_what != shown and fonts.total() >= MIN_TIMES
        ]


@functools.cache
def held(name: str) -> set[str]:
    """The characters a font has glyphs for."""
    font = font_of(name, 20)
    source = font.path
    if not isinstance(source, (str, Path)):
        source.seek(0)
    return {chr(code) for code in TTFont(source).getBestCmap()}


def line(text: str, font: str, height: int) -> np.ndarray:
    """The text, black on white, as the detector would cut it out."""
    face = font_of(font, height)
    left, top, right, bottom = face.getbbox(text)
    canvas = Image.new("L", (round(right - left) + height, round(bottom - top) + height), 255)
    place = (height // 2 - left, height // 2 - top)
    ImageDraw.Draw(canvas).text(place, text, font=face, fill=0)
    return np.asarray(canvas.convert("RGB"))


def read(text: str, font: str, height: int) -> str:
    return recognize(prepare_line(line(text, font, height))[0])[0].replace(" ", "")


def neighbours(characters: list[str], height: int, rng: random.Random) -> list[tuple[str, ...]]:
    """Capitals beside capitals and small letters beside small ones; at two heights both for all."""
    both = [CAPITALS, SMALL]
    if height in HEIGHTS[1:3] and common(characters[0]):
        return both
    if characters[0].isupper():
        return [CAPITALS]
    return [SMALL] if characters[0].islower() else [rng.choice(both)]


def among_letters(rng: random.Random, chosen: Sequence[str]) -> Tally:
    """Each character between sure neighbours."""
    tally = Tally("among letters")
    for font in FONTS:
        shown = [c for c in chosen if c in held(font)]
        for height in HEIGHTS:
            for group in groups([c for c in shown if common(c) or height == HEIGHTS[1]]):
                for beside in neighbours(group, height, rng):
                    rng.shuffle(group)
                    for one, two in zip(group[::2], group[1::2] + group[:1], strict=False):
                        for character, as_what in read_two(one, two, beside, font, height):
                            tally.note(character, as_what, font, height)
    return tally


def in_codes(rng: random.Random) -> Tally:
    """Letters and digits in random codes: no word helps."""
    tally = Tally("in codes")
    kinds = (string.ascii_uppercase + string.digits, string.ascii_letters + string.digits)
    for font in FONTS:
        for height in HEIGHTS[1:3]:
            for number in range(CODES):
                code = "".join(rng.choices(kinds[number % 2], k=rng.randint(1, 5)))
                text = read(code, font, height)
                if len(text) == len(code):
                    for character, as_what in zip(code, text, strict=True):
                        tally.note(character, as_what, font, height)
    return tally


def in_scenes(rng: random.Random) -> Tally:
    """Letters and digits in the scenes of the tiny models, in Pillow's bundled font."""
    tally = Tally("in drawn scenes")
    for _ in range(SCENES):
        scene = sample_scene(rng, "text")
        reading = read_text(np.asarray(scene.render(96)))
        if len(reading.text) == len(scene.text.text):
            height = min(HEIGHTS, key=lambda h: abs(h - reading.lines[0].ink_height))
            for character, as_what in zip(scene.text.text, reading.text, strict=True):
                tally.note(character, as_what, "", height)
    return tally


def groups(shown: list[str]) -> list[list[str]]:
    """Characters that are shown beside the same neighbours."""
    found: dict[tuple[bool, ...], list[str]] = defaultdict(list)
    for c in shown:
        found[common(c), c.isupper(), c.islower()].append(c)
    return list(found.values())


def read_two(
    one: str, two: str, beside: tuple[str, ...], font: str, height: int
) -> list[tuple[str, str]]:
    """(shown, read) of two characters among neighbours; nothing if the neighbours are misread."""
    start, middle, end = beside
    text = read(start + one + middle + two + end, font, height)
    # Neighbours may be read in the wrong case; what matters is between them.
    found = re.fullmatch(f"(?i:{start})(.*?)(?i:{middle})(.*?)(?i:{end})", text)
    return list(zip((one, two), found.groups(), strict=True)) if found else []


def alone() -> dict[str, Counter]:
    """What each letter with two cases is read as, three times in a row and nothing beside it."""
    seen: dict[str, Counter] = defaultdict(Counter)
    for font in FONTS:
        has = held(font)
        for character in characters():
            if ord(character) < 0x180 and character in has and character.swapcase() in has:
                for height in HEIGHTS[1:3]:
                    if len(character.swapcase()) == 1 and character.isalpha():
                        seen[character][read(character * 3, font, height)] += 1
    return seen


def size_letters(seen: dict[str, Counter]) -> list[dict[str, object]]:
    """Letters that alone are read in the other case (ooo as OOO, or as 000): shown, times, of."""
    found = []
    for character, counts in sorted(seen.items()):
        others = (character.swapcase(), "0" if character in "oO" else character.swapcase())
        times = sum(n for text, n in counts.items() if any(other in text for other in others))
        if times:
            found.append({"shown": character, "times": times, "of": counts.total()})
    return found


def write(tallies: Sequence[Tally], by_size: list[dict[str, object]]) -> None:
    """The table, one row a line: a change is read in a diff."""
    seen = [(c, n) for tally in tallies for c, n in tally.seen.items()]
    rows = [row for tally in tallies for row in tally.rows()]
    document = {
        "made_by": "imgassets_tests/benchmarks/typography_lookalikes.py",
        "engine": f"PP-OCRv6 small, rapidocr {version('rapidocr')}, "
        f"onnxruntime {version('onnxruntime')}",
        "fonts": [name or "Pillow default" for name in FONTS],
        "heights": HEIGHTS,
        "characters": len({c for c, _ in seen}),
        "shown": sum(n.total() for _, n in seen),
        "right": sum(n[c] for c, n in seen),
        "case_by_size": by_size,
        "confused": sorted(rows, key=lambda r: (r["shown"], -r["times"] / r["of"])),
    }
    dumped = json.dumps(document, ensure_ascii=False, separators=(",", ":"))
    PATH.write_text(dumped.replace('{"shown"', '\n{"shown"') + "\n", encoding="utf-8")


def main() -> None:
    """Measures and writes the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seed", type=int, default=0)
    rng = random.Random(parser.parse_args().seed)
    tallies = [among_letters(rng, characters()), in_codes(rng), in_scenes(rng)]
    write(tallies, size_letters(alone()))


if __name__ == "__main__":
    main()
