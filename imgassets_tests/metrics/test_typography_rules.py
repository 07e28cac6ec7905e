"""Typography's rules on drawn text: right is right, wrong is wrong, what cannot be told is said.

Drawn with the fonts that come with matplotlib, and read by the real reader.
"""

# ruff: noqa: RUF001 - characters that look like others are what this module is about
from __future__ import annotations

import math
from pathlib import Path

import matplotlib
import numpy as np
import pytest
from PIL import Image, ImageDraw, ImageFont

from imgassets.documents.prompts import Expectation
from imgassets.judges.ocr import Line, Reading, read_text
from imgassets.judges.ocr_letters import UnreadableTextError, dictionary, unreadable
from imgassets.judges.ocr_lookalikes import readings, size_letters, table
from imgassets.judges.ocr_order import reading_order
from imgassets.metrics.formulas.typography import score, score_reading
from imgassets.metrics.formulas.typography_text import compare

FONTS = Path(matplotlib.get_data_path()) / "fonts/ttf"


def page(*words: tuple[str, int, int, int], font: str = "DejaVuSans", turned: float = 0.0):
    """A white page with words `(text, x, y of the baseline, size)` in black."""
    image = Image.new("RGB", (900, 500), "white")
    pen = ImageDraw.Draw(image)
    for text, x, y, size in words:
        face = ImageFont.truetype(str(FONTS / f"{font}.ttf"), size)
        pen.text((x, y), text, font=face, fill="black", anchor="ls")
    if turned:
        image = image.rotate(turned, Image.Resampling.BICUBIC, fillcolor="white")
    return np.asarray(image)


def line(text: str, font: str = "DejaVuSans", size: int = 44) -> np.ndarray:
    """One line, cut to its page."""
    return page((text, 60, 250, size), font=font)[150:350]


def values(image: np.ndarray, asked: str) -> dict[str, float]:
    return {s.metric.partition(".")[2]: s.value for s in score(image, Expectation(text=asked))}


@pytest.mark.parametrize(
    ("asked", "drawn"),
    [
        ("DON’T STOP", "DON’T STOP"),
        ("DON'T STOP", "DON’T STOP"),
        ("“FRESH BREAD”", "“FRESH BREAD”"),
        ("MON–FRI", "MON–FRI"),
        ("A — B", "A — B"),
        ("25℃ TODAY", "25°C TODAY"),
        ("№ 5", "№ 5"),
        ("BRAND™", "BRAND™"),
        ("WAIT…", "WAIT…"),
        ("½ PRICE", "½ PRICE"),
        ("super\u200bmarket", "supermarket"),
        ("super\u00admarket", "supermarket"),
        ("\ufeffSUPER", "SUPER"),
        ("50 €", "50 €"),
        ("© 2026", "© 2026"),
        ("Café", "Café"),
        ("ΚΑΛΗΜΕΡΑ", "ΚΑΛΗΜΕΡΑ"),
    ],
)
def test_right_text_is_right(asked: str, drawn: str) -> None:
    """What is drawn as asked is exact, in whichever of its forms it was asked for."""
    assert values(line(drawn), asked)["exact"] == 1.0


@pytest.mark.parametrize(
    "drawn", ["SALE!", "SALE ©", "SALE—", "“SALE”", "SALE.", "SALE™", "SALE?", "#SALE", "SALE ★"]
)
def test_an_unasked_symbol_is_wrong(drawn: str) -> None:
    """None is hidden, whatever it is."""
    assert values(line(drawn), "SALE")["exact"] == 0.0


@pytest.mark.parametrize(("asked", "read"), [("x²", "x2"), ("½", "1/2"), ("’", "'"), ("–", "-")])
def test_strict_folds_nothing(asked: str, read: str) -> None:
    """Exact takes them for one, strict does not."""
    found = compare(asked, read)
    assert (found["typography.exact"], found["typography.strict"]) == (1.0, 0.0)


