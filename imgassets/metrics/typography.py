"""Typography: does the image say what was asked for, letter by letter?

From an image to scores: the reader is `ocr`, the formulas are `typography_text`, and what the
reader itself gets wrong at that letter height is `typography_sizes`.
"""

from __future__ import annotations

from imgassets.metrics.ocr import Reading, read_text
from imgassets.metrics.pixels import Pixels
from imgassets.metrics.scores import Score
from imgassets.metrics.typography_sizes import floor, floors
from imgassets.metrics.typography_text import compare, fold, normalize, without_pictures
from imgassets.spec.prompts import Expectation


def score(image: Pixels, expectation: Expectation) -> list[Score]:
    """Scores of one image whose expectation names a text; nothing for any other.

    Args:
        image: uint8, (H, W, 3), sRGB, 0..255.
        expectation: only `text` is looked at.

    Returns:
        `typography.exact`, `.ned`, `.strict`, `.cer` and `.words`, as `compare` defines them, and
        `typography.reader_cer`: the share of clean characters this high which the reader itself
        gets wrong (0..1, lower is better; over all heights when nothing was read).

    Raises:
        BadImageError: not an RGB image of 8 bits.
        ReaderUnavailableError: the OCR engine is not installed.
    """
    if expectation.text is None:
        return []
    return score_reading(read_text(image), expectation.text)


def score_reading(reading: Reading, asked: str) -> list[Score]:
    """The scores of a text already read; see `score`."""
    reason = _reason(reading, asked)
    scores = [Score(name, value, reason) for name, value in compare(asked, reading.text).items()]
    return [*scores, _reader_score(reading)]


def _reader_score(reading: Reading) -> Score:
    if not reading.lines:
        rows = list(floors().values())
        mean = sum(row.cer * row.lines for row in rows) / sum(row.lines for row in rows)
        return Score("typography.reader_cer", mean, "no text was read: mean over all heights")
    height = min(line.ink_height for line in reading.lines)
    row = floor(height)
    reason = f"letters {height:.0f} px high; at most {row.cer_upper:.1%} at 95 % confidence"
    return Score("typography.reader_cer", row.cer, reason)


def _reason(reading: Reading, asked: str) -> str:
    want, have = normalize(asked), without_pictures(reading.text, asked)
    if want == have:
        return ""
    if not have:
        return f"asked for {want!r}, read no text"
    note = " (the same but for look-alikes)" if fold(want) == fold(have) else ""
    return f"asked for {want!r}, read {have!r}{note}, confidence {reading.confidence:.2f}"
