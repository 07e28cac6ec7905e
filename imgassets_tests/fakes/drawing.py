"""The picture a prompt asks for, drawn: the same prompt and seed give the same picture."""

from __future__ import annotations

import io
import random
import re

from PIL import Image

from imgassets.tiny.scenes import (
    BACKGROUNDS,
    COLORS,
    COUNT_WORDS,
    SHAPES,
    Scene,
    SceneObject,
    text_scene,
)

_PLACES = {
    1: [(48.0, 48.0)],
    2: [(26.0, 48.0), (70.0, 48.0)],
    3: [(48.0, 26.0), (26.0, 68.0), (70.0, 68.0)],
    4: [(26.0, 26.0), (70.0, 26.0), (26.0, 70.0), (70.0, 70.0)],
}


def draw(prompt: str, seed: int, size: tuple[int, int]) -> Image.Image:
    """The scene of a prompt, RGB; a gray picture where the prompt names no known shape."""
    return _scene(prompt, random.Random(f"{prompt}/{seed}")).render().resize(size)


def _scene(prompt: str, rng: random.Random) -> Scene:
    text = re.search(r'"([A-Z1-9]{1,5})"', prompt)
    color = _first(COLORS, prompt, "blue")
    background = _first(BACKGROUNDS, prompt.rpartition(" on ")[2], "white")
    if text:
        return text_scene(rng, text[1], color, background)
    shape = next((s for s in SHAPES if s in prompt), None)
    if shape is None:
        return Scene("single_object", "gray", prompt, (), None)
    count = next((n for word, n in COUNT_WORDS.items() if word in prompt.split()), 1)
    half = (28.0 if count == 1 and "small" not in prompt else 14.0) * rng.uniform(0.95, 1.05)
    shift = rng.uniform(-1.5, 1.5)
    objects = tuple(
        SceneObject(shape, color, (x + shift - half, y - half, x + shift + half, y + half))
        for x, y in _PLACES[count]
    )
    return Scene("counting" if count > 1 else "single_object", background, prompt, objects, None)


def _first(words: dict[str, tuple[int, int, int]], text: str, otherwise: str) -> str:
    return next((w for w in words if re.search(rf"\b{w}\b", text)), otherwise)


def edited(source: Image.Image, mask: Image.Image, prompt: str, seed: int) -> Image.Image:
    """`source` with the scene of `prompt` where `mask` (mode L) is white."""
    return Image.composite(draw(prompt, seed, source.size), source.convert("RGB"), mask)


def png(image: Image.Image) -> bytes:
    buffer = io.BytesIO()
    image.save(buffer, format="PNG", compress_level=1)
    return buffer.getvalue()
