"""Drawn scenes with ground truth: what the tiny models learn, and what detectors are tested on.

A scene is one prompt and one exact description of the picture that satisfies it. Entropy is low
on purpose (near-canonical places, small jitter), so that a model of a few million weights learns
the prompt rather than the layout. Here belongs what a scene *is*; how a model learns it does not.
"""

from __future__ import annotations

import functools
import hashlib
import math
import random
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from PIL import Image, ImageDraw, ImageFont

Task = Literal["single_object", "position", "counting", "text"]
RGB = tuple[int, int, int]
Box = tuple[float, float, float, float]

SIZE = 96
COLORS: dict[str, RGB] = {
    "red": (214, 26, 34),
    "orange": (250, 130, 10),
    "yellow": (252, 226, 20),
    "green": (24, 150, 50),
    "cyan": (20, 205, 225),
    "blue": (20, 85, 230),
    "purple": (145, 30, 150),
    "pink": (255, 130, 190),
}
BACKGROUNDS: dict[str, RGB] = {
    "white": (255, 255, 255),
    "gray": (128, 128, 128),
    "black": (0, 0, 0),
    "beige": (214, 188, 148),
}
SHAPES = ("circle", "square", "triangle", "star", "diamond", "heart")
TASKS: tuple[Task, ...] = ("single_object", "position", "counting", "text")
RELATIONS = ("left of", "right of", "above", "below")
COUNT_WORDS = {"two": 2, "three": 3, "four": 4}
# No "0": in the bundled font, at these sizes, it cannot be told from "O".
ALPHABET = "ABCDEFGHIJKLMNOPQRSTUVWXYZ123456789"
MAX_TEXT_LENGTH = 5

OBJECT_SIDE = {"large": 56.0, "small": 26.0}
LETTER_HEIGHT = {"large": 20.0, "small": 11.0}
# Multiples of the VAE's factor 8: a letter looks the same wherever it stands.
LETTER_PITCH = {"large": 16.0, "small": 8.0}
LETTER_GAP = {"large": 2.0, "small": 1.25}

_SUPERSAMPLE = 4
_GLYPH_EM = 256
_GLYPH_STROKE = 9  # The bundled font is a regular; a bolder one survives the VAE better.
_CENTERS: dict[str, tuple[tuple[float, float], ...]] = {
    "row": ((26.0, 48.0), (70.0, 48.0)),
    "column": ((48.0, 26.0), (48.0, 70.0)),
    "two": ((26.0, 48.0), (70.0, 48.0)),
    "three": ((48.0, 26.0), (26.0, 68.0), (70.0, 68.0)),
    "four": ((26.0, 26.0), (70.0, 26.0), (26.0, 70.0), (70.0, 70.0)),
}


@dataclass(frozen=True)
class SceneObject:
    """One shape. ``box`` is its tight bounding box (x0, y0, x1, y1) in pixels of a SIZE canvas."""

    shape: str
    color: str
    box: Box


@dataclass(frozen=True)
class SceneText:
    """One centred line. ``letter_height`` is the height of a capital in pixels of a SIZE canvas."""

    text: str
    color: str
    size: Literal["large", "small"]
    box: Box
    letter_height: float


@dataclass(frozen=True)
class Scene:
    """A prompt and the picture it asks for.

    ``size`` is the canvas side in pixels, to which all boxes refer. ``size_word`` is the word of
    the prompt ("large", "small") where the prompt has one, else None.
    """

    task: Task
    background: str
    prompt: str
    objects: tuple[SceneObject, ...]
    text: SceneText | None
    size: int = SIZE
    size_word: Literal["large", "small"] | None = None

    def render(self, size: int | None = None) -> Image.Image:
        """Draw the scene, antialiased by 4 x 4 supersampling.

        ``size`` is the side in pixels (default: ``self.size``); a larger one draws the same scene
        finer, which makes exact high-resolution truth. Returns RGB, uint8, sRGB.
        """
        side = self.size if size is None else size
        scale = side * _SUPERSAMPLE / self.size
        canvas = Image.new("RGB", (side * _SUPERSAMPLE,) * 2, BACKGROUNDS[self.background])
        draw = ImageDraw.Draw(canvas)
        for item in self.objects:
            outline = [(x * scale, y * scale) for x, y in _place(item.shape, item.box)]
            draw.polygon(outline, fill=COLORS[item.color])
        if self.text is not None:
            _draw_text(canvas, self.text, scale)
        return canvas.reduce(_SUPERSAMPLE)

    def expectation(self) -> dict[str, Any]:
        """What a detector must find, in GenEval's form (djghosh13/geneval, evaluation metadata).

        As there, a ``position`` points at an *earlier* entry of ``include``: for "a red circle
        left of a blue star" the star is entry 0 and the circle carries ``["left of", 0]``.
        A single object carries ``size`` as well; text scenes have tag "text" and ``text``.
        """
        if self.text is not None:
            return {
                "tag": "text",
                "text": self.text.text,
                "color": self.text.color,
                "size": self.text.size,
                "prompt": self.prompt,
            }
        first = self.objects[0]
        entry: dict[str, Any] = {"class": first.shape, "count": 1, "color": first.color}
        include, exclude = [entry], []
        if self.task == "counting":
            entry["count"] = len(self.objects)
            exclude = [{"class": first.shape, "count": len(self.objects) + 1}]
        elif self.task == "position":
            second = self.objects[1]
            reference = {"class": second.shape, "count": 1, "color": second.color}
            relation = next(word for word in RELATIONS if f" {word} " in self.prompt)
            include = [reference, entry | {"position": [relation, 0]}]
        else:
            entry["size"] = self.size_word
        return {"tag": self.task, "include": include, "exclude": exclude, "prompt": self.prompt}


