"""From what a detector of transformers answers to detections: one rule for all of them."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol, TypeVar, cast

import numpy as np
from numpy.typing import NDArray

from imgassets.documents.judge import TransformersDetector
from imgassets.judges.clip_colors import ClipColorJudge
from imgassets.judges.detectors import Detection
from imgassets.judges.fixed_classes import stretched, thinned
from imgassets.judges.pixel_colors import PixelColors
from imgassets.judges.regions import Box

Pixels = NDArray[np.uint8]
Mask = NDArray[np.bool_]
T = TypeVar("T")


@dataclass(frozen=True)
class Found(Detection):
    """One object as a model sees it: its class and its score are the model's own.

    Attributes:
        mask: bool, (H, W); None where the model gives none.
    """

    mask: Mask | None = None


class ColorJudge(Protocol):
    """Names the color of an object."""

    @property
    def colors(self) -> tuple[str, ...]:
        """The color names it tells apart."""

    def color(self, image: Pixels, box: Box, class_: str, mask: Mask | None = None) -> str | None:
        """The color of the object in a box.

        Args:
            image: uint8, (H, W, 3), sRGB.
            box: (x0, y0, x1, y1) in pixels.
            class_: what the object is called.
            mask: bool, (H, W), True on the object; None where the detector gives none.

        Returns:
            A name in `colors`, or None for an object without pixels.
        """
        ...


def color_judge(document: TransformersDetector, root: Path, device: str) -> ColorJudge:
    """Who names the colors of what a detector finds.

    Raises:
        JudgeError: a CLIP model that cannot be had.
    """
    if document.colors is None:
        return PixelColors()
    return ClipColorJudge(document.colors, root, device, f"judge {document.judge}, colors")


def detections(
    found: Sequence[Found],
    words: Mapping[str, Sequence[str]],
    image: Pixels,
    document: TransformersDetector,
    colors: ColorJudge,
) -> list[Detection]:
    """Detections of one image under the words they were asked by.

    First the less sure of overlapping boxes go, within a class and then between all classes: an
    object of a class that nobody asked for still is that object. Then each is named and colored.

    Args:
        found: all that the model sees above the presence threshold.
        words: what each class of the model is called in the prompt; classes that are not in it are
            dropped.
        image: uint8, (H, W, 3), sRGB.
        document: thresholds and overlaps.
        colors: names colors.

    Returns:
        The surest first; one for each word of its class.
    """
    bars = document.thresholds
    kept = cast("list[Found]", thinned(found, document.max_overlap, document.max_overlap_across))
    named = [
        Detection(
            word,
            one.box,
            stretched(one.score, bars.presence, bars.counting),
            colors.color(image, one.box, word, one.mask),
        )
        for one in kept
        for word in words.get(one.class_, ())
    ]
    return sorted(named, key=lambda detection: -detection.score)


def inside(box: Sequence[float], shape: tuple[int, ...]) -> Box | None:
    """A box cut to an image of a shape; None when less than half a pixel of it is inside."""
    height, width = shape[:2]
    x0, x1 = (min(max(float(value), 0.0), float(width)) for value in (box[0], box[2]))
    y0, y1 = (min(max(float(value), 0.0), float(height)) for value in (box[1], box[3]))
    return (x0, y0, x1, y1) if min(x1 - x0, y1 - y0) >= 0.5 else None


def by_shape(
    images: Sequence[Pixels], work: Callable[[list[int]], list[T]], most: int, *keys: Sequence[Any]
) -> list[T]:
    """Work on images in batches of one shape, so that none is padded for the sake of another.

    Padding changes what a network answers; so a batch would change scores.

    Args:
        images: of any shapes.
        work: the results of the images at some places, in their order.
        most: images of a batch.
        keys: what else must be equal within a batch, one value an image.

    Returns:
        The results, in the order of the images.
    """
    groups: dict[Hashable, list[int]] = {}
    for place, image in enumerate(images):
        groups.setdefault((image.shape, *(key[place] for key in keys)), []).append(place)
    results: dict[int, T] = {}
    for places in groups.values():
        for start in range(0, len(places), most):
            part = places[start : start + most]
            results.update(zip(part, work(part), strict=True))
    return [results[place] for place in range(len(images))]
