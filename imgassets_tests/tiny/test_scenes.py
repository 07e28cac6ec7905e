"""Scenes are deterministic, keep their distance, and look the way their ground truth says."""

from __future__ import annotations

import itertools
import random

import numpy as np
import pytest

from imgassets.tiny.scenes import (
    ALPHABET,
    BACKGROUNDS,
    COLORS,
    COUNT_WORDS,
    SIZE,
    TASKS,
    Scene,
    is_held_out,
    sample_scene,
    text_scene,
)


def _scenes(count: int, seed: int = 0) -> list[Scene]:
    rng = random.Random(seed)
    return [sample_scene(rng, task) for task in TASKS for _ in range(count)]


def _boxes(scene: Scene) -> list[tuple[float, float, float, float]]:
    return [item.box for item in (*scene.objects, *([scene.text] if scene.text else []))]


def test_one_seed_gives_one_scene_and_one_picture() -> None:
    """The same seed draws equal scenes and equal pixels; another seed draws others."""
    first, second, other = _scenes(5), _scenes(5), _scenes(5, seed=1)
    assert first == second
    assert first != other
    for one, two in zip(first, second, strict=True):
        assert one.render().tobytes() == two.render().tobytes()


def test_a_numpy_generator_serves_as_well() -> None:
    """Either kind of generator is accepted and decides the scene."""
    scenes = [sample_scene(np.random.default_rng(3), "text") for _ in range(2)]
    assert scenes[0] == scenes[1]


def test_unknown_task_is_named_in_the_error() -> None:
    """An unknown task is refused with the tasks there are."""
    with pytest.raises(ValueError, match="single_object"):
        sample_scene(random.Random(0), "painting")  # type: ignore[arg-type]


def test_boxes_touch_neither_each_other_nor_the_border() -> None:
    """Over many scenes every box keeps at least 2 px to the border and to every other box."""
    for scene in _scenes(500):
        boxes = _boxes(scene)
        for x0, y0, x1, y1 in boxes:
            assert min(x0, y0) >= 2
            assert max(x1, y1) <= SIZE - 2
        for a, b in itertools.combinations(boxes, 2):
            gap = max(a[0] - b[2], b[0] - a[2], a[1] - b[3], b[1] - a[3])
            assert gap >= 2, scene.prompt


@pytest.mark.parametrize("side", [SIZE, 2 * SIZE])
def test_ink_fills_exactly_its_boxes(side: int) -> None:
    """Pixels unlike the background span the union of the boxes, but for faint tips."""
    for scene in _scenes(15):
        picture = np.asarray(scene.render(side)).astype(int)
        ink = np.abs(picture - BACKGROUNDS[scene.background]).max(-1) > 20
        rows, columns = np.flatnonzero(ink.any(1)), np.flatnonzero(ink.any(0))
        found = (columns[0], rows[0], columns[-1] + 1, rows[-1] + 1)
        boxes = np.array(_boxes(scene)) * side / SIZE
        expected = (*boxes[:, :2].min(0), *boxes[:, 2:].max(0))
        assert np.abs(np.subtract(found, expected)).max() <= 2.5 * side / SIZE, scene.prompt


def test_objects_have_their_color_at_the_center() -> None:
    """The middle of every object's box is painted in exactly the color named."""
    for scene in _scenes(30):
        picture = scene.render()
        for item in scene.objects:
            x0, y0, x1, y1 = item.box
            spot = (int((x0 + x1) / 2), int(y0 + 0.6 * (y1 - y0)))
            assert picture.getpixel(spot) == COLORS[item.color]


def test_a_larger_rendering_is_the_same_scene() -> None:
    """The 192 px truth, averaged down, is the 96 px picture up to rounding of edges."""
    for scene in _scenes(4):
        small = np.asarray(scene.render()).astype(float)
        large = np.asarray(scene.render(2 * SIZE).reduce(2)).astype(float)
        assert np.abs(small - large).mean() < 1.0


def test_expectation_counts_and_points_backwards() -> None:
    """Counts agree with what is drawn; a position points at an entry before its own."""
    for scene in _scenes(50):
        expected = scene.expectation()
        assert expected["prompt"] == scene.prompt
        if scene.text is not None:
            assert f'"{expected["text"]}"' in scene.prompt
            continue
        assert sum(entry["count"] for entry in expected["include"]) == len(scene.objects)
        for index, entry in enumerate(expected["include"]):
            if "position" in entry:
                _check_relation(scene, entry["position"][0])
                assert entry["position"][1] < index
        if scene.task == "counting":
            count = COUNT_WORDS[scene.prompt.split()[0]]
            assert expected["exclude"] == [{"class": scene.objects[0].shape, "count": count + 1}]


def _check_relation(scene: Scene, relation: str) -> None:
    first, second = (item.box for item in scene.objects)
    holds = {
        "left of": first[2] < second[0],
        "right of": first[0] > second[2],
        "above": first[3] < second[1],
        "below": first[1] > second[3],
    }
    assert holds[relation], scene.prompt


def test_letters_keep_one_height_and_five_fit() -> None:
    """Large capitals are 20 px high within 2 %, and five of the widest fit."""
    heights = set()
    for text in ("H", "HHH", "WMWMW"):
        scene = text_scene(random.Random(0), text, "red", "white")
        assert scene.text is not None
        x0, y0, x1, y1 = scene.text.box
        heights.add(y1 - y0)
        assert x1 - x0 <= SIZE - 4
    assert sorted(heights) == pytest.approx([20.0] * len(heights), rel=0.02)


@pytest.mark.parametrize("text", ["", "ABCDEF", "a", "A B", "0"])
def test_unwritable_text_is_refused(text: str) -> None:
    """Text outside one to five characters of the alphabet raises and shows the alphabet."""
    with pytest.raises(ValueError, match=ALPHABET):
        text_scene(random.Random(0), text, "red", "white")


def test_held_out_prompts_are_a_fixed_share() -> None:
    """About 10 % of position and text prompts and 5 % of the others are held out."""
    for task, share in (("text", 0.1), ("position", 0.1), ("counting", 0.05)):
        rng = random.Random(1)
        prompts = {sample_scene(rng, task).prompt for _ in range(4000)}
        found = sum(map(is_held_out, prompts)) / len(prompts)
        assert share / 2 < found < share * 1.6, task


@pytest.mark.parametrize("task", TASKS)
@pytest.mark.parametrize("held_out", [True, False])
def test_sampling_keeps_to_its_side_of_the_split(task: str, held_out: bool) -> None:
    """``held_out`` decides on which side of the split every sample falls."""
    rng = random.Random(2)
    prompts = [sample_scene(rng, task, held_out).prompt for _ in range(40)]  # type: ignore[arg-type]
    assert {is_held_out(prompt) for prompt in prompts} == {held_out}
