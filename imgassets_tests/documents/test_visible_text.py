"""The rule by which texts are compared: what makes two texts equal, and what never does."""

# ruff: noqa: RUF001 - characters that look like others are what this module is about
from __future__ import annotations

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from imgassets.documents.visible_text import comparable, pieces, visible

SAME = [
    ("don’t", "don't"), ("“FRESH”", '"FRESH"'), ("„FRESH‟", '"FRESH"'), ("MON–FRI", "MON-FRI"),
    ("A — B", "A - B"), ("−5", "-5"), ("non‑stop", "non-stop"), ("25℃", "25°C"), ("30º", "30°"),
    ("№ 5", "No 5"), ("BRAND™", "BRANDTM"), ("½ price", "1/2 price"), ("1½", "1 1/2"),
    ("WAIT…", "WAIT..."), ("ﬁne", "fine"), ("ＳＡＬＥ", "SALE"), ("Ⅷ", "VIII"), ("a • b", "a · b"),
    ("10″", '10"'), ("10∶30", "10:30"), ("x²", "x2"), ("H₂O", "H2O"), ("①", "1"),
    ("cafe\u0301", "café"),
]  # fmt: skip
INVISIBLE = [
    "su\u200bper", "su\u00adper", "\ufeffsuper", "\u202asuper\u202c", "su\u200dper", "su\u2060per",
    "\u2066super\u2069", "super\ufe0f", "su\u034fper", "super\u3164", "\u200fsuper", "super\x07",
]  # fmt: skip
DIFFERENT = [
    ("SALE", "SALE!"), ("SALE", "SALE©"), ("SALE", "SALE-"), ("SALE", "SALE—"), ("SALE", "®SALE"),
    ("SALE", "SALE™"), ("25C", "25°C"), ("SALE", "SALE ★"), ("SALE", "sale"), ("naïve", "naive"),
    ("1½", "11/2"), ("10²", "102"), ("2⁴", "24"), ("5€", "5"), ("a b", "ab"), ("«A»", '"A"'),
    ("10₂", "102"), ("SALE", "SALE…"), ("SALE", "“SALE”"), ("SALE", "SALE'"), ("1⁄2", "12"),
]  # fmt: skip


@pytest.mark.parametrize(("one", "other"), SAME)
def test_compatibility_forms_quotes_and_dashes_are_one(one: str, other: str) -> None:
    """The comparable forms are equal, and what is visible is not: strict tells them apart."""
    assert comparable(one) == comparable(other)
    assert (visible(one) == visible(other)) == (unicodedata.normalize("NFC", one) == other)


@pytest.mark.parametrize("text", INVISIBLE)
def test_what_cannot_be_seen_is_gone(text: str) -> None:
    """Strict too: no image can show it."""
    assert visible(text) == comparable(text) == "super"


@pytest.mark.parametrize(("asked", "read"), DIFFERENT)
def test_no_symbol_is_hidden(asked: str, read: str) -> None:
    """A character that only one text has keeps them apart."""
    assert comparable(asked) != comparable(read)
    assert visible(asked) != visible(read)


@pytest.mark.parametrize(
    ("text", "becomes"),
    [
        ("BIG\nSALE", "BIG SALE"),
        ("  BIG \t SALE\u00a0", "BIG SALE"),
        ("你好\n世界", "你好世界"),
        ("特価 セール", "特価セール"),
        ("第 3 回", "第3回"),
        ("\u3000営業中\u3000", "営業中"),
        ("ΚΑΛΗ\nΜΕΡΑ", "ΚΑΛΗ ΜΕΡΑ"),
    ],
)
def test_spaces_by_script(text: str, becomes: str) -> None:
    """Line breaks are spaces, but not in scripts that write none."""
    assert visible(text) == becomes
    assert comparable(text) == becomes


@pytest.mark.parametrize("text", ["", " ", "\n\t", "\u200b", "\ufeff \u00ad", "\u2800", "\u3000"])
def test_what_shows_nothing_is_empty(text: str) -> None:
    assert comparable(text) == ""


@given(st.text(max_size=20))
def test_the_rule_is_settled_after_one_use(text: str) -> None:
    """Visible text stays as it is; each piece is one visible character."""
    assert visible(visible(text)) == visible(text)
    assert "".join(c for c, _ in pieces(text)) == visible(text)


@given(st.text(alphabet=st.characters(min_codepoint=33, max_codepoint=126), max_size=20))
def test_ascii_is_itself(text: str) -> None:
    """No printable ASCII character is folded, but the grave accent, a quote of typewriters."""
    assert visible(text) == text
    assert comparable(text) == text.replace("`", "'")