def is_held_out(prompt: str) -> bool:
    """Whether training must never see this prompt: 10 % of position and text, 5 % of the rest.

    Decided by the SHA-256 of the prompt, so it is the same everywhere and for ever.
    """
    wide = '"' in prompt or any(f" {word} " in prompt for word in RELATIONS)
    number = int.from_bytes(hashlib.sha256(prompt.encode()).digest()[:8], "big")
    return number % (10 if wide else 20) == 0


def sample_scene(
    rng: random.Random | np.random.Generator,
    task: Task | None = None,
    held_out: bool | None = None,
) -> Scene:
    """Draw one scene at random.

    ``task`` None takes each task with equal chance. ``held_out`` False keeps to prompts training
    may see, True to those it never sees, None to either. Raises ValueError for an unknown task.
    """
    source = rng if isinstance(rng, random.Random) else random.Random(int(rng.integers(2**62)))
    chosen = source.choice(TASKS) if task is None else task
    if chosen not in TASKS:
        raise ValueError(f"unknown scene task: got {chosen!r}, expected one of {', '.join(TASKS)}")
    while True:
        scene = _SAMPLERS[chosen](source)
        if held_out is None or is_held_out(scene.prompt) == held_out:
            return scene


def text_scene(
    rng: random.Random,
    text: str,
    color: str,
    background: str,
    size: Literal["large", "small"] = "large",
) -> Scene:
    """The scene of a given line of text. Raises ValueError for text the alphabet cannot write."""
    if not 1 <= len(text) <= MAX_TEXT_LENGTH or set(text) - set(ALPHABET):
        raise ValueError(
            f"text {text!r} cannot be written: expected 1 to {MAX_TEXT_LENGTH} of {ALPHABET}"
        )
    dx, dy = _jitter(rng, 0.75), _jitter(rng, 1.5)
    glyphs = _layout(text, size, SIZE / 2 + dx, SIZE / 2 + dy)
    lefts, tops, rights, bottoms = zip(*(box for _, box in glyphs), strict=True)
    line = SceneText(
        text, color, size, (min(lefts), min(tops), max(rights), max(bottoms)), LETTER_HEIGHT[size]
    )
    prompt = f'{size} text "{text}" in {color} on {background}'
    return Scene("text", background, prompt, (), line, size_word=size)


def _sample_text(rng: random.Random) -> Scene:
    length = rng.choices(range(1, MAX_TEXT_LENGTH + 1), weights=(2, 3, 4, 4, 4))[0]
    text = "".join(rng.choice(ALPHABET) for _ in range(length))
    size: Literal["large", "small"] = "large" if rng.random() < 0.75 else "small"
    return text_scene(rng, text, _color(rng), _background(rng), size)


def _sample_single(rng: random.Random) -> Scene:
    shape, color, background = rng.choice(SHAPES), _color(rng), _background(rng)
    size: Literal["large", "small"] = rng.choice(("large", "small"))
    box = _box(rng, (SIZE / 2, SIZE / 2), OBJECT_SIDE[size], move=3.0)
    prompt = f"a {size} {color} {shape} on {background}"
    return Scene(
        "single_object", background, prompt, (SceneObject(shape, color, box),), None, SIZE, size
    )


def _sample_position(rng: random.Random) -> Scene:
    shapes, colors = rng.sample(SHAPES, 2), rng.sample(tuple(COLORS), 2)
    relation, background = rng.choice(RELATIONS), _background(rng)
    centers = _CENTERS["row" if relation in ("left of", "right of") else "column"]
    if relation in ("right of", "below"):
        centers = centers[::-1]
    objects = tuple(
        SceneObject(shape, color, _box(rng, center, 34.0, move=2.0))
        for shape, color, center in zip(shapes, colors, centers, strict=True)
    )
    named = [
        f"{_article(color)} {color} {shape}" for shape, color in zip(shapes, colors, strict=True)
    ]
    prompt = f"{named[0]} {relation} {named[1]} on {background}"
    return Scene("position", background, prompt, objects, None)


def _sample_counting(rng: random.Random) -> Scene:
    word, shape = rng.choice(tuple(COUNT_WORDS)), rng.choice(SHAPES)
    color, background = _color(rng), _background(rng)
    objects = tuple(
        SceneObject(shape, color, _box(rng, center, 30.0, move=1.5)) for center in _CENTERS[word]
    )
    return Scene("counting", background, f"{word} {color} {shape}s on {background}", objects, None)


