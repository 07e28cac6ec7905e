"""Collages of cut-outs on photographs, over GenEval's six tasks, half of them planted wrong.

    python -m imgassets_tests.benchmarks.photo_scenes FOLDER --part tune

writes images and `labels.jsonl`, a line an image:
`{"image": "...", "expect": {...}, "correct": true, "task": "counting"}`.

Planted wrong is exactly one thing: an object is another one or missing, there is one more or one
less, a color is another, a relation is turned round, two colors are swapped. What is asked for is
also asked for as GenEval's prompts do: where objects are counted, `exclude` says "not one more".
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import cv2
import numpy as np
from numpy.typing import NDArray
from PIL import Image

from imgassets.documents.prompts import Expectation
from imgassets_tests.benchmarks.photo_cutouts import SOURCES, Cutout, Part, backgrounds, cutouts

Pixels = NDArray[np.uint8]
Task = Literal[
    "single_object", "two_object", "counting", "colors", "position", "color_attr"
]  # as GenEval tags them
TASKS: tuple[Task, ...] = (
    "single_object", "two_object", "counting", "colors", "position", "color_attr",
)  # fmt: skip
SIDE = 512

#: GenEval's colors as paint, in CIELAB; each painted object differs from these by up to 5.
PAINT = {
    "red": (45, 65, 42), "orange": (66, 42, 65), "yellow": (84, 2, 75), "green": (52, -44, 32),
    "blue": (42, 15, -58), "purple": (36, 45, -42), "pink": (74, 36, -3), "brown": (36, 18, 26),
    "black": (14, 0, 0), "white": (90, 0, 2),
}  # fmt: skip
OPPOSITE = {"left of": "right of", "right of": "left of", "above": "below", "below": "above"}


@dataclass(frozen=True)
class Sample:
    """One labelled image.

    Attributes:
        image: uint8, (512, 512, 3), sRGB.
        expectation: what it is asked to show.
        correct: whether it does.
        task: of GenEval.
    """

    image: Pixels
    expectation: Expectation
    correct: bool
    task: Task


@dataclass(frozen=True)
class Placed:
    """A cut-out and where its middle goes, in shares; its longer side is `size` of the image's."""

    cutout: Cutout
    x: float
    y: float
    size: float
    color: str | None = None


def samples(part: Part, number: int, seed: int = 2026) -> Iterator[Sample]:
    """`number` labelled images a task, every other one planted wrong; the same for a seed."""
    for task in TASKS:
        rng = np.random.default_rng([seed, TASKS.index(task), part == "held"])
        for index in range(number):
            correct = index % 2 == 0
            placed, expect = _MAKERS[task](rng, part, correct)
            expectation = Expectation.model_validate(expect)
            yield Sample(collage(rng, part, placed), expectation, correct, task)


def export(folder: Path, part: Part, number: int, seed: int = 2026) -> int:
    """Writes images and `labels.jsonl` into a folder; returns how many images."""
    folder.mkdir(parents=True, exist_ok=True)
    lines = []
    for index, sample in enumerate(samples(part, number, seed)):
        name = f"{sample.task}-{index % number:04d}.png"
        Image.fromarray(sample.image).save(folder / name)
        expect = sample.expectation.model_dump(
            mode="json", by_alias=True, exclude_defaults=True, exclude_none=True
        )
        line = {"image": name, "expect": expect, "correct": sample.correct, "task": sample.task}
        lines.append(json.dumps(line))
    (folder / "labels.jsonl").write_text("\n".join(lines) + "\n", encoding="utf-8")
    return len(lines)


def collage(rng: np.random.Generator, part: Part, placed: list[Placed]) -> Pixels:
    """Cut-outs on a background out of focus, with soft edges and a light of their own."""
    scenes = backgrounds(part)
    scene = scenes[rng.integers(len(scenes))]
    side = int(min(scene.shape[:2]) * rng.uniform(0.7, 1.0))
    y, x = (int(rng.integers(extent - side + 1)) for extent in scene.shape[:2])
    image = cv2.resize(scene[y : y + side, x : x + side], (SIDE, SIDE))
    canvas = cv2.GaussianBlur(image, (0, 0), 2.0).astype(np.float32)
    for one in placed:
        paste(rng, canvas, one)
    noisy = canvas + rng.normal(0.0, 2.0, canvas.shape)
    return np.clip(np.round(noisy), 0, 255).astype(np.uint8)


