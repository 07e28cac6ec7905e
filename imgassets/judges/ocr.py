"""The reader: which text is in an image, as PP-OCRv6 (small) sees it.

Here belongs how pixels become text. What the text should have been, and how far off it is, belongs
in `typography`.

Models: detection and recognition of PP-OCRv6 small (Apache 2.0), from inside rapidocr's wheel, by
path, so that rapidocr's download code is never reached. CPU only, one thread by default: the same
image gives the same text.

How a line is read (measured by `imgassets_tests/benchmarks/typography_accuracy.py`):

1. The image is enlarged until its short side is `WORKING_SIDE` px (cubic): a single letter of a
   96 px image is missed by the detector otherwise (2 of 120 lines).
2. Each line found is cut out upright. Where its border is flat, it is redrawn as dark on white by
   its distance from the border's color: yellow on white and blue on black read like ink on paper.
3. The ink is cut out tight with a margin of `MARGIN` of its height and enlarged to at least
   `LINE_HEIGHT` px: the recognizer works at 48 px and confuses case when letters float in space.
4. No dictionary and no restriction of the alphabet; a line below `MIN_CONFIDENCE` is not text.
5. Letters that differ by size alone get the case that their height says (`ocr_case`).
6. Lines are put into the order they are read in (`ocr_order`).

Lines written from top to bottom are not read. Several threads may read at once.
"""

from __future__ import annotations

import functools
import importlib.util
import itertools
import threading
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from imgassets.images.pixels import Pixels, check_rgb
from imgassets.judges.ocr_case import settle_case
from imgassets.judges.ocr_order import reading_order

WORKING_SIDE = 192
LINE_HEIGHT = 96
MARGIN = 0.15
#: A lone I is read as one only with space around it: confidence .45 rises to .83.
_BAR_MARGIN = 0.8
#: rapidocr's own default (`Global.text_score`).
MIN_CONFIDENCE = 0.5
#: Share of the largest distance from the background from which on a pixel is ink.
_INK_SHARE = 0.35
#: Median distance of the border from its own median color up to which it is flat, in levels.
_FLAT_BORDER = 12.0
#: Geometric Shapes, Miscellaneous Symbols and Dingbats.
_PICTURES = ("\u25a0", "\u27bf")
#: Lines of open case up to which every combination is looked at.
_MOST_OPEN_LINES = 6
_LOADING = threading.Lock()
_MODELS = {"Det": "PP-OCRv6_det_small.onnx", "Rec": "PP-OCRv6_rec_small.onnx"}


class ReaderUnavailableError(RuntimeError):
    """The OCR engine or its bundled models are not installed."""


@dataclass(frozen=True)
class Line:
    """One line of text.

    Attributes:
        text: as read, case and punctuation kept.
        confidence: the recognizer's mean over characters, 0..1.
        box: `(x0, y0, x1, y1)` around the detected quadrangle, pixels of the image read.
        ink_height: height of the ink in pixels of the image read; for capitals, their height.
        other_case: the same text with the letters that differ by size alone in the other case,
            where nothing in the line tells their case; empty where it is told.
    """

    text: str
    confidence: float
    box: tuple[float, float, float, float]
    ink_height: float
    other_case: str = ""

    @property
    def is_picture(self) -> bool:
        """Whether it has no letter, only shapes: the reader calls a drawn star a star character."""
        return all(c.isspace() or _PICTURES[0] <= c <= _PICTURES[1] for c in self.text)


