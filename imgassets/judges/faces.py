"""Judges of faces: what they must offer."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True)
class Face:
    """One face: box (x0, y0, x1, y1) in pixels of the image given, and confidence 0..1."""

    box: tuple[float, float, float, float]
    score: float


class FaceJudge(Protocol):
    """Finds faces. Deterministic."""

    def faces(self, image: NDArray[np.uint8]) -> Sequence[Face]:
        """Faces above the judge's presence threshold, the surest first.

        Args:
            image: uint8, (H, W, 3), sRGB.

        Raises:
            JudgeError: an image it cannot take.
        """
        ...