def painted(pixels: Pixels, color: str, rng: np.random.Generator) -> Pixels:
    """Pixels in the paint of a color: hue and lightness are the paint's, light and shadow stay.

    So do parts much darker than most, unless all is black or white: a red bus has black tires.
    """
    lab = cv2.cvtColor(pixels.astype(np.float32) / 255.0, cv2.COLOR_RGB2LAB)
    paint = np.array(PAINT[color], np.float32) + rng.uniform(-5.0, 5.0, 3).astype(np.float32)
    gray = color in ("black", "white")
    if gray:
        paint[1:] = 0.0
    new = np.empty_like(lab)
    usual = max(float(np.median(lab[..., 0])), 1.0)
    light = lab[..., 0] - usual
    new[..., 0] = np.clip(paint[0] + (0.35 if gray else 0.7) * light, 3.0, 97.0)
    new[..., 1:] = paint[1:]
    whole = 1.0 if gray else np.clip((lab[..., :1] / usual - 0.3) / 0.3, 0.0, 1.0)
    mixed = cv2.cvtColor(whole * new + (1.0 - whole) * lab, cv2.COLOR_LAB2RGB)
    return np.clip(np.round(mixed * 255.0), 0, 255).astype(np.uint8)


def paste(rng: np.random.Generator, canvas: NDArray[np.float32], one: Placed) -> None:
    """Puts a cut-out on a canvas of `SIDE` x `SIDE`, turned round or not, in a light of its own."""
    pixels = one.cutout.pixels if one.color is None else painted(one.cutout.pixels, one.color, rng)
    alpha = one.cutout.alpha
    if rng.random() < 0.5:
        pixels, alpha = pixels[:, ::-1], alpha[:, ::-1]
    scale = one.size * SIDE / max(alpha.shape)
    size = (max(1, round(alpha.shape[1] * scale)), max(1, round(alpha.shape[0] * scale)))
    way = cv2.INTER_AREA if scale < 1.0 else cv2.INTER_LINEAR
    pixels = cv2.resize(np.ascontiguousarray(pixels), size, interpolation=way)
    alpha = cv2.resize(np.ascontiguousarray(alpha), size, interpolation=way)[..., None]
    left, top = round(one.x * SIDE - size[0] / 2), round(one.y * SIDE - size[1] / 2)
    left, top = min(max(left, 0), SIDE - size[0]), min(max(top, 0), SIDE - size[1])
    under = canvas[top : top + size[1], left : left + size[0]]
    under[:] = alpha * pixels * rng.uniform(0.9, 1.1) + (1.0 - alpha) * under


Made = tuple[list[Placed], dict[str, object]]


def _picked(
    rng: np.random.Generator, part: Part, number: int, colored: bool = False
) -> list[Cutout]:
    """Cut-outs of different classes."""
    by_class = {one.class_: one for one in cutouts(part) if one.recolored or not colored}
    names = sorted(by_class)
    if len(names) < number:
        raise SystemExit(f"too few photographs; set {SOURCES}, as photo_cutouts.py says")
    return [by_class[names[i]] for i in rng.choice(len(names), number, replace=False)]


def _other(rng: np.random.Generator, color: str) -> str:
    names = [name for name in PAINT if name != color]
    return names[rng.integers(len(names))]


def _beside(rng: np.random.Generator, a: Cutout, b: Cutout, relation: str) -> list[Placed]:
    """`a` in a relation to `b`, well apart."""
    near, far, drift = rng.uniform(0.22, 0.28), rng.uniform(0.72, 0.78), rng.uniform(-0.06, 0.06, 2)
    first, second = (near, far) if relation in ("left of", "above") else (far, near)
    places = [(first, 0.5 + drift[0]), (second, 0.5 + drift[1])]
    if relation in ("above", "below"):
        places = [(y, x) for x, y in places]
    sizes = rng.uniform(0.36, 0.44, 2)
    return [Placed(c, x, y, s) for c, (x, y), s in zip((a, b), places, sizes, strict=True)]