@dataclass(frozen=True)
class Reading:
    """All text of an image: lines from top to bottom, and within a row from left to right.

    Shapes that stand alone (Unicode's blocks from Geometric Shapes to Dingbats, in no row with a
    letter) are drawings and no text.
    """

    lines: tuple[Line, ...]

    @property
    def text(self) -> str:
        """The lines, joined by one space; empty when nothing was read."""
        return " ".join(line.text for line in self.lines)

    @property
    def texts(self) -> tuple[str, ...]:
        """All that the text may be where the case of lines cannot be told; first as read."""
        open_lines = sum(bool(line.other_case) for line in self.lines)
        if open_lines > _MOST_OPEN_LINES:
            others = " ".join(line.other_case or line.text for line in self.lines)
            return self.text, others
        choices = ([line.text, line.other_case][: 1 + bool(line.other_case)] for line in self.lines)
        return tuple(" ".join(chosen) for chosen in itertools.product(*choices))

    @property
    def confidence(self) -> float:
        """Confidence of the least certain line, 0..1; 0 when nothing was read."""
        return min((line.confidence for line in self.lines), default=0.0)

    @property
    def boxes(self) -> tuple[tuple[float, float, float, float], ...]:
        """The lines' boxes, `(x0, y0, x1, y1)` in pixels of the image read."""
        return tuple(line.box for line in self.lines)


def read_text(image: Pixels, threads: int = 1) -> Reading:
    """Reads an image.

    Args:
        image: uint8, (H, W, 3), sRGB, 0..255.
        threads: threads of the engine; 1 leaves the machine to others and repeats exactly.

    Returns:
        What was read; no lines when the image shows no text.

    Raises:
        BadImageError: not an RGB image of 8 bits.
        ReaderUnavailableError: rapidocr, onnxruntime or the bundled models are missing.

    Agreement: on lines of 40 px and more it reads what rapidocr's own pipeline reads.
    """
    pixels = check_rgb(image)
    scale = max(1.0, WORKING_SIDE / min(pixels.shape[:2]))
    enlarged = _resize(pixels, scale)
    found = _engine("Det", threads)(np.ascontiguousarray(enlarged[..., ::-1]))
    quads = [] if found.boxes is None else [np.asarray(box, np.float32) for box in found.boxes]
    read = [(quad, _read_line(enlarged, quad, scale, threads)) for quad in quads]
    # Specks that are no text would stand between words and join them.
    found_lines = [(quad, line) for quad, line in read if line is not None]
    order = reading_order([quad for quad, _ in found_lines])
    lines = [found_lines[i][1] for i in order]
    return Reading(tuple(line for line in lines if not _is_drawing(line, lines)))


def recognize(line: Pixels, threads: int = 1) -> tuple[str, float]:
    """Reads one line that fills its image: `(text, confidence)`.

    Args:
        line: uint8, (H, W, 3), sRGB; best dark on white, with little margin.
        threads: as in `read_text`.
    """
    result = _engine("Rec", threads)(np.ascontiguousarray(check_rgb(line)[..., ::-1]))
    if not result.txts:
        return "", 0.0
    return str(result.txts[0]), float(result.scores[0])


def _read_line(image: Pixels, quad: np.ndarray, scale: float, threads: int) -> Line | None:
    prepared, ink_height = prepare_line(_upright(image, quad))
    text, confidence = recognize(prepared, threads)
    text = " ".join(text.split())
    if not text or confidence < MIN_CONFIDENCE:
        return None
    text, other_case = settle_case(text, prepared)
    (x0, y0), (x1, y1) = quad.min(axis=0) / scale, quad.max(axis=0) / scale
    box = (float(x0), float(y0), float(x1), float(y1))
    return Line(text, confidence, box, ink_height / scale, other_case)


def _is_drawing(line: Line, lines: Sequence[Line]) -> bool:
    """A shape in no row with text; beside text it is a symbol that somebody wrote there."""
    if not line.is_picture:
        return False
    top, bottom = line.box[1], line.box[3]
    others = ((o.box[1], o.box[3]) for o in lines if not o.is_picture)
    return all(
        min(bottom, low) - max(top, high) <= 0.5 * min(bottom - top, low - high)
        for high, low in others
    )


