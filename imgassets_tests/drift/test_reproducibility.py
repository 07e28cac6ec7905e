"""Repeated requests: what comes out the same is called so, and what does not is counted."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from imgassets.backends.base import Outcome
from imgassets.drift.findings import DriftFile
from imgassets.drift.reproducibility import (
    AGAIN,
    ALONE,
    REVERSED,
    Repetition,
    RepetitionFile,
    repeat,
)
from imgassets.requests import Request
from imgassets.storage.image_store import ImageStore


def picture(seed: int) -> Image.Image:
    levels = np.random.default_rng(seed).integers(0, 255, (16, 16, 3), dtype=np.uint8)
    return Image.fromarray(np.asarray(Image.fromarray(levels).resize((64, 64))))


@pytest.fixture
def store(tmp_path: Path) -> ImageStore:
    return ImageStore(tmp_path / "images")


@pytest.fixture
def requests(store: ImageStore) -> list[Request]:
    """Four stored images."""
    asked = [
        Request("cards", "prod", "generate", "few", f"p{seed}", seed, 0, {"seed": seed})
        for seed in range(4)
    ]
    for request in asked:
        store.put(
            request.image_key, picture(request.seed), request=request.inputs, seconds=1.0,
            peak_memory_mib=1.0, batch_size=4, made_at="today",
        )  # fmt: skip
    return asked


def faithful(inputs: Sequence[dict[str, Any]], sources: Sequence[Image.Image]) -> list[Outcome]:
    return [Outcome(picture(i["seed"])) for i in inputs]


def by_way(found: Sequence[Repetition]) -> dict[str, Repetition]:
    return {r.how: r for r in found}


def test_a_faithful_model_repeats_bit_by_bit(requests: list[Request], store: ImageStore) -> None:
    found = by_way(repeat(requests, store, faithful, "cpu"))
    assert {how: r.images for how, r in found.items()} == {AGAIN: 4, REVERSED: 4, ALONE: 1}
    assert all(r.identical == r.images and r.max_difference == 0 for r in found.values())


def test_noise_that_follows_the_place_in_the_batch_shows_in_another_order(
    requests: list[Request], store: ImageStore
) -> None:
    """One generator for the whole batch: the classic fault; the first alone still is right."""

    def by_place(inputs: Sequence[dict[str, Any]], sources: Sequence[Any]) -> list[Outcome]:
        return [Outcome(picture(place)) for place, _ in enumerate(inputs)]

    found = by_way(repeat(requests, store, by_place, "cpu"))
    assert found[AGAIN].identical == 4
    assert found[REVERSED].different == 4
    assert found[ALONE].identical == 1


def test_one_level_is_within_tolerance_and_a_failure_is_no_image(
    requests: list[Request], store: ImageStore
) -> None:
    def rough(inputs: Sequence[dict[str, Any]], sources: Sequence[Any]) -> list[Outcome]:
        first = np.asarray(picture(inputs[0]["seed"])).copy()
        first[0, 0, 0] += 1
        rest = [Outcome(None, "out_of_memory", "no room")] * (len(inputs) - 1)
        return [Outcome(Image.fromarray(first)), *rest]

    again = by_way(repeat(requests, store, rough, "cpu"))[AGAIN]
    assert (again.images, again.identical, again.within, again.failed) == (1, 0, 1, 3)
    assert again.max_difference == 1


def test_what_was_found_is_kept_and_makes_reports_stale(
    requests: list[Request], store: ImageStore, tmp_path: Path
) -> None:
    drift = DriftFile(tmp_path / "drift")
    before = drift.version("cards", "prod")
    file = drift.repetitions("cards", "prod")
    assert file.read() == []
    found = repeat(requests, store, faithful, "cpu")
    file.write(found)
    assert file.read() == found
    changed = drift.version("cards", "prod")
    assert changed != before
    file.write(found)
    assert drift.version("cards", "prod") == changed


def test_a_damaged_file_is_an_error_not_unmeasured(tmp_path: Path) -> None:
    file = RepetitionFile(tmp_path / "a.json")
    file.path.write_text("[half")
    with pytest.raises(ValueError, match="run the job `revalidate` again"):
        file.read()
