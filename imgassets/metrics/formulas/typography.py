"""Typography: does the image say what was asked for, letter by letter?

From an image to scores: the reader is `ocr`, the formulas are `typography_text`, and what the
reader itself gets wrong at that letter height is `typography_sizes`.
"""

from __future__ import annotations

import math

from imgassets.documents.prompts import Expectation
from imgassets.documents.visible_text import visible
from imgassets.images.pixels import Pixels
from imgassets.judges.ocr import Reading, read_text
from imgassets.judges.ocr_letters import UnreadableTextError, unreadable
from imgassets.metrics.formulas.typography_sizes import floor, floors
from imgassets.metrics.formulas.typography_text import compare, reconcile
from imgassets.metrics.scores import Score


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
        UnreadableTextError: the reader has no letters for the text asked for.
        ReaderUnavailableError: the OCR engine is not installed.
    """
    if expectation.text is None:
        return []
    missing = unreadable(expectation.text)
    if missing:
        raise UnreadableTextError(missing)
    return score_reading(read_text(image), expectation.text)


def score_reading(reading: Reading, asked: str) -> list[Score]:
    """The scores of a text already read; see `score`.

    Where the case of letters cannot be told, the text is taken in the case that fits best, and
    `typography.strict` has no value (NaN) if that is the text asked for.
    """
    read = max(reading.texts, key=lambda text: _fit(asked, text))
    values, reason = compare(asked, read), _reason(reading, asked, read)
    reasons = dict.fromkeys(values, reason)
    if values["typography.strict"] and len(reading.texts) > 1:
        values["typography.strict"] = math.nan
        reasons["typography.strict"] = (
            f"cannot be judged: nothing in the image tells whether {read!r} is in capitals"
        )
    scores = [Score(name, value, reasons[name]) for name, value in values.items()]
    return [*scores, _reader_score(reading)]


def _fit(asked: str, read: str) -> tuple[float, float]:
    values = compare(asked, read)
    return values["typography.strict"], values["typography.ned"]


def _reader_score(reading: Reading) -> Score:
    if not reading.lines:
        rows = list(floors().values())
        mean = sum(row.cer * row.lines for row in rows) / sum(row.lines for row in rows)
        return Score("typography.reader_cer", mean, "no text was read: mean over all heights")
    height = min(line.ink_height for line in reading.lines)
    row = floor(height)
    reason = f"letters {height:.0f} px high; at most {row.cer_upper:.1%} at 95 % confidence"
    return Score("typography.reader_cer", row.cer, reason)


def _reason(reading: Reading, asked: str, read: str) -> str:
    want, have = visible(asked), visible(read)
    if want == have:
        return ""
    if not have:
        return f"asked for {want!r}, read no text"
    same, as_asked = reconcile(asked, read)
    note = " (the same but for look-alikes)" if same == as_asked else ""
    return f"asked for {want!r}, read {have!r}{note}, confidence {reading.confidence:.2f}"
