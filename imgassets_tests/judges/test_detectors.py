"""The detector of flat shapes: what it finds, in what pictures, and what it refuses."""

from __future__ import annotations

import random
from collections import Counter

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray

from imgassets.judges.color_names import color_name
from imgassets.judges.detector_classes import (
    COLOR_NAMES,
    COLOR_PROTOTYPES,
    GENEVAL_COLORS,
    SHAPES,
)
from imgassets.judges.detectors import Detection, Detector, DetectorError, FlatShapeDetector
from imgassets.judges.regions import background_color, find_regions
from imgassets.judges.shapes import canonical_outline, match_shape
from imgassets.tiny import scenes
from imgassets.tiny.scenes import Scene, SceneObject, sample_scene
from imgassets_tests.metrics.planted_scenes import CONDITIONS, TASKS, pixels

Pixels = NDArray[np.uint8]
DETECTOR: Detector = FlatShapeDetector()


def drawn(number: int, seed: int) -> list[Scene]:
    rng = random.Random(seed)
    return [sample_scene(rng, task=TASKS[index % 3]) for index in range(number)]


def counted(image: Pixels) -> Counter[tuple[str, str | None]]:
    """Shapes and colors of what is surely there (GenEval's bar for counting)."""
    found = DETECTOR.detect(image, SHAPES)
    return Counter((d.class_, d.color) for d in found if d.score > 0.9)


def truth(scene: Scene) -> Counter[tuple[str, str | None]]:
    return Counter((item.shape, item.color) for item in scene.objects)


def placed(*objects: tuple[str, str, float, float, float], background: str = "white") -> Scene:
    """A scene of (shape, color, left, top, side)."""
    items = tuple(
        SceneObject(shape, color, (x, y, x + side, y + side))
        for shape, color, x, y, side in objects
    )
    return Scene("position", background, "", items, None)


class TestVocabulary:
    def test_knows_the_colors_and_backgrounds_of_the_scenes(self) -> None:
        for name, rgb in {**scenes.COLORS, **scenes.BACKGROUNDS}.items():
            assert COLOR_PROTOTYPES[name][0] == rgb
            assert color_name(rgb) == name

    def test_every_prototype_has_its_own_name(self) -> None:
        for name, prototypes in COLOR_PROTOTYPES.items():
            assert {color_name(rgb) for rgb in prototypes} == {name}

    def test_knows_genevals_color_names(self) -> None:
        assert {*GENEVAL_COLORS, "cyan", "gray", "beige"} == set(COLOR_NAMES)

    def test_draws_shapes_as_the_scenes_do(self) -> None:
        """Outlines agree within rounding; where corners are listed differently, as areas do."""
        assert set(SHAPES) == set(scenes.SHAPES)
        for shape in SHAPES:
            ours, theirs = np.zeros((2, 200, 200), np.uint8)
            for canvas, outline in ((ours, canonical_outline(shape)), (theirs, None)):
                corners = scenes._outline(shape) if outline is None else outline
                cv2.fillPoly(canvas, [np.round(np.array(corners) * 199).astype(np.int32)], 1)
            assert np.mean(ours != theirs) < 0.005

    def test_unknown_shape(self) -> None:
        with pytest.raises(ValueError, match="'blob'"):
            canonical_outline("blob")