@pytest.mark.parametrize("word", ["cocos", "wow", "sox", "zoo"])
@pytest.mark.parametrize("font", ["DejaVuSans", "DejaVuSerif", "STIXGeneral"])
def test_case_of_letters_that_differ_by_size_alone(word: str, font: str) -> None:
    """Right in either case; one capital among small letters is told; strict has no value."""
    for form in (word, word.upper()):
        image = line(form, font)
        found = values(image, form)
        assert found["exact"] == found["ned"] == 1.0
        assert math.isnan(found["strict"])
        assert values(image, word.title())["exact"] == 0.0
    title = line(word.title(), font)
    assert values(title, word.title())["exact"] == values(title, word.title())["strict"] == 1.0
    assert values(title, word)["exact"] == values(title, word.upper())["exact"] == 0.0


@pytest.mark.parametrize(
    ("drawn", "wrong"),
    [("XBOX", "xBOX"), ("2 zoos", "2 ZOOS"), ("CODE", "cODE"), ("cool", "COOl"), ("scum", "Scum")],
)
def test_a_neighbour_of_known_height_tells_the_case(drawn: str, wrong: str) -> None:
    """Beside any other letter case is judged, by strict as well."""
    image = line(drawn)
    found = values(image, drawn)
    assert found["exact"] == found["strict"] == 1.0
    assert values(image, wrong)["exact"] == 0.0


def test_the_reason_says_that_case_cannot_be_told() -> None:
    """A score without a value says why."""
    strict = {s.metric: s for s in score(line("cocos"), Expectation(text="cocos"))}
    assert "cannot be judged" in strict["typography.strict"].reason
    assert strict["typography.exact"].reason == ""


@pytest.mark.parametrize(
    ("text", "read"),
    [("O0", "OO"), ("SALE", "SALEI"), ("SALE", "5ALE"), ("A B", "AB"), ("50", "5O0"), ("AB", "BA")],
)
def test_no_more_than_what_was_measured_is_forgiven(text: str, read: str) -> None:
    """Only a measured confusion in its place; nothing missing, nothing added."""
    expected = all(a == b or b in readings().get(a, ()) for a, b in zip(text, read, strict=False))
    expected &= len(text) == len(read)
    assert compare(text, read)["typography.exact"] == float(expected)


def test_the_table_of_confusions_is_measured() -> None:
    """Every row says how often of how many, in which fonts and heights; no letter is dropped."""
    measured = table()
    assert measured["characters"] > 1000
    assert measured["right"] <= measured["shown"]
    for row in measured["confused"]:
        assert sum(row["fonts"]) == sum(row["heights"]) == row["times"] <= row["of"]
        assert row["shown"] != row["read"]
    assert all(reads and "" not in reads for reads in readings().values())
    assert set("cosvwxz") <= size_letters()
    assert not set("aebdfghlmnr") & size_letters()


def test_ascii_is_forgiven_little() -> None:
    """The table is data: this is where a new one shows that it forgives more than before."""
    forgiven = {(a, b) for a, reads in readings().items() for b in reads if a.isascii()}
    assert ("0", "O") in forgiven
    assert ("l", "I") in forgiven
    assert len(forgiven) <= 20, sorted(forgiven)
    assert not {a for a, _ in forgiven} & set("ABCDEFGHJKLMNPRTUXYabdefhkmnrty2345678")


SIGNS = {
    "small, large, small": ([("only", 40, 200, 30), ("FREE", 200, 200, 110),
                             ("today", 620, 200, 30)], "only FREE today"),
    "large, small": ([("SALE", 40, 200, 120), ("now", 520, 200, 40)], "SALE now"),
    "raised": ([("big", 40, 200, 120), ("deal", 420, 110, 36)], "big deal"),
    "stacked beside": ([("50%", 40, 220, 150), ("OFF", 500, 150, 50), ("TODAY", 500, 230, 50)],
                       "50% OFF TODAY"),
    "two lines": ([("GRAND", 40, 100, 60), ("opening", 400, 100, 30), ("big", 40, 220, 30),
                   ("SALE", 250, 220, 90)], "GRAND opening big SALE"),
    "tight lines": ([("FIRST LINE", 40, 80, 60), ("second line", 40, 145, 60),
                     ("THIRD", 40, 210, 60)], "FIRST LINE second line THIRD"),
    "tiny below": ([("HUGE", 40, 160, 140), ("tiny below", 60, 205, 30)], "HUGE tiny below"),
}  # fmt: skip


