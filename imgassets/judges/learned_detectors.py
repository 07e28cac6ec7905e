"""Learned detectors for photographs: OWLv2, OWL-ViT or Grounding DINO through transformers.

Nothing chooses them yet: composition uses the detector of flat shapes.
Any object that has a name can be asked for. Weights come from a local folder or the hub, as
safetensors only: a pickle can run code. torch and transformers load when a detector is made, not
when this module is imported.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from imgassets.judges.detectors import Detection, DetectorError, check_image, without_overlaps

Box = tuple[float, float, float, float]

#: GenEval's color names, in its order, and its templates (evaluate_images.py).
GENEVAL_COLORS = (
    "red", "orange", "yellow", "green", "blue", "purple", "pink", "brown", "black", "white"
)  # fmt: skip
COLOR_TEMPLATES = ("a photo of a {} {}", "a photo of a {}-colored {}", "a photo of a {} object")


class ColorJudge(Protocol):
    """Names the color of the object in a box."""

    @property
    def colors(self) -> tuple[str, ...]:
        """The color names it tells apart."""

    def color(self, image: NDArray[np.uint8], box: Box, class_: str) -> str | None:
        """A name in `colors`, or None for a box without pixels."""
        ...


@dataclass(frozen=True)
class Bars:
    """A detector's own scores that mean what 0.3 and 0.9 mean in GenEval.

    GenEval chose its two thresholds for Mask2Former. Another model's scores lie elsewhere (a sure
    OWLv2 detection often has 0.4), so they are stretched piecewise linearly before the rule sees
    them. Choose both on labelled images of the kind that is judged.

    Attributes:
        presence: score from which on an object counts as present; becomes 0.3.
        counting: score from which on it is sure enough to be counted; becomes 0.9.
    """

    presence: float
    counting: float

    def __post_init__(self) -> None:
        if not 0.0 < self.presence < self.counting < 1.0:
            raise DetectorError(
                f"expected 0 < presence < counting < 1, got presence={self.presence}, "
                f"counting={self.counting}"
            )

    def stretched(self, score: float) -> float:
        """A score of the model on GenEval's scale; 0..1 to 0..1, increasing."""
        own, published = (0.0, self.presence, self.counting, 1.0), (0.0, 0.3, 0.9, 1.0)
        return float(np.interp(score, own, published))


class ClipColors:
    """GenEval's color judge: CLIP on the box, its three templates averaged for each color name.

    GenEval uses OpenAI's ViT-L/14, and paints the surroundings of the object gray where the
    detector gives a mask; these detectors give none, so, as there without masks, the box is seen
    as it is.
    """

    colors: tuple[str, ...] = GENEVAL_COLORS

    def __init__(self, source: str, *, device: str, revision: str | None = None) -> None:
        """Load a CLIP model from a folder or the hub.

        Raises:
            DetectorError: when there is no model of safetensors.
        """
        from transformers import CLIPModel, CLIPProcessor

        self._model = _loaded(source, CLIPModel, revision).to(device).eval()
        self._processor = _loaded(source, CLIPProcessor, revision)

    def color(self, image: NDArray[np.uint8], box: Box, class_: str) -> str | None:
        """See `ColorJudge`."""
        import torch

        height, width = image.shape[:2]
        x0, y0 = (max(0, int(value)) for value in box[:2])
        x1, y1 = min(width, int(np.ceil(box[2]))), min(height, int(np.ceil(box[3])))
        if x0 >= x1 or y0 >= y1:
            return None
        prompts = [t.format(name, class_) for name in self.colors for t in COLOR_TEMPLATES]
        crop = Image.fromarray(image[y0:y1, x0:x1])
        inputs = self._processor(text=prompts, images=crop, return_tensors="pt", padding=True)
        with torch.inference_mode():
            seen = self._model(**inputs.to(self._model.device))
        texts = seen.text_embeds.reshape(len(self.colors), len(COLOR_TEMPLATES), -1).mean(dim=1)
        likeness = torch.nn.functional.normalize(texts, dim=-1) @ seen.image_embeds[0]
        return self.colors[int(likeness.argmax())]