class TestDrawnScenes:
    @pytest.mark.parametrize("side", [48, 96, 192, 384])
    def test_finds_all_at_half_to_four_times_the_size(self, side: int) -> None:
        for scene in drawn(24, seed=side):
            assert counted(pixels(scene, side)) == truth(scene), scene.prompt

    def test_boxes_are_those_drawn(self) -> None:
        """Within a pixel and a half of a 96-pixel image, in the pixels of the image given."""
        for scene in drawn(12, seed=5):
            found = DETECTOR.detect(pixels(scene, 192), SHAPES)
            for item in scene.objects:
                errors = [np.abs(np.array(d.box) / 2 - item.box).max() for d in found]
                assert min(errors) < 1.5, scene.prompt

    @pytest.mark.parametrize("degrees", [-8.0, 8.0])
    def test_holds_under_small_rotations(self, degrees: float) -> None:
        turn = cv2.getRotationMatrix2D((47.5, 47.5), degrees, 1.0)
        for scene in drawn(24, seed=6):
            image = cv2.warpAffine(pixels(scene), turn, (96, 96), borderMode=cv2.BORDER_REPLICATE)
            assert counted(np.asarray(image, np.uint8)) == truth(scene), scene.prompt

    @pytest.mark.parametrize("condition", ["JPEG 60", "noise 8/255", "blur 5 %"])
    def test_holds_in_worse_pictures(self, condition: str) -> None:
        rng = np.random.default_rng(1)
        for scene in drawn(24, seed=7):
            assert counted(CONDITIONS[condition](pixels(scene), rng)) == truth(scene), scene.prompt

    def test_mirrored_scenes_have_mirrored_boxes(self) -> None:
        scene = placed(("circle", "red", 10, 20, 30), ("square", "blue", 55, 50, 30))
        image = pixels(scene)
        plain = DETECTOR.detect(image, SHAPES)
        mirrored = DETECTOR.detect(np.ascontiguousarray(image[:, ::-1]), SHAPES)
        for one, other in zip(sorted(plain, key=str), sorted(mirrored, key=str), strict=True):
            x0, y0, x1, y1 = one.box
            assert (one.class_, one.color) == (other.class_, other.color)
            assert other.box == pytest.approx((96 - x1, y0, 96 - x0, y1), abs=1.0)

    def test_same_image_same_answer(self) -> None:
        image = pixels(drawn(1, seed=8)[0])
        assert DETECTOR.detect(image, SHAPES) == DETECTOR.detect(image.copy(), SHAPES)

    def test_only_classes_asked_for(self) -> None:
        scene = placed(("circle", "red", 10, 30, 34), ("star", "blue", 54, 30, 34))
        assert [d.class_ for d in DETECTOR.detect(pixels(scene), ["star"])] == ["star"]

    def test_not_square(self) -> None:
        scene = placed(("circle", "red", 10, 30, 34), ("star", "blue", 54, 30, 34))
        image = np.vstack([pixels(scene, 192), np.full((100, 192, 3), 255, np.uint8)])
        assert counted(image) == truth(scene)

    def test_letters_are_no_reason_to_stop(self) -> None:
        rng = random.Random(9)
        for _ in range(12):
            found = DETECTOR.detect(pixels(sample_scene(rng, task="text")), SHAPES)
            assert all(isinstance(one, Detection) and 0 <= one.score <= 1 for one in found)


class TestHardPictures:
    @pytest.mark.parametrize(("first", "second"), [("red", "orange"), ("blue", "purple")])
    def test_touching_objects_come_apart_by_color(self, first: str, second: str) -> None:
        for background in ("white", "gray", "black", "beige"):
            scene = placed(
                ("square", first, 14, 30, 34), ("circle", second, 48, 30, 34), background=background
            )
            assert counted(pixels(scene)) == truth(scene), background

    def test_a_shape_inside_another(self) -> None:
        scene = placed(("square", "blue", 16, 16, 64), ("circle", "yellow", 34, 34, 28))
        assert ("circle", "yellow") in counted(pixels(scene))

    def test_specks_are_no_objects(self) -> None:
        image = pixels(placed(("circle", "red", 30, 30, 40)))
        for x, y in ((8, 8), (86, 12), (12, 84), (80, 80)):
            cv2.circle(image := image.copy(), (x, y), 3, (20, 85, 230), -1)
        assert counted(image) == Counter({("circle", "red"): 1})

    def test_a_soft_shadow_is_no_object(self) -> None:
        image = pixels(placed(("circle", "red", 10, 10, 40))).astype(np.float32)
        shade = np.zeros((96, 96), np.float32)
        cv2.circle(shade, (65, 65), 15, 45.0, -1)
        darker = image - cv2.GaussianBlur(shade, (0, 0), 4)[..., None]
        assert counted(np.clip(darker, 0, 255).astype(np.uint8)) == Counter({("circle", "red"): 1})

    def test_a_shape_of_two_colors_is_two_regions(self) -> None:
        image = np.full((96, 96, 3), 255, np.uint8)
        image[30:66, 20:48], image[30:66, 48:76] = scenes.COLORS["green"], scenes.COLORS["pink"]
        assert {region.color for region in find_regions(image)} == {"green", "pink"}

    @pytest.mark.parametrize("level", [0, 128, 255])
    def test_nothing_in_a_flat_image(self, level: int) -> None:
        assert DETECTOR.detect(np.full((96, 96, 3), level, np.uint8), SHAPES) == []

    def test_nothing_sure_in_noise(self) -> None:
        rng = np.random.default_rng(2)
        for _ in range(5):
            assert not counted(rng.integers(0, 256, (96, 96, 3), dtype=np.uint8))


