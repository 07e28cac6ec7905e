"""GenEval's judge of colors: a CLIP model looks at each object.

Source: djghosh13/geneval (MIT), evaluation/evaluate_images.py: `COLORS`, `ImageCrops` and
`color_classification`. GenEval uses OpenAI's ViT-L/14.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from imgassets.documents.judge import ClipColors
from imgassets.judges.clip import ClipModel
from imgassets.judges.detector_classes import GENEVAL_COLORS
from imgassets.judges.regions import Box

#: GenEval's templates, and what it paints around an object (#999).
TEMPLATES = ("a photo of a {} {}", "a photo of a {}-colored {}", "a photo of a {} object")
GRAY = 0x99


class ClipColorJudge:
    """The nearest of ten color names for a CLIP model, in float32; a `pixel_colors.ColorJudge`.

    The object is cut out by its box; where the detector gives a mask, its surroundings are gray.
    """

    colors: tuple[str, ...] = GENEVAL_COLORS

    def __init__(self, document: ClipColors, root: Path, device: str, where: str) -> None:
        """Load the model.

        Raises:
            JudgeError: it cannot be had, or is no CLIP model.
        """
        self._model = ClipModel(document, root, "float32", device, where)
        self._named: dict[str, Any] = {}

    def color(
        self,
        image: NDArray[np.uint8],
        box: Box,
        class_: str,
        mask: NDArray[np.bool_] | None = None,
    ) -> str | None:
        """See `pixel_colors.ColorJudge.color`."""
        crop = cut_out(image, box, mask)
        if crop is None:
            return None
        likeness = self._names(class_) @ self._model.look([crop])[0]
        return self.colors[int(likeness.argmax())]

    def _names(self, class_: str) -> Any:
        """A direction for each color name, (10, D): the mean of its templates' directions."""
        if class_ not in self._named:
            prompts = [t.format(name, class_) for name in self.colors for t in TEMPLATES]
            read = self._model.read(prompts).reshape(len(self.colors), len(TEMPLATES), -1)
            means = read.mean(dim=1)
            self._named[class_] = means / means.norm(dim=-1, keepdim=True)
        return self._named[class_]


def cut_out(
    image: NDArray[np.uint8], box: Box, mask: NDArray[np.bool_] | None
) -> NDArray[np.uint8] | None:
    """The object in a box, its surroundings gray where there is a mask; None when it is empty.

    Args:
        image: uint8, (H, W, 3), sRGB.
        box: (x0, y0, x1, y1) in pixels, rounded as GenEval's `Image.crop` does.
        mask: bool, (H, W).
    """
    height, width = image.shape[:2]
    x0, y0 = (max(0, round(value)) for value in box[:2])
    x1, y1 = min(width, round(box[2])), min(height, round(box[3]))
    if x0 >= x1 or y0 >= y1 or (mask is not None and not mask[y0:y1, x0:x1].any()):
        return None
    seen = image if mask is None else np.where(mask[..., None], image, np.uint8(GRAY))
    return np.ascontiguousarray(seen[y0:y1, x0:x1])
