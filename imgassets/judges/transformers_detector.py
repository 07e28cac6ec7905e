"""Detectors with fixed classes by transformers: boxes (DETR and its kin), or masks (Mask2Former).

Mask2Former (Swin-S, COCO) is GenEval's own detector.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from imgassets.documents.judge import TransformersDetector
from imgassets.judges.detectors import Detection, check_image
from imgassets.judges.errors import JudgeError
from imgassets.judges.fixed_classes import words_by_class
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

#: What COCO's 91 ids call those that no class has.
_NOBODY = "N/A"


class FixedClassDetector:
    """A model of `object-detection` or `instance-segmentation` behind the `Detector` protocol."""

    def __init__(self, document: TransformersDetector, root: Path, device: str) -> None:
        """Load the model.

        Raises:
            JudgeError: it cannot be had, is of another kind, or has other classes than the
                document says.
        """
        self._document, self._where = document, f"judge {document.judge}"
        folder = folder_of(root, document, self._where)
        self._model = load_model(folder, document.kind, document.dtype, device, self._where)
        self._processor = load_processor(folder, "AutoImageProcessor", self._where)
        self._named = {int(i): str(name) for i, name in self._model.config.id2label.items()}
        self.classes = _agreed(self._named, document, self._where)
        self._colors = color_judge(document, root, device)
        try_out(lambda image: self._look([image]), self._where)

    @property
    def colors(self) -> tuple[str, ...]:
        """Those of its judge of colors."""
        return self._colors.colors

    def detect(self, image: Pixels, classes: Sequence[str]) -> list[Detection]:
        """See `Detector.detect`."""
        return self.detect_batch([image], [classes])[0]

    def detect_batch(
        self, images: Sequence[Pixels], classes_by_image: Sequence[Sequence[str]]
    ) -> list[list[Detection]]:
        """As `detect`, for several images in one go; images of one shape go together.

        Args:
            images: uint8, (H, W, 3), sRGB, each of any size.
            classes_by_image: words of prompts, for each image.

        Raises:
            DetectorError: an image that is none, or a word for a class the model does not know.
        """
        for image in images:
            check_image(image)
        synonyms = self._document.synonyms
        words = [words_by_class(asked, self.classes, synonyms) for asked in classes_by_image]
        seen = by_shape(
            images, lambda at: self._look([images[i] for i in at]), self._document.batch_size
        )
        return [
            detections(found, asked, image, self._document, self._colors)
            for found, asked, image in zip(seen, words, images, strict=True)
        ]

    def _look(self, images: Sequence[Pixels]) -> list[list[Found]]:
        """All that the model sees above the presence threshold, in images of one shape."""
        pictures = [Image.fromarray(image) for image in images]
        with exact():
            inputs = self._processor(images=pictures, return_tensors="pt")
            inputs = inputs.to(self._model.device, self._model.dtype)
            outputs = self._model(**inputs)
            if self._document.kind == "instance-segmentation":
                rows = _masks(outputs, inputs, images[0].shape, self._document.thresholds.presence)
            else:
                rows = self._boxes(outputs, images[0].shape, len(images))
        return [
            [found for row in image_rows if (found := self._found(*row))] for image_rows in rows
        ]

    def _boxes(self, outputs: Any, shape: tuple[int, ...], number: int) -> list[list[Any]]:
        """(label, score, box, no mask) of each object; each model's own rule makes scores."""
        outputs["logits"], outputs["pred_boxes"] = (
            outputs["logits"].float(),
            outputs["pred_boxes"].float(),
        )
        answers = self._processor.post_process_object_detection(
            outputs,
            threshold=self._document.thresholds.presence,
            target_sizes=[shape[:2]] * number,
        )
        return [
            [
                (int(label), float(score), inside(box.tolist(), shape), None)
                for label, score, box in zip(
                    answer["labels"], answer["scores"], answer["boxes"], strict=True
                )
            ]
            for answer in answers
        ]

    def _found(self, label: int, score: float, box: Any, mask: Any) -> Found | None:
        name = self._named.get(label, _NOBODY)
        if box is None or name == _NOBODY:
            return None
        return Found(name, box, min(score, 1.0), None, mask)


