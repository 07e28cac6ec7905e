"""What the rules of typography cost and gain: right texts accepted, wrong texts let pass.

Every right text is drawn as asked; every wrong one differs from what was asked in one known way.
Before: NFKC, four pairs of look-alikes, Unicode's So left out (version 1 of the family). After:
today's rules. Writes the end of docs/metrics/typography.md.

    python -m imgassets_tests.benchmarks.typography_price [--seed 0]
"""

# ruff: noqa: RUF001 - characters that look like others are what this script is about
from __future__ import annotations

import argparse
import math
import random
import unicodedata
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from imgassets.documents.visible_text import comparable
from imgassets.judges import ocr
from imgassets.judges.ocr_lookalikes import LEAST_SHARE, readings, size_letters, table
from imgassets.metrics.formulas.typography import score_reading
from imgassets_tests.benchmarks import pages
from imgassets_tests.benchmarks.typography_accuracy import FONTS, WORDS, rendered
from imgassets_tests.benchmarks.typography_lookalikes import held

TEXT = Path(__file__).with_name("typography_text.md")
HEIGHTS = (16, 32)
#: Words of letters that differ by size alone; each in small letters, capitals and both.
SIZE_WORDS = (
    "cocos", "wow", "zoo", "sos", "vox", "ox", "cox", "voss", "wox", "coco",
    "zoos", "xocs", "vows", "cows", "sows", "scow", "woo", "coo", "soz", "zos",
)  # fmt: skip
_OLD = {"0": "O", "1": "I", "l": "I", "|": "I"}


@dataclass(frozen=True)
class Case:
    """A text asked for and the text drawn, which is right if they are the same."""

    kind: str
    asked: str
    drawn: str


def before(asked: str, read: str) -> bool:
    """`typography.exact` of version 1."""

    def folded(text: str) -> str:
        kept = "".join(c for c in text if c in asked or unicodedata.category(c) != "So")
        plain = " ".join(unicodedata.normalize("NFKC", kept).split())
        return "".join(_OLD.get(c, c) for c in plain)

    return folded(asked) == folded(read)


def right(rng: random.Random) -> list[Case]:
    """Texts drawn as asked, or so that no one can see a difference."""
    cases = [
        Case("words of c, o, s, v, w, x, z alone", form, form)
        for word in SIZE_WORDS
        for form in (word, word.upper(), word.title())
    ]
    letters = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789"
    codes = ["".join(rng.choices(letters, k=6)) for _ in range(40)]
    cases += [Case("random letters and digits", code, code) for code in codes]
    signs = "’“”–—…½¼²°℃№™®©€£×·!?&%#@"
    marked = [f"{rng.choice(WORDS)} {rng.choice(signs)}{rng.randint(2, 99)}" for _ in range(40)]
    cases += [Case("a word, a sign and a number", text, text) for text in marked]
    foreign = _accented(rng)
    return cases + [Case("a word with an accent", text, text) for text in foreign]


def wrong(rng: random.Random) -> list[Case]:
    """Texts drawn with one planted fault."""
    cases = []
    for kind, fault in FAULTS.items():
        for _ in range(30):
            asked = rng.choice(WORDS) + " " + "".join(rng.choices("ABCDEFHKMNPRTabdefhk2347", k=4))
            cases.append(Case(kind, asked, fault(rng, asked)))
    for shown, reads in sorted(readings().items()):
        for as_what in sorted(reads):
            if shown.isascii() and as_what.isascii():
                asked, drawn = (f"Hotel {x}4" for x in (shown, as_what))
                cases.append(Case("a folded pair planted (ASCII)", asked, drawn))
    for word in SIZE_WORDS:
        forms = (word, word.upper(), word.title())
        cases += [
            Case(_case_kind(asked, drawn), asked, drawn)
            for asked in forms for drawn in forms if asked != drawn
        ]  # fmt: skip
    return cases + accents_left_out(rng)


def accents_left_out(rng: random.Random) -> list[Case]:
    """Drawn without the accent that was asked for."""
    return [
        Case("an accent left out", asked, plain)
        for asked in _accented(rng)
        for plain in ["".join(c for c in unicodedata.normalize("NFD", asked) if c.isascii())]
        if len(plain) == len(asked)
    ]


def _accented(rng: random.Random) -> list[str]:
    accents = "ÀÁÂÃÄÅÇÈÉÊËÍÎÏÑÓÔÕÖØÚÛÜàáâãäåçèéêëíîïñóôõöøúûüß"
    return [_replaced(rng, rng.choice(WORDS), rng.choice(accents)) for _ in range(40)]


def _case_kind(asked: str, drawn: str) -> str:
    title = "first letter" if asked.istitle() or drawn.istitle() else "whole word"
    return f"wrong case of c, o, s, v, w, x, z alone: {title}"


def _replaced(rng: random.Random, text: str, letter: str) -> str:
    at = rng.randrange(len(text))
    return text[:at] + letter + text[at + 1 :]


def _other_letter(rng: random.Random, text: str) -> str:
    at = rng.choice([i for i, c in enumerate(text) if c.isalpha()])
    others = "abcdefghijklmnopqrstuvwxyz"
    others = others.upper() if text[at].isupper() else others
    return text[:at] + rng.choice(others.replace(text[at], "")) + text[at + 1 :]