_SAMPLERS = {
    "single_object": _sample_single,
    "position": _sample_position,
    "counting": _sample_counting,
    "text": _sample_text,
}


def _color(rng: random.Random) -> str:
    return rng.choice(tuple(COLORS))


def _background(rng: random.Random) -> str:
    return rng.choice(tuple(BACKGROUNDS))


def _article(word: str) -> str:
    return "an" if word[0] in "aeiou" else "a"


def _jitter(rng: random.Random, amount: float) -> float:
    return rng.uniform(-amount, amount)


def _box(rng: random.Random, center: tuple[float, float], side: float, move: float) -> Box:
    half = side * rng.uniform(0.95, 1.05) / 2
    x, y = center[0] + _jitter(rng, move), center[1] + _jitter(rng, move)
    return (x - half, y - half, x + half, y + half)


@functools.cache
def _outline(shape: str) -> tuple[tuple[float, float], ...]:
    """Corners of a shape that fills the unit square exactly, as (x, y) in 0..1."""
    turn = [2 * math.pi * step / 96 for step in range(96)]
    if shape == "square":
        points = [(0.0, 0.0), (1.0, 0.0), (1.0, 1.0), (0.0, 1.0)]
    elif shape == "triangle":
        points = [(0.5, 0.0), (1.0, 1.0), (0.0, 1.0)]
    elif shape == "diamond":
        points = [(0.5, 0.0), (1.0, 0.5), (0.5, 1.0), (0.0, 0.5)]
    elif shape == "star":
        radii = [1.0 if corner % 2 == 0 else 0.42 for corner in range(10)]
        angles = [math.pi * corner / 5 for corner in range(10)]
        points = [(r * math.sin(a), -r * math.cos(a)) for r, a in zip(radii, angles, strict=True)]
    elif shape == "heart":
        points = [
            (16 * math.sin(t) ** 3, -(13 * math.cos(t) - 5 * math.cos(2 * t)
             - 2 * math.cos(3 * t) - math.cos(4 * t))) for t in turn
        ]  # fmt: skip
    elif shape == "circle":
        points = [(math.cos(t), math.sin(t)) for t in turn]
    else:
        raise ValueError(f"unknown shape: got {shape!r}, expected one of {', '.join(SHAPES)}")
    xs, ys = [x for x, _ in points], [y for _, y in points]
    width, height = max(xs) - min(xs), max(ys) - min(ys)
    return tuple(((x - min(xs)) / width, (y - min(ys)) / height) for x, y in points)


def _place(shape: str, box: Box) -> list[tuple[float, float]]:
    x0, y0, x1, y1 = box
    return [(x0 + x * (x1 - x0), y0 + y * (y1 - y0)) for x, y in _outline(shape)]


@functools.cache
def _glyph(char: str) -> tuple[Image.Image, float, float]:
    """Mask of a character, and its top and height in units of the height of a capital H."""
    font = ImageFont.load_default(size=_GLYPH_EM)
    _, cap_top, _, cap_bottom = font.getbbox("H", stroke_width=_GLYPH_STROKE)
    left, top, right, bottom = font.getbbox(char, stroke_width=_GLYPH_STROKE)
    mask = Image.new("L", (int(right - left), int(bottom - top)))
    pen = ImageDraw.Draw(mask)
    pen.text((-left, -top), char, font=font, fill=255, stroke_width=_GLYPH_STROKE)
    cap = cap_bottom - cap_top
    return mask, (top - cap_top) / cap, (bottom - top) / cap


def _layout(text: str, size: str, center_x: float, center_y: float) -> list[tuple[str, Box]]:
    """Box of each character; one pitch for all, and wide letters are condensed to their cell."""
    height, pitch = LETTER_HEIGHT[size], LETTER_PITCH[size]
    placed = []
    for index, char in enumerate(text):
        mask, top, tall = _glyph(char)
        width = min(mask.width / mask.height * tall * height, pitch - LETTER_GAP[size])
        x = center_x + (index - (len(text) - 1) / 2) * pitch
        y = center_y - height / 2 + top * height
        placed.append((char, (x - width / 2, y, x + width / 2, y + tall * height)))
    return placed


def _draw_text(canvas: Image.Image, line: SceneText, scale: float) -> None:
    """Stamp the glyphs of ``line``; its box says where, so drawing needs no randomness."""
    spots = _layout(line.text, line.size, 0.0, 0.0)
    dx = line.box[0] - min(box[0] for _, box in spots)
    dy = line.box[1] - min(box[1] for _, box in spots)
    for char, (x0, y0, x1, y1) in spots:
        corner = (round((x0 + dx) * scale), round((y0 + dy) * scale))
        extent = (max(1, round((x1 - x0) * scale)), max(1, round((y1 - y0) * scale)))
        mask = _glyph(char)[0].resize(extent, Image.Resampling.BOX)
        canvas.paste(COLORS[line.color], corner, mask)
