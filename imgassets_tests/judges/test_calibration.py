"""Every embedded judge was measured as it ships: its fingerprint has an entry, and its page."""

from __future__ import annotations

import json
from collections import Counter
from pathlib import Path

import numpy as np
import pytest

from imgassets.documents.judge import EMBEDDED, judge_fingerprint
from imgassets.documents.prompts import Expectation
from imgassets_tests.benchmarks.judge_accuracy import Verdict, embedded, rates, wilson
from imgassets_tests.benchmarks.photo_faces import face_samples
from imgassets_tests.benchmarks.photo_scenes import TASKS, export, samples

KNOWN = json.loads((EMBEDDED / "calibration.json").read_text(encoding="utf-8"))
JUDGES = sorted(path.stem for path in EMBEDDED.glob("*.yaml"))


@pytest.mark.parametrize("name", JUDGES)
def test_an_embedded_judge_was_measured_as_it_ships(name: str) -> None:
    """Fails when weights or a threshold change.

    Run benchmarks/judge_accuracy.py again; for shapes, composition_accuracy.py.
    """
    entry = KNOWN[judge_fingerprint(Path(), embedded(name))]
    assert entry["judge"] == name
    able = entry["images"] - entry["unjudged"]
    assert able == sum(task["n"] for task in entry["tasks"].values()) >= 200
    assert able == entry["overall"]["n"]
    for task in entry["tasks"].values():
        for key in ("agreement", "precision", "recall"):
            assert task[key] is None or 0.0 <= task[key][1] <= task[key][0] <= task[key][2] <= 1.0


def test_rates() -> None:
    """By hand: of 10, 4 true and 1 false "correct", 3 true and 2 false "wrong"."""
    image = np.zeros((1, 1, 3), np.uint8)
    told = [(True, True)] * 4 + [(False, True)] + [(False, False)] * 3 + [(True, False)] * 2
    found = rates([Verdict("t", correct, said, "", image) for correct, said in told])
    assert [value[0] for value in found.values()] == pytest.approx([0.7, 0.8, 4 / 6])
    assert wilson(0, 10)[1:] == pytest.approx([0.0, 0.2775], abs=1e-4)


def test_samples_are_labelled_half_and_half_and_repeat() -> None:
    found = list(samples("held", 4, seed=3))
    assert Counter((one.task, one.correct) for one in found) == {
        (task, correct): 2 for task in TASKS for correct in (True, False)
    }
    again = list(samples("held", 4, seed=3))
    for one, other in zip(found, again, strict=True):
        assert one.image.shape == (512, 512, 3)
        assert np.array_equal(one.image, other.image)
        assert one.expectation == other.expectation


def test_exported_labels_are_expectations(tmp_path: Path) -> None:
    assert export(tmp_path, "held", 2) == 2 * len(TASKS)
    lines = [json.loads(line) for line in (tmp_path / "labels.jsonl").read_text().splitlines()]
    for line, sample in zip(lines, samples("held", 2), strict=True):
        assert (tmp_path / line["image"]).is_file()
        assert Expectation.model_validate(line["expect"]) == sample.expectation
        assert (line["correct"], line["task"]) == (sample.correct, sample.task)


def test_face_samples_are_wrong_when_planted_wrong() -> None:
    found = list(face_samples(8, seed=1))
    assert [one.correct for one in found] == [True, False] * 4
    assert all(one.expectation.faces is not None for one in found)
