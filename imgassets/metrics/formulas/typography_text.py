"""Two texts, the one asked for and the one read: the formulas of typography.

Papers differ in what they call NED and accuracy, so the definitions are written out here:

- Both texts are *normalized* by one rule, `documents.visible_text`: what no image can show is gone,
  quotes, dashes and Unicode's compatibility forms are one. Case counts, as in AnyText's published
  evaluation, which compares plain strings.
- The text read is then *reconciled* with the text asked for: where the reader, as measured, takes
  a character asked for for another one (`typography_lookalikes`), or drops or adds the space
  beside a symbol, the text asked for stands. Blaming the model for it would be noise. Nothing else
  is forgiven: a character that was not asked for counts, whatever it is.
- `typography.strict` does neither and shows what that hides.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from rapidfuzz.distance import Levenshtein

from imgassets.documents.visible_text import comparable, pieces, visible
from imgassets.judges.ocr_lookalikes import readings


def compare(asked: str, read: str) -> dict[str, float]:
    """All typography metrics of two texts.

    Args:
        asked: what the image should say; not blank.
        read: what it says.

    Returns:
        `typography.exact`: 1.0 when the reconciled texts are equal, else 0.0 (AnyText's sentence
        accuracy). Higher is better.
        `typography.ned`: `1 - ED / max(len)`, reconciled, 0..1, 1 is equal (AnyText's NED, whose
        code adds 1e-5 to the denominator; the difference is below 1e-5). Higher is better.
        `typography.strict`: 1.0 when what can be seen of both texts is equal, character by
        character, nothing folded. Higher is better.
        `typography.cer`: `ED / len(asked)`, reconciled; above 1 when much was added. Lower is
        better.
        `typography.words`: share of the words asked for that were read, reconciled, order
        unpunished (LongText-SelfTestData's recall over bags of words). Higher is better.
        ED is Levenshtein's distance: insertion, deletion and substitution cost 1 each.

    Raises:
        ValueError: nothing was asked for.

    Agreement: ED equals a textbook dynamic program on random strings, exactly.
    """
    want, have = reconcile(asked, read)
    if not want:
        raise ValueError("asked is empty after normalization; give the text the image must show")
    distance = Levenshtein.distance(want, have)
    return {
        "typography.exact": float(want == have),
        "typography.ned": 1.0 - distance / max(len(want), len(have)),
        "typography.strict": float(visible(asked) == visible(read)),
        "typography.cer": distance / len(want),
        "typography.words": word_recall(want, have),
    }


def reconcile(asked: str, read: str) -> tuple[str, str]:
    """Both texts in comparable form, what was read without the reader's own confusions."""
    want, have = comparable(asked), comparable(read)
    if not want or not have or want == have:
        return want, have
    return want, comparable(_reconciled(_tokens(asked), have))


def word_recall(asked: str, read: str) -> float:
    """Share of the words of `asked` found in `read`, each as often as asked, 0..1."""
    wanted, have = Counter(asked.split()), Counter(read.split())
    return sum((wanted & have).values()) / sum(wanted.values())


@dataclass(frozen=True)
class _Token:
    """A character asked for: its comparable form, and all that it may be read as."""

    form: str
    accepted: frozenset[str]
    symbol: bool


def _tokens(asked: str) -> list[_Token]:
    found = pieces(asked)
    symbols = [not (c.isalnum() or c.isspace()) for c, _ in found]
    beside = [any(symbols[max(0, i - 1) : i + 2]) for i in range(len(found))]
    return [
        _Token(form, _accepted(c, form, near), symbol)
        for (c, form), symbol, near in zip(found, symbols, beside, strict=True)
    ]


def _accepted(character: str, form: str, beside_symbol: bool) -> frozenset[str]:
    if character == " ":
        return frozenset({" ", ""}) if beside_symbol else frozenset({" "})
    known = readings()
    return frozenset({form}) | known.get(character, frozenset()) | known.get(form, frozenset())


def _reconciled(tokens: Sequence[_Token], have: str) -> str:
    """What was read, with the form asked for wherever a token accepts what stands there.

    The alignment of least edits, by dynamic programming over (tokens, characters read).
    """
    costs = [[0.0] * (len(have) + 1) for _ in range(len(tokens) + 1)]
    steps = [[(0, 0, "")] * (len(have) + 1) for _ in range(len(tokens) + 1)]
    for i in range(len(tokens) + 1):
        for j in range(len(have) + 1):
            if i or j:
                ways = _moves(tokens, have, i, j)
                cost, a, b, text = min((costs[a][b] + cost, a, b, t) for a, b, cost, t in ways)
                costs[i][j], steps[i][j] = cost, (a, b, text)
    texts, i, j = [], len(tokens), len(have)
    while i or j:
        i, j, text = steps[i][j]
        texts.append(text)
    return "".join(reversed(texts))


def _moves(
    tokens: Sequence[_Token], have: str, i: int, j: int
) -> Iterator[tuple[int, int, float, str]]:
    """Ways to reach (i, j): from where, at what cost, and the text that stands there then."""
    if i:
        token = tokens[i - 1]
        for text in token.accepted:
            if have.endswith(text, 0, j):
                yield i - 1, j - len(text), 0.0, token.form
        yield i - 1, j, float(len(token.form)), ""
        if j:
            yield i - 1, j - 1, float(max(1, len(token.form))), have[j - 1]
    if j:
        # A space that the reader adds beside a symbol that was asked for.
        free = have[j - 1] == " " and any(t.symbol for t in tokens[max(0, i - 1) : i + 1])
        yield i, j - 1, 0.0 if free else 1.0, "" if free else have[j - 1]
