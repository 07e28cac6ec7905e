"""Detectors that look for any words: OWLv2, OWL-ViT, Grounding DINO, by transformers.

Each word is asked for alone, so what else is asked changes no score. These models answer with many
boxes for one object: give `max_overlap` in the judge's document.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from PIL import Image

from imgassets.documents.judge import TransformersDetector
from imgassets.judges.detectors import Detection, check_image
from imgassets.judges.found_boxes import (
    Found,
    Pixels,
    by_shape,
    color_judge,
    detections,
    inside,
)
from imgassets.judges.transformers_weights import (
    exact,
    folder_of,
    load_model,
    load_processor,
    try_out,
)


class ZeroShotDetector:
    """A model of `zero-shot-object-detection` behind the `Detector` protocol."""

    classes: tuple[str, ...] | None = None

    def __init__(self, document: TransformersDetector, root: Path, device: str) -> None:
        """Load the model.

        Raises:
            JudgeError: it cannot be had, or is of another kind.
        """
        self._document, where = document, f"judge {document.judge}"
        folder = folder_of(root, document, where)
        self._model = load_model(folder, document.kind, document.dtype, device, where)
        self._images = load_processor(folder, "AutoImageProcessor", where)
        self._tokenizer = load_processor(folder, "AutoTokenizer", where)
        # Grounding DINO reads its words as a sentence: lower case, closed by a full stop.
        self._sentences = "dino" in self._model.config.model_type
        self._colors = color_judge(document, root, device)
        try_out(lambda image: self._look([image], [self._spelled("object")]), where)

    @property
    def colors(self) -> tuple[str, ...]:
        """Those of its judge of colors."""
        return self._colors.colors

    def detect(self, image: Pixels, classes: Sequence[str]) -> list[Detection]:
        """See `Detector.detect`; `classes` are any words."""
        return self.detect_batch([image], [classes])[0]

    def detect_batch(
        self, images: Sequence[Pixels], classes_by_image: Sequence[Sequence[str]]
    ) -> list[list[Detection]]:
        """As `detect`, for several images in one go; those of one shape and words go together.

        Args:
            images: uint8, (H, W, 3), sRGB, each of any size.
            classes_by_image: words, for each image.

        Raises:
            DetectorError: an image that is none.
        """
        for image in images:
            check_image(image)
        words = [
            tuple(dict.fromkeys(self._spelled(word) for word in classes))
            for classes in classes_by_image
        ]
        seen = by_shape(
            images,
            lambda at: self._look([images[i] for i in at], words[at[0]]),
            self._document.batch_size,
            words,
        )
        return [
            detections(
                found,
                {s: [w for w in dict.fromkeys(asked) if self._spelled(w) == s] for s in spelled},
                image,
                self._document,
                self._colors,
            )
            for found, asked, spelled, image in zip(
                seen, classes_by_image, words, images, strict=True
            )
        ]

    def _spelled(self, word: str) -> str:
        return f"{word.strip().lower().rstrip('.')}." if self._sentences else word

    def _look(self, images: Sequence[Pixels], words: Sequence[str]) -> list[list[Found]]:
        """All that the model sees above the presence threshold, in images of one shape."""
        if not words:
            return [[] for _ in images]
        with exact():
            pixels = self._images(
                images=[Image.fromarray(image) for image in images], return_tensors="pt"
            ).to(self._model.device, self._model.dtype)
            found: list[list[Found]] = [[] for _ in images]
            for word, scores, boxes in (
                self._one_by_one(pixels, words) if self._sentences else self._all(pixels, words)
            ):
                for place, image in enumerate(images):
                    found[place] += self._above(word, scores[place], boxes[place], image.shape)
        return found

    def _one_by_one(self, pixels: Any, words: Sequence[str]) -> Any:
        """(word, scores, boxes) by Grounding DINO: its words would see each other."""
        for word in words:
            read = self._tokenizer([word] * len(pixels["pixel_values"]), return_tensors="pt")
            outputs = self._model(**pixels, **read.to(self._model.device))
            yield word, outputs.logits.float().sigmoid().amax(dim=-1), outputs.pred_boxes.float()

    def _all(self, pixels: Any, words: Sequence[str]) -> Any:
        """(word, scores, boxes) by OWL, which reads each word alone as it is."""
        read = self._tokenizer(
            list(words) * len(pixels["pixel_values"]), return_tensors="pt",
            padding="max_length", truncation=True,
            max_length=int(self._model.config.text_config.max_position_embeddings),
        )  # fmt: skip
        outputs = self._model(**pixels, **read.to(self._model.device))
        scores, boxes = outputs.logits.float().sigmoid(), outputs.pred_boxes.float()
        for place, word in enumerate(words):
            yield word, scores[..., place], boxes

    def _above(self, word: str, scores: Any, boxes: Any, shape: tuple[int, ...]) -> list[Found]:
        """Boxes of one word in one image; the model gives their middles and sides as shares."""
        height, width = shape[:2]
        # OWLv2 pads images to a square at the right and bottom, and looks beyond them.
        if self._model.config.model_type == "owlv2":
            height = width = max(height, width)
        found = []
        for index in (scores > self._document.thresholds.presence).nonzero().flatten().tolist():
            x, y, across, down = boxes[index].tolist()
            corners = (x - across / 2, y - down / 2, x + across / 2, y + down / 2)
            sides = (width, height, width, height)
            box = inside([c * s for c, s in zip(corners, sides, strict=True)], shape)
            if box:
                found.append(Found(word, box, float(scores[index]), None))
        return found


def open_judge(document: TransformersDetector, root: Path, device: str) -> ZeroShotDetector:
    """The judge of a document. Raises as `ZeroShotDetector`."""
    return ZeroShotDetector(document, root, device)
