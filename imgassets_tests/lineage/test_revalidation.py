"""Same key, other pixels: found, kept beside the original, and told."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from imgassets.backends.base import Outcome
from imgassets.images.store import ImageStore
from imgassets.lineage.revalidation import DriftFile, difference, pinned, remake
from imgassets.report.drift_page import drift_page
from imgassets.requests import Request


def request(seed: int) -> Request:
    return Request("cards", "fast", "generate", "few", "word", seed, 0, {"seed": seed})


def drawn(seed: int) -> Image.Image:
    return Image.new("RGB", (8, 8), (seed, 100, 100))


@pytest.fixture
def store(tmp_path: Path) -> ImageStore:
    store = ImageStore(tmp_path / "images")
    for seed in range(6):
        store.put(
            request(seed).image_key,
            drawn(seed),
            request={"flow": "generate"},
            seconds=1.0,
            peak_memory_mib=1.0,
            batch_size=1,
            made_at="2026-11-24T00:00:00+00:00",
        )
    return store


def test_the_sample_is_the_same_every_night_and_only_of_what_is_stored(store: ImageStore) -> None:
    requests = [request(seed) for seed in range(9)]
    sample = pinned(requests, store, 4)
    assert len(sample) == 4
    assert sample == pinned(reversed(requests), store, 4)
    assert all(store.has(r.image_key) for r in sample)


def test_drift_is_told_apart_from_failure_and_the_original_stays(
    store: ImageStore, tmp_path: Path
) -> None:
    def make(inputs: object, sources: object) -> list[Outcome]:
        changed = np.asarray(drawn(1)).copy()
        changed[0, 0] = (9, 100, 100)
        return [
            Outcome(drawn(0)),
            Outcome(Image.fromarray(changed)),
            Outcome(None, "backend_error", "no"),
        ]

    before = store.read_bytes(request(1).image_key)
    drifts, failures = remake([request(s) for s in range(3)], store, make, tmp_path / "d")
    assert [(d.seed, d.largest) for d in drifts] == [(1, 8)]
    assert drifts[0].share == pytest.approx(1 / 64)
    assert failures == ["word: backend_error: no"]
    assert store.read_bytes(request(1).image_key) == before

    file = DriftFile(tmp_path / "found")
    none = file.version("cards", "fast")
    file.write("cards", "fast", drifts)
    assert file.read("cards", "fast") == drifts
    assert file.version("cards", "fast") != none
    assert file.reasons("cards", ["fast", "prod", "fast"]) == [
        "drift of fast: generate of word, seed 1: 1.6% of pixels differ, by up to 8 levels"
    ]
    page = drift_page(
        drifts,
        lambda d: store.read_bytes(d.image_key),
        lambda d: (tmp_path / "d" / d.remade).read_bytes(),
    )
    assert page.count("<img") == 2
    assert "http" not in page


def test_another_size_is_all_of_it() -> None:
    assert difference(np.zeros((4, 4, 3), np.uint8), Image.new("RGB", (8, 8))) == (1.0, 255)
