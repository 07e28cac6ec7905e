"""The color of an object from its pixels, in both directions, with surroundings in the way."""

from __future__ import annotations

import numpy as np
import pytest
import skimage.data
from numpy.typing import NDArray

from imgassets.judges.detector_classes import COLOR_NAMES, COLOR_PROTOTYPES
from imgassets.judges.pixel_colors import PixelColors
from imgassets_tests.benchmarks.photo_cutouts import cutouts
from imgassets_tests.benchmarks.photo_scenes import PAINT, Placed, collage, painted

Pixels = NDArray[np.uint8]
COLORS = PixelColors()


def disk(color: str, behind: str, radius: int = 18) -> Pixels:
    """A disk in the middle of 100 x 100 pixels; its box is 32..68 where the radius is 18."""
    rows, columns = np.mgrid[:100, :100]
    inside = (rows - 50) ** 2 + (columns - 50) ** 2 < radius**2
    pair = np.array([COLOR_PROTOTYPES[behind][0], COLOR_PROTOTYPES[color][0]], np.uint8)
    return pair[inside.astype(int)]


@pytest.mark.parametrize("color", COLOR_NAMES)
@pytest.mark.parametrize("behind", ["white", "green", "black"])
def test_names_the_color_of_a_disk(color: str, behind: str) -> None:
    image = disk(color, behind)
    assert COLORS.color(image, (32, 32, 68, 68), "ball") == color
    assert COLORS.color(image, (0, 0, 20, 20), "ball") == behind


@pytest.mark.parametrize("color", ["red", "blue", "white", "brown"])
def test_what_is_behind_does_not_count_in_a_loose_box(color: str) -> None:
    """The object covers a quarter of its box."""
    image = disk(color, "yellow", radius=16)
    assert COLORS.color(image, (22, 22, 78, 78), "ball") == color
    assert PixelColors(background=0.0, spread=2.0).color(image, (22, 22, 78, 78), "x") == "yellow"


def test_an_object_of_the_color_of_its_surroundings_has_that_color() -> None:
    image = np.full((100, 100, 3), COLOR_PROTOTYPES["green"][0], np.uint8)
    assert COLORS.color(image, (30, 30, 70, 70), "frog") == "green"


def test_a_mask_says_which_pixels_count() -> None:
    image, mask = disk("red", "blue"), np.zeros((100, 100), bool)
    mask[:, :20] = True
    assert COLORS.color(image, (0, 0, 100, 100), "ball", mask) == "blue"
    assert COLORS.color(image, (32, 32, 68, 68), "ball", image[..., 0] > 200) == "red"
    assert COLORS.color(image, (0, 0, 100, 100), "ball", np.zeros((100, 100), bool)) is None


@pytest.mark.parametrize("box", [(50, 50, 50, 60), (60, 60, 50, 50), (120, 0, 140, 20)])
def test_no_pixels_no_color(box: tuple[float, float, float, float]) -> None:
    assert COLORS.color(disk("red", "white"), box, "ball") is None


def test_a_box_may_reach_beyond_the_image() -> None:
    image = np.full((40, 40, 3), COLOR_PROTOTYPES["purple"][0], np.uint8)
    assert COLORS.color(image, (-30.0, -5.5, 90.0, 45.5), "wall") == "purple"


def test_gray_photographs_have_no_hue() -> None:
    image = np.stack([skimage.data.camera()] * 3, axis=-1)
    assert COLORS.color(image, (0, 0, 512, 512), "person") in ("black", "gray", "white")


def test_painted_objects_on_photographs() -> None:
    """Every color of a cat and a cup, in boxes off by a tenth; nearly all are named right."""
    rng, right, wrong = np.random.default_rng(3), 0, 0
    for part, class_ in (("tune", "cat"), ("held", "cup")):
        (one,) = (c for c in cutouts(part) if c.class_ == class_)  # type: ignore[arg-type]
        for color in PAINT:
            image = collage(rng, part, [Placed(one, 0.5, 0.5, 0.5, color)])  # type: ignore[arg-type]
            height, width = one.alpha.shape
            half = np.array([width, height]) / max(width, height) * 128
            box = (256 - 1.1 * half[0], 256 - half[1], 256 + half[0], 256 + 1.1 * half[1])
            named = COLORS.color(image, box, class_)
            right, wrong = right + (named == color), wrong + (named != color)
    assert wrong <= 3
    assert right + wrong == 20


def test_paint_is_what_its_name_says() -> None:
    gray = np.full((8, 8, 3), 128, np.uint8)
    for color in PAINT:
        image = painted(gray, color, np.random.default_rng(0))
        assert COLORS.color(image, (0, 0, 8, 8), "wall") == color
