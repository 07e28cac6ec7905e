"""What a text looks like: the one rule by which the text asked for and the text read are compared.

Both sides go through the same rule, so it can make two texts equal but never hides a character
that only one of them has.

*Visible* (`visible`), for every metric, since no image can show the difference:

1. Unicode NFC: é is one character, however it was typed.
2. Invisible characters go: zero-width spaces and joiners, soft hyphens, byte-order marks, marks of
   direction, variation selectors (Default_Ignorable_Code_Point, and Unicode's Cf and Cc).
3. Runs of whitespace, line breaks included, become one space; none at the ends, and none beside a
   Chinese or Japanese character, since these scripts break lines anywhere and write no spaces.

*Comparable* (`comparable`), for every metric but `typography.strict`:

4. Quotes, apostrophes and primes are straight, dashes and minus signs are hyphens, dots in the
   middle, tildes, slashes and degree signs are one each (`_SAME`).
5. Unicode NFKC: ℃ is °C, № is No, ™ is TM, ½ is 1/2, … is three dots, ﬁ is fi, Ａ is A, x² is x2.
   Behind a digit, where it would make another number, a fraction is set off by a space and an
   exponent by ^ (an index by _): 1½ is 1 1/2 and never 11/2, 10² is 10^2 and never 102.

Case counts in both.
"""

# ruff: noqa: RUF001, RUF002 - characters that look like others are what this module is about
from __future__ import annotations

import re
import unicodedata

_GROUPS = {
    "'": "‘’‚‛′ʹʻʼʽˈ´`＇",
    '"': "“”„‟″ʺˮ＂",
    "-": "‐‑‒–—―−⁃﹘﹣－",
    "·": "•‧∙⋅・･",
    "~": "∼〜～˜",
    "/": "⁄∕／",
    ":": "∶：",
    "°": "º˚",
    "|": "∣｜¦",
}
_SAME = {ord(other): one for one, others in _GROUPS.items() for other in others}
_IGNORABLE = re.compile(
    "[\u00ad\u034f\u061c\u115f\u1160\u17b4\u17b5\u180b-\u180f\u200b-\u200f\u202a-\u202e"
    "\u2060-\u206f\u2800\u3164\ufe00-\ufe0f\ufeff\uffa0\ufff0-\ufffb"
    "\U0001bca0-\U0001bca3\U0001d173-\U0001d17a\U000e0000-\U000e0fff]"
)
_CJK = (
    "\u2e80-\u2fdf\u3000-\u303f\u3040-\u30ff\u3100-\u312f\u31a0-\u31ff\u3400-\u4dbf\u4e00-\u9fff"
    "\uf900-\ufaff\uff00-\uff60\uff65-\uff9f\U00020000-\U000323af"
)
_SPACE_BESIDE_CJK = re.compile(f"(?<=[{_CJK}]) | (?=[{_CJK}])")


def visible(text: str) -> str:
    """The text without what no image can show; steps 1 to 3. Empty when nothing can be seen."""
    text = _IGNORABLE.sub("", unicodedata.normalize("NFC", text))
    text = "".join(c for c in text if c.isspace() or unicodedata.category(c) != "Cc")
    return _spaced(text)


def comparable(text: str) -> str:
    """The text in the one form that texts are compared in; all five steps."""
    return _spaced(unicodedata.normalize("NFC", "".join(form for _, form in pieces(text))))


def pieces(text: str) -> list[tuple[str, str]]:
    """Each visible character with its comparable form (steps 4 and 5), in order."""
    shown = visible(text)
    return [(c, _form(c, before)) for before, c in zip(" " + shown, shown, strict=False)]


def _form(character: str, before: str) -> str:
    same = character.translate(_SAME)
    # NFKC would split a lone accent into a space and a combining mark.
    if same != character or unicodedata.category(character) == "Sk":
        return same
    compatible = unicodedata.normalize("NFKC", character).translate(_SAME)
    kind = unicodedata.decomposition(character).partition(">")[0].lstrip("<")
    if before.isdigit() and not before.isdecimal():  # x²³: an exponent goes on
        return compatible
    if before.isdecimal() and compatible[:1].isdigit():
        return {"fraction": " ", "super": "^", "sub": "_"}.get(kind, "") + compatible
    return compatible


def _spaced(text: str) -> str:
    return _SPACE_BESIDE_CJK.sub("", " ".join(text.split()))
