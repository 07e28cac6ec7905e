"""CenterFace by onnxruntime: faces on photographs, small and embedded.

Xu et al., "CenterFace: Joint Face Detection and Alignment Using Face as Point" (2019,
arXiv 1911.03599); where the weights come from stands beside them.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from imgassets.documents.judge import CenterFace
from imgassets.judges.detectors import Detection, check_image, without_overlaps
from imgassets.judges.faces import Face
from imgassets.judges.onnx_sessions import open_session

#: Pixels of an image's longer side that the network looks at; smaller images stay as they are.
LONGER_SIDE = 640
#: Faces that overlap at least so much (IoU) are one: the authors' number.
MAX_OVERLAP = 0.3
#: The network halves an image five times, and answers for every fourth pixel.
_MULTIPLE, _STEP = 32, 4


def open_judge(document: CenterFace, root: Path, device: str) -> CenterFaceJudge:  # noqa: ARG001
    """The judge of faces of a document; always on the CPU.

    Raises:
        JudgeError: its weights cannot be loaded.
    """
    session = open_session(root, document.weights, ("image",), ("score", "size", "offset"))
    return CenterFaceJudge(session, document.presence)


class CenterFaceJudge:
    """A `FaceJudge` (`judges.faces`). Deterministic."""

    def __init__(self, session: Any, presence: float) -> None:
        """A session with `image` in, `score`, `size`, `offset` out; the score a face needs."""
        self._session, self._presence = session, presence

    def faces(self, image: NDArray[np.uint8]) -> Sequence[Face]:
        """Faces with a score of at least `presence`, the surest first.

        Args:
            image: uint8, (H, W, 3), sRGB, 0..255; at least 16 x 16 pixels.

        Raises:
            DetectorError: for another kind of image.
        """
        check_image(image)
        padded, scale = _prepared(image)
        scores, sizes, offsets = self._session.run(["score", "size", "offset"], {"image": padded})
        found = [
            Detection("face", box, sure, None)
            for sure, box in _decoded(scores[0, 0], sizes[0], offsets[0], self._presence)
        ]
        kept = without_overlaps(sorted(found, key=lambda one: -one.score), MAX_OVERLAP)
        limits = (image.shape[1], image.shape[0]) * 2
        return [Face(_within(one.box, scale, limits), one.score) for one in kept]


def _prepared(image: NDArray[np.uint8]) -> tuple[NDArray[np.float32], float]:
    """What the network is given, (1, 3, rows, columns) with 0..255, and the factor it is smaller.

    Black below and to the right makes both sides multiples of 32, so that nothing is stretched.
    """
    scale = min(1.0, LONGER_SIDE / max(image.shape[:2]))
    if scale < 1.0:
        size = (max(1, round(image.shape[1] * scale)), max(1, round(image.shape[0] * scale)))
        image = np.asarray(cv2.resize(image, size, interpolation=cv2.INTER_AREA), np.uint8)
    height, width = image.shape[:2]
    padded = np.pad(image, ((0, -height % _MULTIPLE), (0, -width % _MULTIPLE), (0, 0)))
    return np.ascontiguousarray(padded.transpose(2, 0, 1)[None], np.float32), scale


def _decoded(
    scores: NDArray[np.float32],
    sizes: NDArray[np.float32],
    offsets: NDArray[np.float32],
    presence: float,
) -> list[tuple[float, tuple[float, float, float, float]]]:
    """(score, box) of every place that is sure enough; boxes in pixels of what was given."""
    found = []
    for row, column in zip(*np.nonzero(scores >= presence), strict=True):
        height, width = (float(value) * _STEP for value in np.exp(sizes[:, row, column]))
        y = (row + float(offsets[0, row, column]) + 0.5) * _STEP
        x = (column + float(offsets[1, row, column]) + 0.5) * _STEP
        box = (x - width / 2, y - height / 2, x + width / 2, y + height / 2)
        found.append((float(scores[row, column]), box))
    return found


def _within(
    box: tuple[float, float, float, float], scale: float, limits: tuple[int, ...]
) -> tuple[float, float, float, float]:
    x0, y0, x1, y1 = (
        min(max(value / scale, 0.0), float(limit)) for value, limit in zip(box, limits, strict=True)
    )
    return x0, y0, x1, y1