class OpenVocabularyDetector:
    """A zero-shot object detection model of transformers behind the `Detector` protocol.

    These models answer with many boxes for one object, so each class is thinned by non-maximum
    suppression here; GenEval's rule, made for Mask2Former, does not do that.
    """

    classes: tuple[str, ...] | None = None

    def __init__(
        self,
        source: str,
        *,
        bars: Bars,
        max_overlap: float,
        device: str,
        colors: ColorJudge,
        revision: str | None = None,
    ) -> None:
        """Load the model.

        Args:
            source: folder, or repository on the hub.
            bars: where the model's scores lie.
            max_overlap: of two boxes of a class with at least this IoU the less sure one goes.
            device: `cpu`, `cuda`, `cuda:1`, ...
            colors: names the colors of what is found.
            revision: commit of the hub's repository; pin it, or results may change unnoticed.

        Raises:
            DetectorError: when there is no such model of safetensors at `source`.
        """
        self._bars, self._max_overlap, self._judge = bars, max_overlap, colors
        self._pipeline = _detection_pipeline(source, device, revision)
        model_type = self._pipeline.model.config.model_type
        # Grounding DINO reads its classes as sentences: lower case, closed by a full stop.
        self._sentences = "dino" in model_type

    @property
    def colors(self) -> tuple[str, ...]:
        """Those of its judge of colors."""
        return self._judge.colors

    def detect(self, image: NDArray[np.uint8], classes: Sequence[str]) -> list[Detection]:
        """Objects of `classes` in an image.

        Args:
            image: uint8, (H, W, 3), sRGB, 0..255.
            classes: names of anything.

        Returns:
            Detections above the presence bar, the surest first; boxes in pixels of the image.

        Raises:
            DetectorError: for another kind of image.
        """
        check_image(image)
        if not classes:
            return []
        answers = self._pipeline(
            Image.fromarray(image),
            candidate_labels=list(dict.fromkeys(map(self._spelled, classes))),
            threshold=self._bars.presence,
        )
        found: list[Detection] = []
        for name in dict.fromkeys(classes):
            mine = [a for a in answers if a["label"] == self._spelled(name)]
            boxes = [self._detection(answer, name, image.shape) for answer in mine]
            inside = sorted((box for box in boxes if box), key=lambda box: -box.score)
            found += without_overlaps(inside, self._max_overlap)
        colored = [self._colored(image, detection) for detection in found]
        return sorted(colored, key=lambda detection: -detection.score)

    def _spelled(self, name: str) -> str:
        return f"{name.lower().rstrip('.')}." if self._sentences else name

    def _detection(
        self, answer: dict[str, Any], name: str, shape: tuple[int, ...]
    ) -> Detection | None:
        """A box cut to the image; None when nothing of it is inside (OWLv2 looks beyond it)."""
        limits = {"xmin": shape[1], "ymin": shape[0], "xmax": shape[1], "ymax": shape[0]}
        x0, y0, x1, y1 = (
            min(max(float(answer["box"][side]), 0.0), float(limit))
            for side, limit in limits.items()
        )
        if x0 >= x1 or y0 >= y1:
            return None
        return Detection(name, (x0, y0, x1, y1), self._bars.stretched(answer["score"]), None)

    def _colored(self, image: NDArray[np.uint8], found: Detection) -> Detection:
        color = self._judge.color(image, found.box, found.class_)
        return Detection(found.class_, found.box, found.score, color)


def _detection_pipeline(source: str, device: str, revision: str | None) -> Any:
    from transformers import (
        AutoImageProcessor,
        AutoModelForZeroShotObjectDetection,
        AutoTokenizer,
        pipeline,
    )

    kinds = (AutoModelForZeroShotObjectDetection, AutoImageProcessor, AutoTokenizer)
    model, image_processor, tokenizer = (_loaded(source, kind, revision) for kind in kinds)
    return pipeline(
        "zero-shot-object-detection",
        model=model,
        image_processor=image_processor,
        tokenizer=tokenizer,
        device=device,
    )


def _loaded(source: str, kind: Any, revision: str | None) -> Any:
    weights = {"use_safetensors": True} if "Model" in kind.__name__ else {}
    try:
        return kind.from_pretrained(source, revision=revision, trust_remote_code=False, **weights)
    except (OSError, ValueError) as error:
        raise DetectorError(
            f"cannot load {kind.__name__} from {source!r}; expected a folder or a repository on "
            f"the hub with a config and weights as safetensors: {error}"
        ) from error