def prepare_line(crop: Pixels) -> tuple[Pixels, float]:
    """A line as the recognizer likes it: dark on white, tight, large.

    Args:
        crop: uint8, (H, W, 3), one upright line.

    Returns:
        The prepared line, uint8 (h, w, 3), and the height of its ink in pixels of `crop`. A crop
        whose border is not flat (text on a photograph) is only enlarged.
    """
    border = np.concatenate([crop[0], crop[-1], crop[:, 0], crop[:, -1]]).astype(np.float32)
    background = np.median(border, axis=0)
    distance = np.linalg.norm(crop.astype(np.float32) - background, axis=2)
    flat = np.median(np.linalg.norm(border - background, axis=1)) <= _FLAT_BORDER
    if not flat or distance.max() == 0.0:
        return _resize(crop, max(1.0, LINE_HEIGHT / crop.shape[0])), float(crop.shape[0])
    ink = distance > _INK_SHARE * distance.max()
    rows, columns = np.flatnonzero(ink.any(axis=1)), np.flatnonzero(ink.any(axis=0))
    tight = distance[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1] / distance.max()
    lone_bar = tight.shape[1] < tight.shape[0] / 2
    margin = max(1, round((_BAR_MARGIN if lone_bar else MARGIN) * tight.shape[0]))
    page = np.pad(255.0 - 255.0 * tight, margin, constant_values=255.0)
    enlarged = _resize(page.round().astype(np.uint8), max(1.0, LINE_HEIGHT / page.shape[0]))
    return np.repeat(enlarged[..., None], 3, axis=2), float(tight.shape[0])


def _resize(image: np.ndarray, scale: float) -> np.ndarray:
    if scale == 1.0:
        return image
    import cv2

    return cv2.resize(image, None, fx=scale, fy=scale, interpolation=cv2.INTER_CUBIC)


def _upright(image: Pixels, quad: np.ndarray) -> Pixels:
    """The quadrangle (corners clockwise from top left) as a rectangle."""
    import cv2

    width = max(np.linalg.norm(quad[0] - quad[1]), np.linalg.norm(quad[3] - quad[2]))
    height = max(np.linalg.norm(quad[0] - quad[3]), np.linalg.norm(quad[1] - quad[2]))
    w, h = max(1, round(float(width))), max(1, round(float(height)))
    target = np.array([[0, 0], [w, 0], [w, h], [0, h]], np.float32)
    matrix = cv2.getPerspectiveTransform(quad, target)
    crop = cv2.warpPerspective(
        image, matrix, (w, h), flags=cv2.INTER_CUBIC, borderMode=cv2.BORDER_REPLICATE
    )
    return np.asarray(crop, np.uint8)


def _engine(stage: str, threads: int) -> Any:
    """The engine of a stage (`Det` or `Rec`), loaded once, whichever thread asks first."""
    with _LOADING:
        return _load_engine(stage, threads)


@functools.cache
def _load_engine(stage: str, threads: int) -> Any:
    """rapidocr with one stage switched on."""
    model = _model_file(stage)
    import rapidocr

    return rapidocr.RapidOCR(
        params={
            "Global.log_level": "error",
            "Global.use_det": stage == "Det",
            "Global.use_cls": False,
            "Global.use_rec": stage == "Rec",
            f"{stage}.model_path": str(model),
            "Det.limit_side_len": WORKING_SIDE,
            "Det.box_thresh": 0.3,
            "EngineConfig.onnxruntime.intra_op_num_threads": threads,
            "EngineConfig.onnxruntime.inter_op_num_threads": 1,
        }
    )


def recognizer_file() -> Path:
    """The recognizer's model, whose metadata hold its dictionary.

    Raises:
        ReaderUnavailableError: rapidocr or the bundled model is missing.
    """
    return _model_file("Rec")


def _model_file(stage: str) -> Path:
    # Found without importing rapidocr, which takes seconds.
    package = importlib.util.find_spec("rapidocr")
    if package is None or package.origin is None:
        raise ReaderUnavailableError("rapidocr is missing; pip install rapidocr onnxruntime")
    model = Path(package.origin).parent / "models" / _MODELS[stage]
    if not model.is_file():
        raise ReaderUnavailableError(
            f"{model} is missing, and imgassets never downloads models; pip install the rapidocr "
            "release named in pyproject.toml, whose wheel holds it"
        )
    return model
