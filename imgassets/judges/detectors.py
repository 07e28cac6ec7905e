"""Detectors: what objects an image shows, where, of what color and how surely.

One small protocol, so that detectors are swapped without touching the rule that judges their
findings (`composition`). Here live the protocol and the deterministic detector of flat shapes;
learned ones live in modules of their own, which `registry` lists.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from imgassets.documents.judge import Shapes
from imgassets.judges.detector_classes import COLOR_NAMES, SHAPES
from imgassets.judges.errors import JudgeError
from imgassets.judges.readings import read
from imgassets.judges.regions import Box, Region, find_regions


class DetectorError(JudgeError):
    """A detector was asked for what it cannot answer; the image gets no score."""


@dataclass(frozen=True)
class Detection:
    """One object found.

    Attributes:
        class_: object class, such as `circle`.
        box: (x0, y0, x1, y1) in pixels of the image given.
        score: confidence, 0..1; GenEval keeps what is above 0.3, above 0.9 where it counts.
        color: a name in `Detector.colors`; None when the detector could not tell.
        doubt: why it cannot be told what this is; empty when it can.
        may_be: where in doubt, the classes it may be; None among them: no object at all.
    """

    class_: str
    box: Box
    score: float
    color: str | None
    doubt: str = ""
    may_be: tuple[str | None, ...] = ()


class Detector(Protocol):
    """What the rule needs to know of an image."""

    @property
    def classes(self) -> tuple[str, ...] | None:
        """The classes it knows; None when it takes any (open vocabulary)."""

    @property
    def colors(self) -> tuple[str, ...]:
        """The color names it tells apart."""

    def detect(self, image: NDArray[np.uint8], classes: Sequence[str]) -> list[Detection]:
        """Objects of `classes` in an image (uint8, (H, W, 3), sRGB), the surest first.

        Raises:
            DetectorError: for an image or a class it cannot handle.
        """
        ...


@dataclass(frozen=True)
class FlatShapeDetector:
    """Finds flat-colored circles, squares, triangles, stars, diamonds and hearts.

    Deterministic, no weights: regions by color, then shape by overlap with canonical outlines.
    Regions below `regions.SPECK_AREA_SHARE` of the image, or too thin to hold a disk of 6 % of its
    side, are no objects. What it cannot tell is a detection with a doubt (`readings`). Not meant
    for photographs.
    """

    classes: tuple[str, ...] = SHAPES
    colors: tuple[str, ...] = COLOR_NAMES

    def detect(self, image: NDArray[np.uint8], classes: Sequence[str]) -> list[Detection]:
        """Objects of `classes` in an image.

        Args:
            image: uint8, (H, W, 3), sRGB, 0..255; at least 16 x 16 pixels.
            classes: names in `self.classes`.

        Returns:
            Detections, the surest first; boxes of equal score in order of area.

        Raises:
            DetectorError: for another kind of image, or a class that is not a known shape.
        """
        check_image(image)
        unknown = sorted(set(classes) - set(self.classes))
        if unknown:
            raise DetectorError(
                f"the detector of flat shapes does not know {', '.join(map(repr, unknown))}; "
                f"expected {', '.join(self.classes)}; another judge may, such as coco-small: "
                "`judges: {composition: coco-small}` in the contract, or `--judge coco-small`"
            )
        found = [_detection(region) for region in find_regions(image)]
        wanted = [d for d in found if d and not {d.class_, *d.may_be}.isdisjoint(classes)]
        return sorted(wanted, key=lambda d: -d.score)


def check_image(image: NDArray[np.uint8]) -> None:
    """Refuse what is not an image of uint8, (H, W, 3), H and W at least 16.

    Raises:
        DetectorError: with what was given.
    """
    shape, dtype = getattr(image, "shape", None), getattr(image, "dtype", None)
    if dtype != np.uint8 or shape is None or len(shape) != 3 or shape[2] != 3:
        raise DetectorError(
            f"expected an image of uint8 (H, W, 3), got {dtype} {shape}; normalize it first"
        )
    if min(shape[:2]) < 16:
        raise DetectorError(f"expected at least 16 x 16 pixels, got {shape[1]} x {shape[0]}")


def _detection(region: Region) -> Detection | None:
    found = read(region)
    if found is None:
        return None
    return Detection(found.shape, region.box, found.score, region.color, found.doubt, found.may_be)


def without_overlaps(group: Sequence[Detection], max_overlap: float) -> list[Detection]:
    """Non-maximum suppression: each box (surest first) drops later ones of IoU >= max_overlap.

    As in GenEval, 1.0 switches it off, and boxes count their last pixel (`_iou`).
    """
    if max_overlap == 1.0:
        return list(group)
    chosen: list[Detection] = []
    for found in group:
        if all(_iou(found.box, other.box) < max_overlap for other in chosen):
            chosen.append(found)
    return chosen


def _iou(a: Sequence[float], b: Sequence[float]) -> float:
    width = min(a[2], b[2]) - max(a[0], b[0]) + 1
    height = min(a[3], b[3]) - max(a[1], b[1]) + 1
    common = max(width, 0.0) * max(height, 0.0)
    areas = [max(c[2] - c[0] + 1, 0.0) * max(c[3] - c[1] + 1, 0.0) for c in (a, b)]
    union = sum(areas) - common
    return common / union if union else 0.0


def open_judge(document: Shapes, root: Path, device: str) -> FlatShapeDetector:  # noqa: ARG001
    """The detector of flat shapes: one for all documents of the kind."""
    return FlatShapeDetector()
