"""SSD MobileNet v2 by onnxruntime: COCO's 80 classes on photographs, small and embedded.

How boxes are decoded follows TensorFlow's Object Detection API (Apache-2.0), pipeline
`ssd_mobilenet_v2_coco_2018_03_29`; where the weights come from stands beside them. A weak judge:
docs/metrics/photographs.md says how far it can be trusted.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from imgassets.documents.judge import SsdMobilenet
from imgassets.judges.class_names import COCO
from imgassets.judges.detectors import Detection, check_image
from imgassets.judges.fixed_classes import stretched, thinned, words_by_class
from imgassets.judges.onnx_sessions import open_session
from imgassets.judges.pixel_colors import PixelColors

Floats = NDArray[np.float32]

#: Side of the image the network looks at.
SIDE = 300
#: Boxes of one class that overlap more (IoU) are one object: the model's own number.
OWN_OVERLAP = 0.6
#: Anchors: rows and columns of the six maps, and sides of boxes on them as shares of the image.
_MAPS = (19, 10, 5, 3, 2, 1)
_SCALES = (0.2, 0.35, 0.5, 0.65, 0.8, 0.95, 1.0)
_RATIOS = (1.0, 2.0, 0.5, 3.0, 1.0 / 3.0)
#: What the network's offsets and sizes are multiples of.
_VARIANCES = np.array([10.0, 10.0, 5.0, 5.0], np.float32)


def open_judge(document: SsdMobilenet, root: Path, device: str) -> SsdMobilenetDetector:  # noqa: ARG001
    """The detector of a judge document; always on the CPU.

    Raises:
        JudgeError: its weights cannot be loaded.
    """
    session = open_session(root, document.weights, ("image",), ("boxes", "scores"))
    return SsdMobilenetDetector(session, document)


class SsdMobilenetDetector:
    """A `Detector` (`judges.detectors`). Deterministic."""

    classes: tuple[str, ...] | None = COCO

    def __init__(self, session: Any, document: SsdMobilenet) -> None:
        """A session with `image` in, `boxes` and `scores` out, and thresholds for its scores."""
        self._session, self._document = session, document
        self._colors = PixelColors()

    @property
    def colors(self) -> tuple[str, ...]:
        """The color names it tells apart."""
        return self._colors.colors

    def detect(self, image: NDArray[np.uint8], classes: Sequence[str]) -> list[Detection]:
        """Objects that words of prompts stand for.

        Args:
            image: uint8, (H, W, 3), sRGB, 0..255; at least 16 x 16 pixels.
            classes: words; each must stand for a class of COCO.

        Returns:
            Detections at or above the presence threshold under the word that was asked for, the
            surest first; boxes in pixels of the image; scores on GenEval's scale. Objects of
            classes nobody asked for are looked for as well: on one place the surest class wins.

        Raises:
            DetectorError: for another kind of image, or a word it does not know.
        """
        check_image(image)
        asked = words_by_class(classes, COCO, self._document.synonyms)
        if not asked:
            return []
        found = [one for one in self._objects(image) if one.class_ in asked]
        return [
            Detection(word, one.box, one.score, self._colors.color(image, one.box, one.class_))
            for one in found
            for word in asked[one.class_]
        ]

    def _objects(self, image: NDArray[np.uint8]) -> list[Detection]:
        """Objects of all classes, under their classes' names and without colors."""
        judge, bars = self._document, self._document.thresholds
        boxes, scores = self.seen(image)
        rows, columns = np.nonzero(scores >= bars.presence)
        own = [
            Detection(COCO[column], _box(boxes[row]), float(scores[row, column]), None)
            for row, column in zip(rows, columns, strict=True)
        ]
        kept = thinned(own, min(OWN_OVERLAP, judge.max_overlap), judge.max_overlap_across)
        return [
            Detection(one.class_, one.box, stretched(one.score, bars.presence, bars.counting), None)
            for one in kept
        ]

    def seen(self, image: NDArray[np.uint8]) -> tuple[Floats, Floats]:
        """All 1917 boxes (x0, y0, x1, y1) in pixels, within the image, and their raw scores.

        Args:
            image: uint8, (H, W, 3), sRGB, 0..255.

        Returns:
            float32 (1917, 4), and float32 (1917, 80), 0..1, in the order of COCO's classes.
        """
        height, width = image.shape[:2]
        pixels = np.asarray(_reduced(image), np.float32) / 127.5 - 1.0
        given = np.ascontiguousarray(pixels.transpose(2, 0, 1)[None])
        encoded, scores = self._session.run(["boxes", "scores"], {"image": given})
        limits = np.array([width, height, width, height], np.float32)
        return np.clip(_decoded(encoded) * limits, 0.0, limits), scores


def _reduced(image: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Stretched to 300 x 300 as in training: bilinear, from about the size of COCO's images."""
    if max(image.shape[:2]) > 2 * SIDE:
        image = np.asarray(
            cv2.resize(image, (2 * SIDE, 2 * SIDE), interpolation=cv2.INTER_AREA), np.uint8
        )
    return np.asarray(cv2.resize(image, (SIDE, SIDE), interpolation=cv2.INTER_LINEAR), np.uint8)


def _box(values: Floats) -> tuple[float, float, float, float]:
    x0, y0, x1, y1 = values.tolist()
    return x0, y0, x1, y1


def _decoded(encoded: Floats) -> Floats:
    """Boxes (x0, y0, x1, y1) as shares of the image, (N, 4), from (y, x, height, width)."""
    anchors, scaled = _anchors(), encoded / _VARIANCES
    centers = scaled[:, :2] * anchors[:, 2:] + anchors[:, :2]
    halves = np.exp(scaled[:, 2:]) * anchors[:, 2:] / 2.0
    return np.concatenate([(centers - halves)[:, ::-1], (centers + halves)[:, ::-1]], axis=1)


@cache
def _anchors() -> Floats:
    """Anchors (y, x, height, width) as shares of the image, (1917, 4): map by map, row by row."""
    rows = []
    for index, cells in enumerate(_MAPS):
        scale, following = _SCALES[index], _SCALES[index + 1]
        sides = [(scale, ratio) for ratio in _RATIOS] + [((scale * following) ** 0.5, 1.0)]
        if index == 0:
            sides = [(0.1, 1.0), (scale, 2.0), (scale, 0.5)]
        for y, x in np.ndindex(cells, cells):
            place = ((y + 0.5) / cells, (x + 0.5) / cells)
            rows += [(*place, side / ratio**0.5, side * ratio**0.5) for side, ratio in sides]
    return np.array(rows, np.float32)