def _one_letter_less(rng: random.Random, text: str) -> str:
    at = rng.choice([i for i, c in enumerate(text) if c != " "])
    return text[:at] + text[at + 1 :]


def _other_case(rng: random.Random, text: str) -> str:
    sized = size_letters()
    at = rng.choice([i for i, c in enumerate(text) if c.isalpha() and c not in sized])
    return text[:at] + text[at].swapcase() + text[at + 1 :]


FAULTS: dict[str, Callable[[random.Random, str], str]] = {
    "another letter": _other_letter,
    "a letter missing": _one_letter_less,
    "a letter twice": lambda rng, t: _doubled(t, rng.randrange(len(t))),
    "another case (letters of two shapes)": _other_case,
    "an unasked sign behind": lambda rng, t: t + rng.choice("!?.,:;-–—©®™*+%&#°’”…"),
    "an unasked sign before": lambda rng, t: rng.choice("!?-–—©®*+&#“‘€$") + t,
}


def _doubled(text: str, at: int) -> str:
    at = at if text[at] != " " else at + 1
    return text[:at] + text[at] + text[at:]


def judged(cases: list[Case], rng: random.Random) -> dict[str, list[tuple[bool, bool, float]]]:
    """Accepted before, accepted after, and strict (NaN: cannot be judged), by kind."""
    found: dict[str, list[tuple[bool, bool, float]]] = {}
    for number, case in enumerate(cases):
        fonts = [font for font in FONTS if held(font).issuperset(case.drawn.replace(" ", ""))]
        font, height = fonts[number % len(fonts)], HEIGHTS[number % len(HEIGHTS)]
        image = rendered(rng, height, font, "100 on 220", 0, case.drawn).image
        reading, as_recognized = read(image)
        values = {s.metric: s.value for s in score_reading(reading, case.asked)}
        found.setdefault(case.kind, []).append(
            (
                before(case.asked, as_recognized),
                values["typography.exact"] == 1.0,
                values["typography.strict"],
            )
        )
    return found


def read(image: np.ndarray) -> tuple[ocr.Reading, str]:
    """What is read, and the same with the case that the recognizer said."""
    as_recognized: dict[str, str] = {}
    settle = ocr.settle_case

    def settle_and_note(text: str, line: np.ndarray) -> tuple[str, str]:
        settled = settle(text, line)
        as_recognized[settled[0]] = text
        return settled

    ocr.settle_case = settle_and_note
    try:
        reading = ocr.read_text(image)
    finally:
        ocr.settle_case = settle
    return reading, " ".join(as_recognized[line.text] for line in reading.lines)


def rows(found: dict[str, list[tuple[bool, bool, float]]]) -> list[list[str]]:
    """Counts by kind."""
    return [
        [
            kind,
            str(len(values)),
            str(sum(v[0] for v in values)),
            str(sum(v[1] for v in values)),
            str(sum(v[2] == 1.0 for v in values)),
            str(sum(math.isnan(v[2]) for v in values)),
        ]
        for kind, values in found.items()
    ]


def pairs() -> str:
    """The forgiven pairs of ASCII in words."""
    shown = [
        f"`{row['shown']}` as `{row['read']}` ({row['times']} of {row['of']} {row['place']})"
        for row in table()["confused"]
        if row["shown"].isascii() and row["times"] / row["of"] >= LEAST_SHARE
        and comparable(row["read"]) in readings().get(row["shown"], ())
    ]  # fmt: skip
    return ", ".join(shown)


def write(good: list[list[str]], bad: list[list[str]]) -> None:
    """The end of docs/metrics/typography.md."""
    head = ["", "texts", "exact, before", "exact, after", "strict", "strict: cannot be judged"]
    measured = table()
    accepted = sum(map(len, readings().values()))
    pages.append(
        "typography",
        "typography_price",
        [
            TEXT.read_text(encoding="utf-8"),
            "## The reader's own confusions\n",
            f"`{measured['made_by']}` showed {measured['characters']} characters "
            f"{measured['shown']} times in {len(measured['fonts'])} fonts; "
            f"{measured['right'] / measured['shown']:.1%} were read as they are (most of the "
            "others are symbols and letters with rare accents). Confusions seen in at least "
            f"{LEAST_SHARE:.0%} of the times are forgiven, in the direction in which they were "
            f"seen: {accepted} in all, listed with fonts and heights in "
            "`imgassets/judges/ocr_lookalikes.json`. Those of ASCII: " + pairs() + ".\n",
            "Letters whose case shows in their size alone: "
            + " ".join(sorted(c for c in size_letters() if c.islower() and c.isascii()))
            + ", and those with an accent.\n",
            "## Right texts that are accepted\n",
            "Before: version 1 of this family.\n",
            pages.table(head, good),
            "## Wrong texts that are let pass: the price\n",
            pages.table(head, bad),
        ],
    )


def main() -> None:
    """Measures and writes."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seed", type=int, default=0)
    rng = random.Random(parser.parse_args().seed)
    write(*(rows(judged(cases, rng)) for cases in (right(rng), wrong(rng))))


if __name__ == "__main__":
    main()
