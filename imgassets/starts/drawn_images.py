"""Two small folders of images for the start `folders`, drawn anew so that none need be shipped."""

from __future__ import annotations

import io
import random
from collections.abc import Iterator
from pathlib import PurePosixPath

import yaml

from imgassets.tiny.scenes import Scene, Task, sample_scene

_TASKS: tuple[Task, ...] = ("single_object", "position", "counting")
_PROMPTS, _SIDE = 42, 192
#: The first of every so many images of the new folder shows another prompt's scene: a fault.
_WRONG = 3


def drawn_images() -> Iterator[tuple[PurePosixPath, bytes]]:
    """`images/production`, `images/new` (a third of it wrong), and the prompts of both."""
    rng = random.Random(2026)  # noqa: S311 - pictures, no secrets
    scenes = {scene.prompt: scene for scene in _scenes(rng)}
    named = {f"p{i:02}": scene for i, scene in enumerate(scenes.values())}
    yield PurePosixPath("prompts/asked.yaml"), _prompts(named).encode()
    others = [*list(named.values())[1:], next(iter(named.values()))]
    for i, (name, scene) in enumerate(named.items()):
        shown = others[i] if i % _WRONG == 0 else scene
        yield PurePosixPath(f"images/production/{name}/1.png"), _png(scene)
        yield PurePosixPath(f"images/new/{name}/1.png"), _png(shown)


def _scenes(rng: random.Random) -> Iterator[Scene]:
    for i in range(_PROMPTS):
        yield sample_scene(rng, _TASKS[i % len(_TASKS)])


def _prompts(named: dict[str, Scene]) -> str:
    def prompt(name: str, scene: Scene) -> dict[str, object]:
        found = scene.expectation()
        expect = {key: found[key] for key in ("include", "exclude") if found[key]}
        return {"id": name, "prompt": scene.prompt, "expect": expect}

    data = {"prompt_set": "asked", "prompts": [prompt(*item) for item in named.items()]}
    told = (
        "# What was asked for, and what each image must show. `id` is the folder of its images:\n"
        "# images/production/p00/1.png was made for p00 with seed 1.\n"
    )
    return told + yaml.safe_dump(data, sort_keys=False, width=100)


def _png(scene: Scene) -> bytes:
    file = io.BytesIO()
    scene.render(_SIDE).save(file, "PNG")
    return file.getvalue()
