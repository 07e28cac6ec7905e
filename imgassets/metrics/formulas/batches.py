"""Scoring several images in one go: what families with learned judges have in common."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from imgassets.documents.judge import AnyJudge
from imgassets.documents.prompts import Expectation
from imgassets.judges.errors import JudgeError
from imgassets.metrics.scores import Score

Pixels = NDArray[np.uint8]
#: The scores of an image, or why it has none.
Judged = list[Score] | JudgeError


class JudgedBranch(Protocol):
    """What families with a judge ask of a `Branch` (`metrics.branch`)."""

    @property
    def prompts(self) -> Mapping[tuple[str, str], str]:
        """What each image was asked for, before any transform, by (flow, prompt id)."""

    @property
    def expectations(self) -> Mapping[tuple[str, str], Expectation]:
        """What each image must show, by (flow, prompt id)."""

    def judge_document(self, family: str) -> AnyJudge | None:
        """The judge that the contract chose for a family."""

    def judge(self, family: str) -> Any:
        """That judge, ready to look at images."""

    def read_array(self, key: str) -> Pixels:
        """The image of a key: uint8, (H, W, 3), sRGB."""
        ...


@dataclass(frozen=True)
class InBatches:
    """A `BatchScorer` (`metrics.family`).

    Attributes:
        read: the pixels of an image key.
        score: what is to be said of some rows and their pixels, in their order; a `JudgeError` that
            it raises is of the batch, and each image is then tried alone.
    """

    read: Callable[[str], Pixels]
    score: Callable[[Sequence[Any], Sequence[Pixels]], Sequence[Judged]]

    def __call__(self, image: Any) -> list[Score]:
        """The scores of one image.

        Raises:
            JudgeError: it cannot be judged.
        """
        (scores,) = self.score([image], [self.read(image.image_key)])
        if isinstance(scores, JudgeError):
            raise scores
        return scores

    def many(self, images: Sequence[Any]) -> list[Judged]:
        """See `BatchScorer.many`."""
        pixels = [self.read(image.image_key) for image in images]
        try:
            return list(self.score(images, pixels))
        except JudgeError as error:
            if len(images) == 1:
                return [error]
        # One of them spoils the batch; which, this tells.
        return [
            judged
            for image, one in zip(images, pixels, strict=True)
            for judged in self._alone(image, one)
        ]

    def _alone(self, image: Any, pixels: Pixels) -> Sequence[Judged]:
        try:
            return self.score([image], [pixels])
        except JudgeError as error:
            return [error]
