"""The look of images: each planted change moves its own feature, and repeats are found."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from imgassets.images.pixels import BadImageError, Pixels
from imgassets.metrics.families import METRICS
from imgassets.metrics.formulas.appearance import frame, repeated, score
from imgassets.metrics.formulas.duplicates import perceptual_hash
from imgassets_tests.metrics.factories import table
from imgassets_tests.metrics.image_faults import (
    gamma_twice,
    narrow_range,
    noise,
    oversharpened,
    photograph,
)

PHOTO = photograph("astronaut")


def feature(image: Pixels, name: str) -> float:
    return next(s.value for s in score(image) if s.metric == f"look.{name}")


@pytest.mark.parametrize(
    ("name", "changed", "way"),
    [
        ("lightness", gamma_twice(PHOTO), 1),
        ("contrast", narrow_range(PHOTO), -1),
        ("sharpness", oversharpened(PHOTO), 1),
        ("noise", noise(PHOTO, 4.0), 1),
        ("green_red", np.ascontiguousarray(PHOTO[..., ::-1]), -1),
        ("chroma", np.repeat(PHOTO.mean(axis=2, keepdims=True), 3, axis=2).astype(np.uint8), -1),
    ],
)
def test_a_change_moves_its_feature(name: str, changed: Pixels, way: int) -> None:
    """By more than a harmless change (noise of one level) does."""
    moved = feature(changed, name) - feature(PHOTO, name)
    harmless = feature(noise(PHOTO, 0.5), name) - feature(PHOTO, name)
    assert moved * way > 2 * abs(harmless)


def test_frame_is_the_step_of_the_outermost_line() -> None:
    """0 on white; a black line all around is 255 levels, a gray one half of it."""
    white = np.full((32, 48, 3), 255, np.uint8)
    assert frame(white) == 0.0
    for level in (0, 128):
        lined = np.full_like(white, level)
        lined[1:-1, 1:-1] = 255
        # The corner pixels of the next line still lie on the outermost one of another side.
        assert frame(lined) == pytest.approx(255 - level, rel=0.06)


def test_repeats_are_found_by_their_pixels() -> None:
    """The same picture, or one level off in one pixel, repeats; other colors or seeds do not."""
    almost = PHOTO.copy()
    almost[0, 0, 0] ^= 1
    images = {
        "photo": PHOTO,
        "again": almost,
        "other colors": np.ascontiguousarray(PHOTO[..., ::-1]),
        "noisier": noise(PHOTO),
        "other": photograph("coffee"),
    }
    hashes = {name: perceptual_hash(image) for name, image in images.items()}
    found = repeated(hashes, images.__getitem__)
    assert found == {"photo": "again", "again": "photo"}


def test_table_marks_repeats_across_seeds_and_not_replicates() -> None:
    def row(flow: str, seed: int, replicate: int, key: str, status: str = "ok") -> dict:
        return {
            "endpoint": "e", "model": "m", "flow": flow, "prompt_id": "p", "seed": seed,
            "replicate": replicate, "image_key": key, "status": status, "message": "",
        }  # fmt: skip

    pictures = {"a": PHOTO, "b": PHOTO, "c": photograph("coffee"), "a-again": PHOTO}
    images = pd.DataFrame(
        [
            row("generate", 1, 0, "a"),
            row("generate", 2, 0, "b"),
            row("generate", 3, 0, "c"),
            row("generate", 1, 1, "a-again"),
            row("upscale", 1, 0, "a"),
            row("generate", 4, 0, "lost", "backend_error"),
        ]
    )
    found = table("look", images, pictures.__getitem__)
    marked = found[found["metric"] == "look.repeated"].set_index("image_key")["value"]
    assert marked.drop("lost").to_dict() == {"a": 1.0, "b": 1.0, "c": 0.0, "a-again": 0.0}
    assert np.isnan(marked["lost"])
    assert set(found["metric"]) == {m for m in METRICS if m.startswith("look.")}


def test_what_is_no_image_is_refused() -> None:
    with pytest.raises(BadImageError, match="at least 8 x 8"):
        frame(np.zeros((4, 4, 3), np.uint8))
