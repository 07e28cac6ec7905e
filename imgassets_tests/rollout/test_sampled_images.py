"""Delivered images are sampled at random, scored once, and compared; no failed image is scored."""

from __future__ import annotations

import hashlib
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from imgassets.rollout.outcome_lines import Outcome
from imgassets.rollout.outcomes import OutcomeLog
from imgassets.rollout.sampled_images import CLEAN, ImageSample, compare, score_image

START = datetime(2026, 11, 27, 12, tzinfo=UTC)
MARGINS = {CLEAN: 0.02, "look.lightness": 2.0}


def picture(path: Path, seed: int, brighter: int = 0) -> Path:
    rng = np.random.default_rng(seed)
    tiles = rng.integers(40, 180, (4, 4, 3)) + brighter
    pixels = np.kron(tiles, np.ones((16, 16, 1))) + rng.integers(0, 6, (64, 64, 3))
    Image.fromarray(pixels.astype(np.uint8)).save(path)
    return path


def blank(path: Path) -> Path:
    Image.new("RGB", (64, 64), (9, 9, 9)).save(path)
    return path


@pytest.fixture
def log(tmp_path: Path) -> OutcomeLog:
    return OutcomeLog(tmp_path / "headline.sqlite")


def delivered(log: OutcomeLog, arm: str, paths: list[Path], **fields: object) -> None:
    known = {"at": START, "arm": arm, "status": "ok"} | fields
    log.append([Outcome(id=f"{arm}-{p.name}", image=p.name, **known) for p in paths])


def looked_at(log: OutcomeLog, folder: Path, size: int = 50) -> ImageSample:
    sample = ImageSample(log, folder, START, size)
    while sample.look_at_more(25):
        pass
    return sample


def test_alike_arms_break_no_margin(log: OutcomeLog, tmp_path: Path) -> None:
    for number, arm in enumerate(("candidate", "incumbent")):
        files = [picture(tmp_path / f"{arm}{i}.png", 100 * number + i) for i in range(40)]
        delivered(log, arm, files)
    found = looked_at(log, tmp_path).finding(MARGINS, 0.01)
    assert found.complete
    assert not found.broken
    assert {one.metric for one in found.compared} == set(MARGINS)
    assert "no margin is broken" in found.sentence


def test_blank_images_that_were_ok_and_a_step_in_lightness_are_found(
    log: OutcomeLog, tmp_path: Path
) -> None:
    delivered(log, "incumbent", [picture(tmp_path / f"i{i}.png", i) for i in range(40)])
    ours = [picture(tmp_path / f"c{i}.png", 50 + i, brighter=60) for i in range(30)]
    delivered(log, "candidate", ours + [blank(tmp_path / f"b{i}.png") for i in range(16)])
    found = looked_at(log, tmp_path).finding(MARGINS, 0.05)
    assert {one.metric for one in found.compared if one.broken} == set(MARGINS)
    assert "artefacts.clean is 65 % in the candidate's images, 100 %" in found.sentence


def test_a_failed_request_has_no_image_to_score(log: OutcomeLog, tmp_path: Path) -> None:
    files = [blank(tmp_path / f"f{i}.png") for i in range(5)]
    delivered(log, "candidate", files, status="blank")
    sample = looked_at(log, tmp_path)
    assert sample.finding(MARGINS, 0.05).images == {"candidate": 0, "incumbent": 0}


def test_a_missing_or_exchanged_file_says_nothing(log: OutcomeLog, tmp_path: Path) -> None:
    image = picture(tmp_path / "a.png", 1)
    right = hashlib.sha256(image.read_bytes()).hexdigest()
    assert score_image(image, right)[0][CLEAN] == 1.0
    assert score_image(image, "0" * 64) == (
        {},
        "another file than the one that was delivered",
    )
    link = tmp_path / "link.png"
    link.symlink_to(image)
    assert "symbolic link" in score_image(link)[1]
    delivered(log, "candidate", [tmp_path / "gone.png"])
    found = looked_at(log, tmp_path).finding(MARGINS, 0.05)
    assert (found.unread, found.images["candidate"]) == (1, 0)


def test_a_file_that_is_no_image_is_a_defect(tmp_path: Path) -> None:
    broken = tmp_path / "broken.png"
    broken.write_bytes(picture(tmp_path / "a.png", 1).read_bytes()[:500])
    assert score_image(broken) == ({CLEAN: 0.0}, "")


def test_the_sample_is_bounded_random_and_not_scored_again(log: OutcomeLog, tmp_path: Path) -> None:
    files = [picture(tmp_path / f"{i}.png", i) for i in range(60)]
    delivered(log, "candidate", files)
    sample = looked_at(log, tmp_path, size=20)
    assert sample.finding({}, 0.05).images["candidate"] == 20
    for file in files:
        file.unlink()
    assert sample.look_at_more(100) == 0
    assert sample.finding({}, 0.05).unread == 0


def test_few_images_decide_nothing() -> None:
    assert compare({CLEAN: [0.0] * 29}, {CLEAN: [1.0] * 29}, MARGINS, 0.05) == []


def test_direction_decides_what_is_worse() -> None:
    low, high = [0.01 * (i % 3) for i in range(40)], [0.2 + 0.01 * (i % 3) for i in range(40)]
    margins = {"artefacts.clipping": 0.05, "look.contrast": 0.05}
    arms = dict.fromkeys(margins, high), dict.fromkeys(margins, low)
    worse = {one.metric: one.broken for one in compare(*arms, margins, 0.01)}
    better = {one.metric: one.broken for one in compare(*arms[::-1], margins, 0.01)}
    assert worse == {"artefacts.clipping": True, "look.contrast": True}
    assert better == {"artefacts.clipping": False, "look.contrast": True}
