"""Judges that hold an image against its prompt in words: what they must offer."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

Pixels = NDArray[np.uint8]


@dataclass(frozen=True)
class Answer:
    """What a model says to a question.

    Attributes:
        yes: probability of "yes", 0..1.
        no: probability of "no", 0..1. The rest is whatever else it might have said.
    """

    yes: float
    no: float


class QuestionJudge(Protocol):
    """Answers questions with yes or no, each with its probability. Deterministic."""

    @property
    def question(self) -> str:
        """The question VQAScore asks, with `{prompt}` in it."""

    def ask(self, images: Sequence[Pixels], questions: Sequence[str]) -> list[Answer]:
        """The answer to each question about the image at the same place.

        Args:
            images: uint8, (H, W, 3), sRGB, each of any size.
            questions: one an image.

        Raises:
            JudgeError: an image that the model cannot take.
        """
        ...


class SimilarityJudge(Protocol):
    """Says how near images and texts are. Deterministic."""

    def similarity(self, images: Sequence[Pixels], texts: Sequence[str]) -> list[tuple[float, str]]:
        """Cosine of each image and the text at the same place, -1..1, and a note, mostly empty.

        Args and errors as in `QuestionJudge.ask`.
        """
        ...
