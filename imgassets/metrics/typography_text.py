"""Two texts, the one asked for and the one read: the formulas of typography.

Papers differ in what they call NED and accuracy, so the definitions are written out here, with the
rules for case and whitespace:

- *Normalized*: Unicode NFKC, runs of whitespace (line breaks included) become one space, none at
  the ends. Case counts, as in AnyText's published evaluation, which compares plain strings.
- *Folded*: the characters of `LOOKALIKES` count as one, in both texts. The reader cannot tell them
  apart without a word around them (measured: docs/metrics/typography.md), so blaming the model for
  it would be noise. `typography.strict` folds nothing and shows what that hides.
- Text is read from the whole image: text that was not asked for counts as an error. Pictures
  (Unicode category So: the reader calls a drawn star or disc a star or disc character) are not
  text, unless they were asked for.
"""

from __future__ import annotations

import unicodedata
from collections import Counter

from rapidfuzz.distance import Levenshtein

#: What the reader takes for what on clean rendered text: l as I 14 of 19 times, | as I 2 of 16,
#: O as 0 or I as 1 in 5 to 11 % of drawn lines (three runs). Each pair was measured, none assumed.
LOOKALIKES = {"0": "O", "1": "I", "l": "I", "|": "I"}


def compare(asked: str, read: str) -> dict[str, float]:
    """All typography metrics of two texts.

    Args:
        asked: what the image should say; not empty.
        read: what it says.

    Returns:
        `typography.exact`: 1.0 when the folded texts are equal, else 0.0 (AnyText's sentence
        accuracy). Higher is better.
        `typography.ned`: `1 - ED / max(len)`, folded, 0..1, 1 is equal (AnyText's NED, whose code
        adds 1e-5 to the denominator; the difference is below 1e-5). Higher is better.
        `typography.strict`: as exact, nothing folded. Higher is better.
        `typography.cer`: `ED / len(asked)`, folded; above 1 when much was added. Lower is better.
        `typography.words`: share of the words asked for that were read, folded, order unpunished
        (LongText-Bench's recall over bags of words). Higher is better.
        ED is Levenshtein's distance: insertion, deletion and substitution cost 1 each.

    Raises:
        ValueError: nothing was asked for.

    Agreement: ED equals a textbook dynamic program on random strings, exactly.
    """
    want = normalize(asked)
    have = without_pictures(read, asked)
    if not want:
        raise ValueError("asked is empty after normalization; give the text the image must show")
    folded_want, folded_have = fold(want), fold(have)
    distance = Levenshtein.distance(folded_want, folded_have)
    return {
        "typography.exact": float(folded_want == folded_have),
        "typography.ned": 1.0 - distance / max(len(folded_want), len(folded_have)),
        "typography.strict": float(want == have),
        "typography.cer": distance / len(folded_want),
        "typography.words": word_recall(folded_want, folded_have),
    }


def normalize(text: str) -> str:
    """NFKC, whitespace collapsed, case kept."""
    return " ".join(unicodedata.normalize("NFKC", text).split())


def without_pictures(read: str, asked: str) -> str:
    """What was read, normalized, without symbols that stand for drawn shapes (category So)."""
    return normalize("".join(c for c in read if c in asked or unicodedata.category(c) != "So"))


def fold(text: str) -> str:
    """The text with look-alikes made one character."""
    return "".join(LOOKALIKES.get(character, character) for character in text)


def word_recall(asked: str, read: str) -> float:
    """Share of the words of `asked` found in `read`, each as often as asked, 0..1."""
    wanted, have = Counter(asked.split()), Counter(read.split())
    return sum((wanted & have).values()) / sum(wanted.values())