class TestConfidence:
    def test_clean_shapes_are_sure(self) -> None:
        for shape in SHAPES:
            (found,) = DETECTOR.detect(pixels(placed((shape, "red", 20, 20, 50))), SHAPES)
            assert found.class_ == shape
            assert found.score > 0.98

    @pytest.mark.parametrize("corners", [
        [(10, 20), (86, 20), (86, 40), (10, 40)],
        [(20, 20), (40, 20), (40, 60), (80, 60), (80, 80), (20, 80)],
        [(40, 10), (56, 10), (56, 40), (86, 40), (86, 56), (56, 56), (56, 86), (40, 86), (40, 56),
         (10, 56), (10, 40), (40, 40)],
    ])  # fmt: skip
    def test_other_forms_are_not(self, corners: list[tuple[int, int]]) -> None:
        """A bar, an L and a cross are none of the shapes: below the bar for counting."""
        image = np.full((96, 96, 3), 255, np.uint8)
        cv2.fillPoly(image, [np.array(corners, np.int32)], scenes.COLORS["blue"])
        assert all(found.score < 0.9 for found in DETECTOR.detect(image, SHAPES))

    def test_falls_as_one_shape_becomes_another(self) -> None:
        """Halfway between a circle and a square neither is sure."""
        circle, square = canonical_outline("circle"), []
        for x, y in circle - 0.5:
            reach = 0.5 / max(abs(x), abs(y))
            square.append((x * reach + 0.5, y * reach + 0.5))
        margins = []
        for share in (0.0, 0.25, 0.5):
            mask = np.zeros((100, 100), np.uint8)
            outline = circle * (1 - share) + np.array(square) * share
            cv2.fillPoly(mask, [np.round(outline * 99).astype(np.int32)], 255)
            margins.append(match_shape(mask).margin)
        assert margins[0] > margins[1] > margins[2]

    def test_an_empty_mask_has_no_shape(self) -> None:
        with pytest.raises(ValueError, match="empty"):
            match_shape(np.zeros((10, 10), np.uint8))


class TestBackground:
    def test_is_the_dominant_color_of_the_border(self) -> None:
        image = np.full((96, 96, 3), scenes.BACKGROUNDS["beige"], np.uint8)
        image[10:86, 10:86] = scenes.COLORS["red"]
        assert background_color(image) == "beige"

    def test_objects_may_touch_the_border(self) -> None:
        image = np.full((96, 96, 3), 255, np.uint8)
        image[:, :30] = scenes.COLORS["blue"]
        assert background_color(image) == "white"


class TestRefusals:
    @pytest.mark.parametrize("image", [
        np.zeros((96, 96), np.uint8),
        np.zeros((96, 96, 4), np.uint8),
        np.zeros((96, 96, 3), np.float32),
        np.zeros((8, 96, 3), np.uint8),
    ])  # fmt: skip
    def test_other_images(self, image: Pixels) -> None:
        with pytest.raises(DetectorError, match="expected"):
            DETECTOR.detect(image, SHAPES)

    def test_other_classes(self) -> None:
        with pytest.raises(DetectorError, match="another judge may"):
            DETECTOR.detect(np.zeros((96, 96, 3), np.uint8), ["dog"])
