"""GenEval's rule on hand-made detections, every branch; and scores of drawn scenes."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from imgassets.documents.prompts import Expectation
from imgassets.judges.detectors import Detection, DetectorError
from imgassets.metrics.families import METRICS
from imgassets.metrics.formulas.composition import LARGE_SHARE, overall, score, task_means
from imgassets.metrics.formulas.geneval import GENEVAL, Rule, counts, judge, kept, relations
from imgassets.tiny.scenes import BACKGROUNDS, COLORS, OBJECT_SIDE, SIZE, sample_scene
from imgassets_tests.metrics.planted_scenes import degraded, pixels, samples


def found(
    class_: str, x: float = 0, y: float = 0, score: float = 1.0, color: str | None = "red"
) -> Detection:
    """A box of 20 x 20 centred on (x, y)."""
    return Detection(class_, (x - 10, y - 10, x + 10, y + 10), score, color)


def expect(include: list[dict[str, Any]], exclude: Any = (), **rest: Any) -> Expectation:
    return Expectation.model_validate({"include": include, "exclude": list(exclude), **rest})


ONE = expect([{"class": "circle", "count": 1}])
TWO = expect([{"class": "circle", "count": 2}], [{"class": "circle", "count": 3}])
RED = expect([{"class": "circle", "count": 1, "color": "red"}])
LEFT = expect(
    [{"class": "star", "count": 1}, {"class": "circle", "count": 1, "position": ["left of", 0]}]
)


def reason(detections: list[Detection], expectation: Expectation) -> str:
    return judge(detections, expectation, GENEVAL).reason


class TestRule:
    """Each verdict follows from evaluate_images.py by hand."""

    def test_published_thresholds(self) -> None:
        assert Rule(0.3, 0.9, 16, 1.0, 0.1) == GENEVAL

    @pytest.mark.parametrize(("sure", "correct"), [(0.31, True), (0.3, False), (0.1, False)])
    def test_presence_needs_more_than_a_third(self, sure: float, correct: bool) -> None:
        """Confidence must exceed 0.3; 0.3 itself does not."""
        assert judge([found("circle", score=sure)], ONE, GENEVAL).correct is correct

    @pytest.mark.parametrize(("sure", "correct"), [(0.91, True), (0.9, False), (0.5, False)])
    def test_counting_needs_more_than_nine_tenths(self, sure: float, correct: bool) -> None:
        circles = [found("circle", score=1.0), found("circle", 50, score=sure)]
        assert judge(circles, TWO, GENEVAL).correct is correct

    def test_counting_is_recognized_by_its_counts(self) -> None:
        assert counts(TWO)
        assert not counts(ONE)
        assert not counts(LEFT)

    def test_too_few(self) -> None:
        assert reason([found("circle")], TWO) == "expected 2 circle, found 1"
        assert reason([], ONE) == "expected 1 circle, found 0"

    def test_what_was_seen_instead_is_named(self) -> None:
        verdict = judge([found("square", color="blue")], ONE, GENEVAL)
        assert verdict.reason == "expected 1 circle, found 0; saw 1 blue square"
        assert verdict.faults[0].kind == "shape"

    def test_more_than_asked_is_wrong_only_where_excluded(self) -> None:
        three = [found("circle", 40 * index) for index in range(3)]
        assert judge(three, ONE, GENEVAL).correct
        assert reason(three, TWO) == "expected fewer than 3 circle, found 3"

    def test_exclusion_without_a_number_means_none(self) -> None:
        unwanted = expect([], [{"class": "circle"}])
        assert judge([found("square")], unwanted, GENEVAL).correct
        assert reason([found("circle")], unwanted) == "expected no circle, found 1"

    def test_color_of_the_surest_objects_only(self) -> None:
        """A red circle that is not the surest circle does not count, as in GenEval."""
        sure_blue, less_sure_red = found("circle", color="blue"), found("circle", 50, score=0.8)
        assert judge([less_sure_red], RED, GENEVAL).correct
        assert reason([less_sure_red, sure_blue], RED) == "expected red circle, found blue"

    def test_all_counted_objects_need_the_color(self) -> None:
        wanted = expect([{"class": "circle", "count": 2, "color": "red"}])
        mixed = [found("circle"), found("circle", 50, color="orange")]
        assert reason(mixed, wanted) == "expected 2 red circle, found 1 red and 1 orange"
        assert judge([found("circle"), found("circle", 50)], wanted, GENEVAL).correct

    def test_an_unknown_color_is_not_the_color(self) -> None:
        expected = "expected red circle, found no clear color"
        assert reason([found("circle", color=None)], RED) == expected

    def test_position(self) -> None:
        star = found("star", 50)
        assert judge([found("circle", 0), star], LEFT, GENEVAL).correct
        right = reason([found("circle", 100), star], LEFT)
        assert right == "expected circle left of star, found right of star"
        assert reason([found("circle", 50), star], LEFT).endswith("found no clear side")
        diagonal = reason([found("circle", 90, 40), star], LEFT)
        assert diagonal == "expected circle left of star, found below and right of star"

    def test_position_is_not_judged_without_the_object(self) -> None:
        assert reason([found("star", 50)], LEFT) == "expected 1 circle, found 0"

    def test_position_without_its_target(self) -> None:
        faults = judge([found("circle")], LEFT, GENEVAL).faults
        assert [fault.kind for fault in faults] == ["count", "position"]
        assert faults[1].reason == "no star as asked for that circle could be left of"

    def test_a_target_of_the_wrong_color_is_no_target(self) -> None:
        blue_star = {"class": "star", "count": 1, "color": "blue"}
        circle = {"class": "circle", "count": 1, "position": ["left of", 0]}
        faults = judge(
            [found("circle", 0), found("star", 50)], expect([blue_star, circle]), GENEVAL
        ).faults
        assert [fault.kind for fault in faults] == ["color", "position"]

    def test_every_pair_of_objects_must_hold(self) -> None:
        wanted = expect(
            [
                {"class": "star", "count": 1},
                {"class": "circle", "count": 2, "position": ["left of", 0]},
            ]
        )
        star = found("star", 50)
        assert judge([star, found("circle", 0), found("circle", 10)], wanted, GENEVAL).correct
        assert not judge([star, found("circle", 0), found("circle", 90)], wanted, GENEVAL).correct

    def test_a_failed_position_is_no_target_either(self) -> None:
        chain = expect(
            [
                {"class": "star", "count": 1},
                {"class": "circle", "count": 1, "position": ["left of", 0]},
                {"class": "square", "count": 1, "position": ["left of", 1]},
            ]
        )
        faults = judge(
            [found("star", 50), found("circle", 100), found("square", 0)], chain, GENEVAL
        ).faults
        assert [fault.kind for fault in faults] == ["position", "position"]

    def test_a_position_may_point_at_a_later_entry(self) -> None:
        """GenEval breaks off here; ours judges the target by count and color."""
        later = expect(
            [{"class": "circle", "count": 1, "position": ["left of", 1]}, {"class": "star"}]
        )
        assert judge([found("circle", 0), found("star", 50)], later, GENEVAL).correct
        assert not judge([found("circle", 99), found("star", 50)], later, GENEVAL).correct

    def test_at_most_sixteen_boxes_of_a_class(self) -> None:
        many = [found("circle", 30 * index) for index in range(20)]
        assert len(kept(many, ONE, GENEVAL)["circle"]) == 16
        assert judge(many, expect([], [{"class": "circle", "count": 17}]), GENEVAL).correct

    def test_overlaps_stay_unless_asked_otherwise(self) -> None:
        """The published default of 1.0 keeps even identical boxes; below it the surest stays."""
        twins = [found("circle", score=0.95), found("circle", score=0.99)]
        assert len(kept(twins, TWO, GENEVAL)["circle"]) == 2
        strict = Rule(0.3, 0.9, 16, 0.5, 0.1)
        assert [one.score for one in kept(twins, TWO, strict)["circle"]] == [0.99]

    def test_overlap_counts_the_last_pixel(self) -> None:
        """Boxes 0..9 and 5..14 of height 10 share 5 of 15 columns: IoU 1/3, as published."""
        a = Detection("circle", (0, 0, 9, 9), 0.99, "red")
        b = Detection("circle", (5, 0, 14, 9), 0.98, "red")
        assert len(kept([a, b], TWO, Rule(0.3, 0.9, 16, 0.334, 0.1))["circle"]) == 2
        assert len(kept([a, b], TWO, Rule(0.3, 0.9, 16, 0.333, 0.1))["circle"]) == 1


class TestRelations:
    """The published arithmetic: offset less 0.1 of the summed sides, over the full offset."""

    A = (0.0, 0.0, 20.0, 20.0)

    def at(self, dx: float, dy: float) -> set[str]:
        return relations((dx, dy, dx + 20, dy + 20), self.A, 0.1)

    def test_straight(self) -> None:
        assert self.at(-40, 0) == {"left of"}
        assert self.at(40, 0) == {"right of"}
        assert self.at(0, -40) == {"above"}
        assert self.at(0, 40) == {"below"}

    def test_close_is_nowhere(self) -> None:
        """An offset of 4 is all taken by 0.1 x (20 + 20)."""
        assert self.at(4, 0) == set()
        assert self.at(0, 0) == set()

    def test_half_of_the_offset_must_remain(self) -> None:
        """(8 - 4) / 8 is 0.5, not above it; (8.1 - 4) / 8.1 is."""
        assert self.at(8, 0) == set()
        assert self.at(8.1, 0) == {"right of"}

    def test_diagonal_is_both(self) -> None:
        """(40 - 4) / 56.6 = 0.64 in both directions."""
        assert self.at(40, -40) == {"right of", "above"}

    def test_opposites(self) -> None:
        rng = np.random.default_rng(0)
        other = {"left of": "right of", "right of": "left of", "above": "below", "below": "above"}
        for _ in range(50):
            a, b = rng.uniform(0, 60, (2, 2))
            box, target = (*a, *(a + 20)), (*b, *(b + 20))
            turned = {other[held] for held in relations(target, box, 0.1)}
            assert relations(box, target, 0.1) == turned


class TestOverall:
    def test_is_the_mean_of_the_task_means(self) -> None:
        """Three of four and none of one: (0.75 + 0) / 2, not 3 / 5."""
        rows = [("counting", 1.0)] * 3 + [("counting", 0.0), ("position", 0.0)]
        assert task_means(rows) == {"counting": 0.75, "position": 0.0}
        assert overall(rows) == pytest.approx(0.375)

    def test_nothing_and_failures_have_no_mean(self) -> None:
        with pytest.raises(ValueError, match="no images"):
            overall([])
        with pytest.raises(ValueError, match=r"failures\.rate"):
            overall([("counting", float("nan"))])


class TestScore:
    """From pixels to scores."""

    def test_scenes_pass_and_planted_faults_are_caught(self) -> None:
        wrong = []
        for sample in samples(seed=11, number=120):
            verdict = score(pixels(sample.drawn), sample.expectation)[0]
            if (verdict.value == 1.0) != (sample.fault is None) or bool(verdict.reason) != (
                sample.fault is not None
            ):
                wrong.append((sample.asked.prompt, sample.fault, verdict.reason))
        assert not wrong

    def test_verdicts_survive_blur_noise_and_jpeg(self) -> None:
        rng = np.random.default_rng(0)
        drawn = samples(seed=12, number=90)
        right = sum(
            (score(degraded(pixels(one.drawn), rng), one.expectation)[0].value == 1.0)
            == (one.fault is None)
            for one in drawn
        )
        assert right >= 0.97 * len(drawn)

    def test_size(self) -> None:
        rng = np.random.default_rng(3)
        for _ in range(20):
            scene = sample_scene(rng, task="single_object")
            include = scene.expectation()["include"]
            right = score(pixels(scene), expect(include))
            assert [(s.metric, s.value) for s in right] == [
                ("composition.correct", 1.0),
                ("composition.size", 1.0),
            ]
            opposite = "small" if scene.size_word == "large" else "large"
            other = score(pixels(scene), expect([{**include[0], "size": opposite}]))[1]
            assert other.value == 0.0
            assert other.reason.startswith(f"expected {opposite} {include[0]['class']}, found")

    def test_size_of_a_missing_object(self) -> None:
        image = np.full((96, 96, 3), 255, np.uint8)
        wanted = expect([{"class": "star", "count": 1, "size": "large"}])
        assert [s.value for s in score(image, wanted)] == [0.0, 0.0]
        assert score(image, wanted)[1].reason == "expected large star, found none"

    def test_size_threshold_lies_between_the_sizes(self) -> None:
        small, large = ((OBJECT_SIDE[word] / SIZE) ** 2 for word in ("small", "large"))
        assert pytest.approx(np.sqrt(small * large)) == LARGE_SHARE

    @pytest.mark.parametrize("background", BACKGROUNDS)
    def test_background(self, background: str) -> None:
        rng = np.random.default_rng(4)
        for _ in range(6):
            scene = sample_scene(rng)
            while scene.background != background:
                scene = sample_scene(rng)
            image = degraded(pixels(scene), rng)
            assert score(image, Expectation(background=background))[0].value == 1.0
            (other,) = score(image, Expectation(background="pink"))
            assert other.value == 0.0
            assert other.reason == f"expected pink background, found {background}"

    def test_only_what_is_asked_for_is_scored(self) -> None:
        image = np.zeros((96, 96, 3), np.uint8)
        assert score(image, Expectation(text="HI")) == []
        named = {s.metric for s in score(image, expect([{"class": "star"}], background="black"))}
        assert named == {"composition.correct", "composition.background"}
        assert named <= set(METRICS)

    def test_what_cannot_be_judged_is_an_error_not_a_score(self) -> None:
        image = np.zeros((96, 96, 3), np.uint8)
        with pytest.raises(DetectorError, match="'dog'"):
            score(image, expect([{"class": "dog"}]))
        with pytest.raises(DetectorError, match="'teal'"):
            score(image, expect([{"class": "star", "color": "teal"}]))
        with pytest.raises(DetectorError, match="'teal'"):
            score(image, Expectation(background="teal"))
        with pytest.raises(DetectorError, match="uint8"):
            score(image.astype(np.float32), Expectation(background="black"))  # type: ignore[arg-type]

    def test_all_scene_colors_can_be_asked_for(self) -> None:
        image = np.zeros((96, 96, 3), np.uint8)
        for color in COLORS:
            (verdict,) = score(image, expect([{"class": "star", "color": color}]))
            assert verdict.reason == "expected 1 star, found 0"