def _colored(placed: list[Placed], *colors: str) -> list[Placed]:
    return [
        Placed(p.cutout, p.x, p.y, p.size, color) for p, color in zip(placed, colors, strict=True)
    ]


def _relation(rng: np.random.Generator) -> str:
    return tuple(OPPOSITE)[rng.integers(len(OPPOSITE))]


def _single(rng: np.random.Generator, part: Part, correct: bool) -> Made:
    """Wrong: it is another one, half of the time one that looks like what is asked for."""
    asked, other = _picked(rng, part, 2)
    x, y = rng.uniform(0.4, 0.6, 2)
    word, shown = asked.class_, asked if correct else other
    if not correct and rng.random() < 0.5:
        word = shown.like
    return [Placed(shown, x, y, rng.uniform(0.5, 0.8))], {"include": [{"class": word}]}


def _two(rng: np.random.Generator, part: Part, correct: bool) -> Made:
    """Wrong: in place of the second object there is none, or one that looks like it."""
    a, b = _picked(rng, part, 2)
    shown, word = _beside(rng, a, b, _relation(rng)), b.class_
    if not correct and rng.random() < 0.5:
        shown = shown[:1]
    elif not correct:
        word = b.like
    return shown, {"include": [{"class": a.class_}, {"class": word}]}


def _counting(rng: np.random.Generator, part: Part, correct: bool) -> Made:
    """Two to four, on a grid of two by two or, where there are five, three by two."""
    (asked,) = _picked(rng, part, 1)
    count = int(rng.integers(2, 5))
    shown = count if correct else count + int(rng.choice([-1, 1]))
    across = 3 if shown > 4 else 2
    cells = rng.permutation(across * 2)[:shown]
    size = rng.uniform(0.85, 0.95) / across
    placed = [
        Placed(asked, (cell % across + 0.5) / across, (cell // across + 0.5) / 2, size)
        for cell in cells.tolist()
    ]
    expect = {
        "include": [{"class": asked.class_, "count": count}],
        "exclude": [{"class": asked.class_, "count": count + 1}],
    }
    return placed, expect


def _colors(rng: np.random.Generator, part: Part, correct: bool) -> Made:
    (asked,) = _picked(rng, part, 1, colored=True)
    color = tuple(PAINT)[rng.integers(len(PAINT))]
    x, y = rng.uniform(0.4, 0.6, 2)
    shown = color if correct else _other(rng, color)
    placed = [Placed(asked, x, y, rng.uniform(0.5, 0.8), shown)]
    return placed, {"include": [{"class": asked.class_, "color": color}]}


def _position(rng: np.random.Generator, part: Part, correct: bool) -> Made:
    a, b = _picked(rng, part, 2)
    relation = _relation(rng)
    shown = _beside(rng, a, b, relation if correct else OPPOSITE[relation])
    second = {"class": a.class_, "position": [relation, 0]}
    return shown, {"include": [{"class": b.class_}, second]}


def _color_attribution(rng: np.random.Generator, part: Part, correct: bool) -> Made:
    """Wrong: each object has the other's color."""
    a, b = _picked(rng, part, 2, colored=True)
    first = tuple(PAINT)[rng.integers(len(PAINT))]
    second = _other(rng, first)
    shown = (first, second) if correct else (second, first)
    placed = _colored(_beside(rng, a, b, _relation(rng)), *shown)
    asked = [{"class": a.class_, "color": first}, {"class": b.class_, "color": second}]
    return placed, {"include": asked}


_MAKERS: dict[Task, Callable[[np.random.Generator, Part, bool], Made]] = {
    "single_object": _single,
    "two_object": _two,
    "counting": _counting,
    "colors": _colors,
    "position": _position,
    "color_attr": _color_attribution,
}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--part", choices=("tune", "held"), default="tune")
    parser.add_argument("--number", type=int, default=100, help="images a task")
    parser.add_argument("--seed", type=int, default=2026)
    options = parser.parse_args()
    number = export(options.folder, options.part, options.number, options.seed)
    print(f"{number} images in {options.folder}")


if __name__ == "__main__":
    main()