def open_judge(document: TransformersDetector, root: Path, device: str) -> FixedClassDetector:
    """The judge of a document. Raises as `FixedClassDetector`."""
    return FixedClassDetector(document, root, device)


def _agreed(
    named: Mapping[int, str], document: TransformersDetector, where: str
) -> tuple[str, ...]:
    """The classes of a model, in its order.

    Raises:
        JudgeError: the document names others.
    """
    classes = tuple(dict.fromkeys(name for name in named.values() if name != _NOBODY))
    if document.classes and set(document.classes) != set(classes):
        extra = [name for name in document.classes if name not in classes]
        absent = [name for name in classes if name not in document.classes]
        said = [f"the document has {', '.join(extra[:5])}, which the model lacks"] * bool(extra)
        said += [f"the model has {', '.join(absent[:5])}, which the document lacks"] * bool(absent)
        raise JudgeError(
            f"{where}: `classes` differ from the model's: {'; '.join(said)}; mend `classes`, or "
            "leave them out"
        )
    return classes


def _masks(
    outputs: Any, inputs: Mapping[str, Any], shape: tuple[int, ...], presence: float
) -> list[list[Any]]:
    """(label, score, box, mask) of each object, by Mask2Former's rule, as mmdetection has it.

    Score: probability of the class times the mean probability of the mask's pixels. Masks are
    enlarged to the image before they are cut at .5 (the processor of transformers cuts first, at
    384 x 384, and enlarges the steps). A box is the smallest one around its mask.
    """
    logits, masks = outputs.class_queries_logits.float(), outputs.masks_queries_logits.float()
    chances = logits.softmax(dim=-1)[..., :-1]
    pixel_mask = inputs.get("pixel_mask")
    rows = []
    for place in range(len(chances)):
        likely, at = chances[place].flatten().topk(chances.shape[1])
        queries, labels = at // chances.shape[-1], at % chances.shape[-1]
        worth = likely > presence  # the mask can only lower a score
        enlarged = _enlarged(
            masks[place][queries[worth]],
            inputs["pixel_values"].shape[-2:],
            None if pixel_mask is None else pixel_mask[place],
            shape,
        )
        rows.append(
            [
                (int(label), score, *boxed)
                for label, chance, mask in zip(labels[worth], likely[worth], enlarged, strict=True)
                if (boxed := _boxed(mask > 0))
                and (score := float(chance) * _sureness(mask)) > presence
            ]
        )
    return rows


def _enlarged(masks: Any, padded: tuple[int, int], pixel_mask: Any, shape: tuple[int, ...]) -> Any:
    """Logits of masks at the size of the image, without what was padded."""
    import torch

    if not len(masks):
        return masks
    bilinear: dict[str, Any] = {"mode": "bilinear", "align_corners": False}
    enlarged = torch.nn.functional.interpolate(masks[None], size=tuple(padded), **bilinear)
    if pixel_mask is not None:
        height, width = int(pixel_mask.any(dim=1).sum()), int(pixel_mask.any(dim=0).sum())
        enlarged = enlarged[..., :height, :width]
    return torch.nn.functional.interpolate(enlarged, size=tuple(shape[:2]), **bilinear)[0]


def _boxed(mask: Any) -> tuple[Any, NDArray[np.bool_]] | None:
    """The box of a mask, and the mask as an array; None for an empty one."""
    array = np.asarray(mask.cpu().numpy(), np.bool_)
    rows, columns = np.flatnonzero(array.any(axis=1)), np.flatnonzero(array.any(axis=0))
    if not len(rows):
        return None
    box = (float(columns[0]), float(rows[0]), float(columns[-1] + 1), float(rows[-1] + 1))
    return box, array


def _sureness(mask: Any) -> float:
    """Mean probability of the pixels of a mask, given its logits."""
    return float(mask[mask > 0].sigmoid().mean())
