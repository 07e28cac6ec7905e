"""The prompts of the demo's photographs, with what each must show."""

from __future__ import annotations

from typing import Any

from imgassets_tests.benchmarks.photo_cutouts import HOPPER
from imgassets_tests.demo_photographs.scenes import Layout, Scene

#: A line a ground and layout: the things of each picture.
_COLLAGES: tuple[tuple[str, Layout, str], ...] = (
    ("brick", "alone", "astronaut, officer, cat, cup"),
    ("brick", "row", "cat cup, cup cat, astronaut cup, officer cat, cup cup, astronaut officer"),
    ("brick", "column", "cup cat"),
    ("brick", "square", "cat cat cat, cat cat cat cat, cup cup cup, cup cup cup cup"),
    ("grass", "alone", "astronaut, officer, cat"),
    ("grass", "row", "officer cat, astronaut officer"),
    ("grass", "square", "cat cat cat, astronaut officer astronaut"),
    ("gravel", "alone", "astronaut, officer, cat, cup"),
    ("gravel", "row", "cat cup, astronaut cup, officer cat"),
    ("gravel", "column", "cat cup, astronaut officer"),
    ("gravel", "square", "cat cat cat, cat cat cat cat, cup cup cup, cup cup cup cup"),
)
_WHOLE = {
    "a portrait of an astronaut": Scene(("astronaut",), "astronaut", "whole"),
    "a portrait of an officer": Scene(("officer", "tie"), HOPPER, "whole"),
    "a photographer in a field": Scene(("photographer",), "camera", "whole"),
    "a cup on a table": Scene(("cup", "dining table"), "coffee", "whole"),
    "a cat close by": Scene(("cat",), "chelsea", "whole"),
}
_NUMBERS = ("no", "one", "two", "three", "four")
_PLURAL = {"cat": "cats", "cup": "cups", "person": "people"}
_RELATION = {"row": "left of", "column": "above"}


def scenes() -> dict[str, Scene]:
    """What each prompt asks for, by the prompt's text."""
    found = dict(_WHOLE)
    for ground, layout, pictures in _COLLAGES:
        for things in pictures.split(", "):
            scene = Scene(tuple(things.split()), ground, layout)
            found[f"{_things(scene)} on {ground}"] = scene
    return found


def id_of(text: str) -> str:
    """A prompt's id: its words without articles."""
    return "-".join(word for word in text.split() if word not in ("a", "an"))


def prompt(text: str, scene: Scene) -> dict[str, Any]:
    """A prompt of a prompt set."""
    return {"id": id_of(text), "prompt": text, "expect": _expect(scene)}


def _things(scene: Scene) -> str:
    if _counted(scene):
        return f"{_NUMBERS[len(scene.things)]} {_PLURAL[scene.classes[0]]}"
    named = [f"an {thing}" if thing[0] in "ao" else f"a {thing}" for thing in scene.things]
    return f" {_RELATION.get(scene.layout)} ".join(named)


def _counted(scene: Scene) -> bool:
    return len(scene.things) > 1 and len(set(scene.classes)) == 1


def _expect(scene: Scene) -> dict[str, Any]:
    first, number = scene.classes[0], len(scene.classes)
    faces = scene.classes.count("person")
    if scene.layout == "whole":
        return {"include": [{"class": name} for name in scene.classes], "faces": faces}
    if len(set(scene.classes)) == 1:
        include = {"class": first} | ({"count": number} if number > 1 else {})
        more = {"class": first, "count": number + 1}
        return {"include": [include], "exclude": [more], "faces": faces}
    placed = {"class": first, "position": [_RELATION[scene.layout], 0]}
    return {"include": [{"class": scene.classes[1]}, placed], "faces": faces}
