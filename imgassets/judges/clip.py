"""CLIP and SigLIP: models that put images and texts into one space."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from imgassets.documents.judge import Clip, JudgeWeights
from imgassets.judges.detectors import check_image
from imgassets.judges.transformers_weights import (
    exact,
    folder_of,
    load_model,
    load_processor,
    try_out,
)

Pixels = NDArray[np.uint8]


class ClipModel:
    """A CLIP or SigLIP model: images and texts as directions in one space.

    Texts are padded to what the model reads at most, whatever is asked beside them: SigLIP was
    trained so, and a batch changes nothing. Images are resized and cropped by the model's own
    processor.
    """

    def __init__(
        self, weights: JudgeWeights, root: Path, dtype: str, device: str, where: str
    ) -> None:
        """Load the model.

        Args:
            weights: a document that names weights.
            root: the project's.
            dtype: `float32`, `float16` or `bfloat16`.
            device: `cpu`, `cuda`, ...
            where: who asks, for messages.

        Raises:
            JudgeError: it cannot be had, or is neither CLIP nor SigLIP.
        """
        folder = folder_of(root, weights, where)
        self._model = load_model(folder, "clip", dtype, device, where)
        self._tokenizer = load_processor(folder, "AutoTokenizer", where)
        self._images = load_processor(folder, "AutoImageProcessor", where)
        config = self._model.config
        self._limit = int(config.text_config.max_position_embeddings)
        # SigLIP looks at its padding as well; with a mask it answers otherwise than it was trained.
        self._masked = config.model_type == "clip"
        try_out(lambda image: (self.look([image]), self.read(["a gray image"])), where)

    def look(self, images: Sequence[Pixels]) -> Any:
        """Directions of images (uint8, (H, W, 3), sRGB): a float32 tensor, (N, D), of length 1."""
        pictures = [Image.fromarray(image) for image in images]
        with exact():
            inputs = self._images(images=pictures, return_tensors="pt")
            inputs = inputs.to(self._model.device, self._model.dtype)
            return _directions(self._model.get_image_features(**inputs))

    def read(self, texts: Sequence[str]) -> Any:
        """Directions of texts: a float32 tensor, (N, D), of length 1."""
        with exact():
            words = self._tokenizer(
                list(texts), return_tensors="pt", padding="max_length", max_length=self._limit,
                truncation=True,
            )  # fmt: skip
            asked = {"input_ids": words["input_ids"].to(self._model.device)}
            if self._masked:
                asked["attention_mask"] = words["attention_mask"].to(self._model.device)
            return _directions(self._model.get_text_features(**asked))

    def note(self, text: str) -> str:
        """What is to be said of a text: that it is cut; mostly nothing."""
        words = len(self._tokenizer(text)["input_ids"])
        return f"prompt cut from {words} to {self._limit} tokens" if words > self._limit else ""


class ClipJudge:
    """A `SimilarityJudge` (`judges.alignment`)."""

    def __init__(self, document: Clip, root: Path, device: str) -> None:
        """Load the model. Raises as `ClipModel`."""
        self._template = document.template
        where = f"judge {document.judge}"
        self._model = ClipModel(document, root, document.dtype, device, where)

    def similarity(self, images: Sequence[Pixels], texts: Sequence[str]) -> list[tuple[float, str]]:
        """See `SimilarityJudge`; each text is put into the document's template first."""
        for image in images:
            check_image(image)
        if not images:
            return []
        asked = [self._template.replace("{prompt}", text) for text in texts]
        cosines = (self._model.look(images) * self._model.read(asked)).sum(dim=-1)
        return [
            (float(cosine), self._model.note(text))
            for cosine, text in zip(cosines, asked, strict=True)
        ]


def open_judge(document: Clip, root: Path, device: str) -> ClipJudge:
    """The judge of a document. Raises as `ClipModel`."""
    return ClipJudge(document, root, device)


def _directions(found: Any) -> Any:
    """Vectors of length 1 in float32; transformers 5 wraps them."""
    import torch

    return torch.nn.functional.normalize(getattr(found, "pooler_output", found).float(), dim=-1)
