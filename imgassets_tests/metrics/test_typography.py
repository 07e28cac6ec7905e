"""Typography: definitions by hand-computed cases, the reader on drawn text with a known answer."""

from __future__ import annotations

import random
import socket
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image, ImageFilter

from imgassets.documents.metric_catalogue import METRICS
from imgassets.documents.prompts import Expectation
from imgassets.images.pixels import BadImageError
from imgassets.judges.ocr import Line, Reading, prepare_line, read_text
from imgassets.metrics.formulas.typography import score, score_reading
from imgassets.metrics.formulas.typography_sizes import BUCKETS, bucket, by_height, floor, floors
from imgassets.metrics.formulas.typography_text import compare, reconcile
from imgassets.tiny.scenes import ALPHABET, BACKGROUNDS, COLORS, text_scene

WORDS = st.text(alphabet="AB01OIl x", min_size=1, max_size=8).filter(lambda t: t.strip())


def drawn(text: str, color: str = "blue", background: str = "white", size: str = "large"):
    """A scene's pixels at 96 px; the same for the same arguments."""
    scene = text_scene(random.Random(1), text, color, background, size)
    return np.asarray(scene.render())


def edit_distance(one: str, two: str) -> int:
    """Wagner and Fischer's dynamic program, to check the library's."""
    row = list(range(len(two) + 1))
    for i, a in enumerate(one, 1):
        last, row[0] = row[0], i
        for j, b in enumerate(two, 1):
            last, row[j] = row[j], min(row[j] + 1, row[j - 1] + 1, last + (a != b))
    return row[-1]


@settings(deadline=None)
@given(WORDS, WORDS)
def test_ned_and_cer_agree_with_a_second_implementation(asked: str, read: str) -> None:
    """NED and CER equal the formulas over a textbook edit distance."""
    want, have = reconcile(asked, read)
    distance = edit_distance(want, have)
    values = compare(asked, read)
    assert values["typography.ned"] == pytest.approx(1 - distance / max(len(want), len(have)))
    assert values["typography.cer"] == pytest.approx(distance / len(want))
    assert 0.0 <= values["typography.ned"] <= 1.0
    assert values["typography.exact"] == float(distance == 0)


@pytest.mark.parametrize(
    ("asked", "read", "exact", "ned", "strict", "cer", "words"),
    [
        ("SALE", "SALE", 1, 1.0, 1, 0.0, 1.0),
        ("SALE", "SALT", 0, 0.75, 0, 0.25, 0.0),
        ("SALE", "sale", 0, 0.0, 0, 1.0, 0.0),  # case counts
        ("SALE", "", 0, 0.0, 0, 1.0, 0.0),
        ("SO", "S0", 1, 1.0, 0, 0.0, 1.0),  # look-alikes are folded, but not by strict
        ("1I", "I1", 0, 0.5, 0, 0.5, 0.0),  # I is read as 1, but never 1 as I
        ("№ 5", "N5", 1, 1.0, 0, 0.0, 1.0),  # a space beside a symbol may be dropped
        ("S5", "55", 0, 0.5, 0, 0.5, 0.0),  # S and 5 are not look-alikes to this reader
        ("BIG SALE", " BIG\n SALE ", 1, 1.0, 1, 0.0, 1.0),  # whitespace collapses
        ("A B", "B A", 0, 1 / 3, 0, 2 / 3, 1.0),  # only words ignores the order
        ("AB", "AB NOW", 0, 2 / 6, 0, 2.0, 1.0),  # extra text counts
        ("AB", "AB ★", 0, 0.5, 0, 1.0, 1.0),  # no symbol is hidden
        ("AB ★", "AB", 0, 0.5, 0, 0.5, 0.5),
    ],
)
def test_definitions(asked, read, exact, ned, strict, cer, words) -> None:
    """Each metric has the value its definition gives by hand."""
    values = compare(asked, read)
    assert values == pytest.approx(
        {
            "typography.exact": exact,
            "typography.ned": ned,
            "typography.strict": strict,
            "typography.cer": cer,
            "typography.words": words,
        }
    )


def test_nothing_asked_gives_no_score_and_empty_text_is_refused() -> None:
    """No text in the expectation, no number; an empty comparison has no meaning."""
    assert score(drawn("A"), Expectation()) == []
    with pytest.raises(ValueError, match="asked is empty"):
        compare("  ", "A")


def test_the_reason_says_what_was_read() -> None:
    """Reasons name both texts, and are silent on success."""
    reading = Reading((Line("5ALE", 0.9, (0, 0, 1, 1), 20.0),))
    assert "asked for 'SALE', read '5ALE'" in score_reading(reading, "SALE")[0].reason
    assert score_reading(reading, "5ALE")[0].reason == ""
    assert "read no text" in score_reading(Reading(()), "SALE")[0].reason


@pytest.mark.parametrize("background", sorted(BACKGROUNDS))
def test_every_color_is_read_on_every_background(background: str) -> None:
    """Light on dark and low contrast alike: the eight colors read exactly on all backgrounds."""
    for number, color in enumerate(sorted(COLORS)):
        text = ("K7", "WAX", "9", "BEEHM", "Q4R", "T", "ZY83", "PUG")[number]
        size = ("large", "small")[number % 2]
        reading = read_text(drawn(text, color, background, size))
        assert compare(text, reading.text)["typography.exact"] == 1.0, (text, color, size)


def test_every_character_is_read_alone() -> None:
    """Single characters are where detectors fail: every other one of the alphabet."""
    read = {c: read_text(drawn(c)).text for c in ALPHABET[::2]}
    misread = {c: r for c, r in read.items() if not compare(c, r)["typography.exact"]}
    assert len(misread) <= 1, misread