@pytest.mark.parametrize(
    ("sign", "turned"),
    [
        (sign, turned)
        for sign in SIGNS
        for turned in (0.0, 6.0, -6.0)
        if not turned or sign != "raised"
    ],
)
def test_words_of_unequal_size_are_read_in_order(sign: str, turned: float) -> None:
    """Rows from top to bottom, words from left to right, upright or slanted."""
    words, wanted = SIGNS[sign]
    read = read_text(page(*words, turned=turned)).text
    assert read.replace(" ", "") == wanted.replace(" ", "")


def test_reading_order_is_a_permutation() -> None:
    """Boxes in any place, none at all, or all in one place: each is read once."""
    rng = np.random.default_rng(0)
    for count in (0, 1, 2, 9):
        corners = rng.uniform(0, 100, (count, 2))
        quads = [c + np.array([[0, 0], [30, 0], [30, 12], [0, 12]]) for c in corners]
        assert sorted(reading_order(quads)) == list(range(count))
    # Two words whose boxes overlap, and a speck between them: still from left to right.
    words = [((0, 0), (60, 20)), ((40, -4), (100, 18)), ((45, 8), (50, 12))]
    across = [np.array([[a, b], [c, b], [c, d], [a, d]], float) for (a, b), (c, d) in words]
    assert [i for i in reading_order(across) if i < 2] == [0, 1]
    same = [np.array([[0, 0], [9, 0], [9, 9], [0, 9]], float)] * 3
    assert sorted(reading_order(same)) == [0, 1, 2]


def test_a_drawn_shape_is_no_text_unless_it_stands_in_a_row_with_text() -> None:
    """A star far below is a drawing; one behind the word was written there."""
    apart = line("SALE")
    star = np.asarray(page(("★", 300, 440, 200)))
    both = np.minimum(np.pad(apart, ((0, 300), (0, 0), (0, 0)), constant_values=255), star)
    assert values(both, "SALE")["exact"] == 1.0
    assert values(line("SALE ★"), "SALE")["exact"] == 0.0


@pytest.mark.parametrize(
    ("text", "script"),
    [
        ("ПРИВЕТ", "Cyrillic"), ("مرحبا", "Arabic"), ("שלום", "Hebrew"), ("안녕", "Hangul"),
        ("สวัสดี", "Thai"), ("नमस्ते", "Devanagari"), ("გამარჯობა", "Georgian"), ("Việt", "Latin"),
        ("SALE сегодня", "Cyrillic"), ("καλημέρα", "Greek"),
    ],
)  # fmt: skip
def test_letters_the_reader_does_not_have_cannot_be_judged(text: str, script: str) -> None:
    """Found by the recognizer's dictionary, not by a list of scripts; named by script."""
    with pytest.raises(UnreadableTextError, match=script):
        score(line("SALE"), Expectation(text=text))


@pytest.mark.parametrize(
    "text",
    [
        "SALE 50%",
        "Café",
        "Straße",
        "你好",
        "セール",
        "ΚΑΛΗΜΕΡΑ",
        "½ €",
        "“A” — №",
        "ﬁ",
        "su\u200bper",
    ],
)
def test_other_letters_are_judged(text: str) -> None:
    """What the reader has letters for, in any form, is."""
    assert unreadable(text) == []


def test_ascii_is_in_the_dictionary() -> None:
    """The shortcut for ASCII, which opens no model, is true."""
    assert {chr(code) for code in range(32, 127)} <= dictionary()


def test_open_case_has_two_readings_for_each_line_up_to_a_bound() -> None:
    """Combinations of a few lines; all or none of many."""
    one = Line("ZOO", 1.0, (0, 0, 1, 1), 20.0, "zoo")
    assert Reading((one, one)).texts == ("ZOO ZOO", "ZOO zoo", "zoo ZOO", "zoo zoo")
    assert len(Reading((one,) * 9).texts) == 2
    found = {s.metric: s.value for s in score_reading(Reading((one,)), "zOO")}
    assert found["typography.exact"] == 0.0
