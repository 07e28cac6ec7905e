"""Drawn scenes with one thing wrong, and the ways pictures get worse: what detectors face.

Used by the tests of composition and by its accuracy benchmark.
"""

from __future__ import annotations

import dataclasses
import io
import random
from collections.abc import Callable
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray
from PIL import Image

from imgassets.documents.prompts import Expectation
from imgassets.tiny.scenes import COLORS, SHAPES, Scene, SceneObject, sample_scene

Pixels = NDArray[np.uint8]

TASKS = ("single_object", "position", "counting")
FAULTS = {
    "single_object": ("color", "count", "shape"),
    "position": ("color", "count", "shape", "position"),
    "counting": ("color", "count", "shape"),
}
#: Blur of 5 % of the side of the smallest object of the scenes (26 of 96 pixels): 1.3 pixels at 96.
BLUR_SHARE = 0.05 * 26 / 96
NOISE_SIGMA = 8.0
JPEG_QUALITY = 60


@dataclass(frozen=True)
class Sample:
    """What was asked for, what was drawn, and which fault was planted (None: none)."""

    asked: Scene
    drawn: Scene
    fault: str | None

    @property
    def expectation(self) -> Expectation:
        asked = self.asked.expectation()
        include, exclude = asked["include"], asked["exclude"]
        return Expectation.model_validate(
            {"include": include, "exclude": exclude, "background": self.asked.background}
        )


def samples(seed: int, number: int) -> list[Sample]:
    """`number` scenes, tasks in turn; every second round of tasks has a planted fault."""
    rng = random.Random(seed)
    found = []
    for index in range(number):
        scene = sample_scene(rng, task=TASKS[index % len(TASKS)])
        faulty = index // len(TASKS) % 2 == 1
        fault = rng.choice(FAULTS[scene.task]) if faulty else None
        drawn = plant(scene, fault, rng) if fault else scene
        found.append(Sample(scene, drawn, fault))
    return found


def plant(scene: Scene, fault: str, rng: random.Random) -> Scene:
    """A scene that differs from `scene` by exactly one color, shape, object or relation."""
    objects = list(scene.objects)
    index = rng.randrange(len(objects))
    one = objects[index]
    if fault == "color":
        other = rng.choice([color for color in COLORS if color != one.color])
        objects[index] = dataclasses.replace(one, color=other)
    elif fault == "shape":
        there = {item.shape for item in objects}
        other = rng.choice([shape for shape in SHAPES if shape not in there])
        objects[index] = dataclasses.replace(one, shape=other)
    elif fault == "position":
        objects = _moved(objects, rng.choice(("swap", "turn", "both")))
    elif scene.task == "counting" and rng.random() < 0.5:
        objects = _one_more(objects)
    else:
        del objects[index]
    return dataclasses.replace(scene, objects=tuple(objects))


def _moved(objects: list[SceneObject], how: str) -> list[SceneObject]:
    boxes = [item.box for item in objects]
    if how in ("swap", "both"):
        boxes = boxes[::-1]
    if how in ("turn", "both"):
        boxes = [(y0, x0, y1, x1) for x0, y0, x1, y1 in boxes]
    return [dataclasses.replace(o, box=box) for o, box in zip(objects, boxes, strict=True)]


def _one_more(objects: list[SceneObject]) -> list[SceneObject]:
    """One object more than there are, in the places of that number (five: four and the middle)."""
    half = 15.0
    places = [(26.0, 26.0), (70.0, 26.0), (26.0, 70.0), (70.0, 70.0)]
    if len(objects) == 2:
        places = [(48.0, 26.0), (26.0, 68.0), (70.0, 68.0)]
    elif len(objects) == 4:
        half, places = 12.5, [(18.0, 18.0), (78.0, 18.0), (18.0, 78.0), (78.0, 78.0), (48.0, 48.0)]
    return [
        dataclasses.replace(objects[0], box=(x - half, y - half, x + half, y + half))
        for x, y in places
    ]


def pixels(scene: Scene, side: int = 96) -> Pixels:
    return np.asarray(scene.render(side), np.uint8)


def clean(image: Pixels, rng: np.random.Generator) -> Pixels:
    return image


def blurred(image: Pixels, rng: np.random.Generator) -> Pixels:
    sigma = BLUR_SHARE * max(image.shape[:2])
    return np.asarray(cv2.GaussianBlur(image, (0, 0), sigma), np.uint8)


def noisy(image: Pixels, rng: np.random.Generator) -> Pixels:
    values = image + rng.normal(0.0, NOISE_SIGMA, image.shape)
    return np.clip(np.round(values), 0, 255).astype(np.uint8)


def jpeg(image: Pixels, rng: np.random.Generator) -> Pixels:
    buffer = io.BytesIO()
    Image.fromarray(image).save(buffer, "JPEG", quality=JPEG_QUALITY)
    return np.asarray(Image.open(buffer).convert("RGB"), np.uint8)


def degraded(image: Pixels, rng: np.random.Generator) -> Pixels:
    """Blur, then noise, then JPEG: all three on one image."""
    return jpeg(noisy(blurred(image, rng), rng), rng)


def generated(image: Pixels, rng: np.random.Generator) -> Pixels:
    """What a small diffusion model does to a drawing: bent outlines (about a pixel at 96), soft
    edges, colors that drift by up to about 20 levels, and three small specks of a wrong color."""
    side = image.shape[0]
    bend = _smooth_field(rng, side, 2) * (side / 96)
    rows, columns = np.mgrid[:side, :side].astype(np.float32)
    bent = cv2.remap(
        image, columns + bend[..., 0], rows + bend[..., 1], cv2.INTER_LINEAR,
        borderMode=cv2.BORDER_REPLICATE,
    )  # fmt: skip
    for _ in range(3):
        center = tuple(int(value) for value in rng.integers(0, side, 2))
        color = tuple(int(value) for value in rng.integers(0, 256, 3))
        cv2.circle(bent, center, round(1.5 * side / 96), color, -1)
    soft = cv2.GaussianBlur(bent, (0, 0), 0.9 * side / 96)
    drift = soft + 9.0 * _smooth_field(rng, side, 3)
    return np.clip(np.round(drift), 0, 255).astype(np.uint8)


def _smooth_field(rng: np.random.Generator, side: int, channels: int) -> NDArray[np.float32]:
    """Low-frequency noise of standard deviation about 1: (side, side, channels)."""
    coarse = rng.normal(0.0, 1.0, (8, 8, channels)).astype(np.float32)
    return np.asarray(cv2.resize(coarse, (side, side), interpolation=cv2.INTER_CUBIC), np.float32)


CONDITIONS: dict[str, Callable[[Pixels, np.random.Generator], Pixels]] = {
    "clean": clean,
    "JPEG 60": jpeg,
    "noise 8/255": noisy,
    "blur 5 %": blurred,
    "all three": degraded,
    "as generated": generated,
}