@pytest.mark.parametrize("color", ["orange", "green", "blue", "purple"])
def test_a_lone_bar_is_read(color: str) -> None:
    """An I without neighbours is text, not a stroke."""
    assert compare("I", read_text(drawn("I", color)).text)["typography.exact"] == 1.0


@pytest.mark.parametrize(
    ("asked", "shown"), [("BLUE7", "BLVE7"), ("BLUE7", "BLUE"), ("AB", "ABC"), ("6", "G")]
)
def test_a_planted_misspelling_is_caught(asked: str, shown: str) -> None:
    """A substituted, missing or added letter makes exact 0 and names what is shown."""
    scores = {s.metric: s for s in score(drawn(shown, "red", "gray"), Expectation(text=asked))}
    assert scores["typography.exact"].value == 0.0
    assert scores["typography.ned"].value == pytest.approx(
        1 - edit_distance(asked, shown) / max(len(asked), len(shown))
    )
    assert repr(shown) in scores["typography.exact"].reason


def test_ned_falls_with_noise() -> None:
    """More blur, no better score; without any text the score is 0."""
    image = Image.fromarray(drawn("WE8RT", "green", "beige"))
    blurred = [image.filter(ImageFilter.GaussianBlur(r)) for r in (0, 2.5, 8)]
    neds = [score(np.asarray(b), Expectation(text="WE8RT"))[1].value for b in blurred]
    assert neds == sorted(neds, reverse=True)
    assert neds[0] == 1.0
    assert neds[-1] < 1.0
    blank = score(np.full((96, 96, 3), 200, np.uint8), Expectation(text="WE8RT"))
    assert [s.value for s in blank[:5]] == [0.0, 0.0, 0.0, 1.0, 0.0]


def test_reading_repeats_and_never_opens_a_connection(monkeypatch: pytest.MonkeyPatch) -> None:
    """The same pixels give the same reading, with the network out of reach."""
    from imgassets.judges import ocr

    def refuse(*_: object, **__: object) -> None:
        raise AssertionError("the reader opened a connection")

    monkeypatch.setattr(socket.socket, "connect", refuse)
    monkeypatch.setattr(socket, "create_connection", refuse)
    ocr._load_engine.cache_clear()
    image = drawn("N3T")
    first = read_text(image)
    assert first == read_text(image.copy())
    assert first.text == "N3T"
    (x0, y0, x1, y1) = first.boxes[0]
    assert 0 <= x0 < 48 < x1 <= 96
    assert 0 <= y0 < 48 < y1 <= 96
    assert first.lines[0].ink_height == pytest.approx(20, abs=3)


def test_threads_read_what_one_thread_reads() -> None:
    """Tables are made by several threads at once; none disturbs another."""
    texts = ("AB", "C4D", "WRTZ", "8", "MN5P7", "K")
    images = [drawn(text) for text in texts]
    with ThreadPoolExecutor(4) as pool:
        together = list(pool.map(read_text, images))
    assert together == [read_text(image) for image in images]
    assert [reading.text for reading in together] == list(texts)


def test_the_readers_own_error_stands_beside_every_score() -> None:
    """Small letters are held against a higher floor than large ones; all buckets are measured."""
    assert sorted(floors()) == list(BUCKETS)
    assert floor(6).cer_upper >= floor(30).cer_upper
    assert all(row.lines >= 18 and row.cer_upper > row.cer for row in floors().values())
    scores = {s.metric: s for s in score(drawn("KX4"), Expectation(text="KX4"))}
    beside = scores["typography.reader_cer"]
    assert beside.value == floor(20).cer
    assert "20 px" in beside.reason or "21 px" in beside.reason
    unread = score_reading(Reading(()), "A")[-1]
    assert 0.0 <= unread.value < 0.2
    assert set(scores) == {m.name for m in METRICS.values() if m.family == "typography"}


def test_by_height_groups_lines_and_pools_errors() -> None:
    """By hand: two small lines with 1 error in 8 characters, one large line without."""
    rows = by_height([(8.0, "ABCD", "ABCD"), (8.9, "EFGH", "EFGX"), (30.0, "KLM", "KLM")])
    assert [(r.lower, r.lines) for r in rows] == [(7, 2), (28, 1)]
    assert (rows[0].exact, rows[0].ned, rows[0].cer) == (0.5, 0.875, 0.125)
    assert (rows[1].exact, rows[1].words, rows[1].cer) == (1.0, 1.0, 0.0)
    assert [bucket(h) for h in (0, 8.99, 9, 1000)] == [0, 7, 9, 56]
    with pytest.raises(ValueError, match="negative"):
        bucket(-1)


def test_text_on_a_photograph_is_left_as_it_is() -> None:
    """A crop whose border is not flat keeps its colors."""
    noise = np.random.default_rng(0).integers(0, 256, (30, 80, 3), dtype=np.uint8)
    prepared, height = prepare_line(noise)
    assert height == 30.0
    assert np.ptp(prepared, axis=2).max() > 50


@pytest.mark.parametrize(
    "image",
    [
        np.zeros((96, 96), np.uint8),
        np.zeros((96, 96, 4), np.uint8),
        np.zeros((96, 96, 3), np.uint16),
        np.zeros((96, 96, 3), np.float32),
    ],
)
def test_other_arrays_are_refused(image: np.ndarray) -> None:
    """Grayscale, RGBA, 16 bit and float images are refused, not converted."""
    with pytest.raises(BadImageError, match="expected"):
        read_text(image)
