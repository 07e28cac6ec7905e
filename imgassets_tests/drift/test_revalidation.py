"""Same key, other pixels: found, kept beside the original, and told."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import numpy as np
import pytest
from PIL import Image

from imgassets.backends.base import Outcome
from imgassets.defs.assets import revalidation
from imgassets.drift.revalidation import DriftFile, difference, pinned, remake
from imgassets.report.drift_page import drift_page
from imgassets.requests import Request
from imgassets.storage.image_store import ImageStore
from imgassets.storage.project_home import ProjectHome


def request(seed: int) -> Request:
    return Request("cards", "fast", "generate", "few", "word", seed, 0, {"seed": seed})


def drawn(seed: int) -> Image.Image:
    return Image.new("RGB", (16, 16), (seed, 100, 100))


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
    assert drifts[0].share == pytest.approx(1 / 256)
    assert failures == {request(2).image_key: "word: backend_error: no"}
    assert store.read_bytes(request(1).image_key) == before

    file = DriftFile(tmp_path / "found")
    none = file.version("cards", "fast")
    file.write("cards", "fast", drifts)
    assert file.read("cards", "fast") == drifts
    assert file.version("cards", "fast") != none
    assert file.reasons("cards", ["fast", "prod", "fast"]) == [
        "drift of fast: generate of word, seed 1: 0.4% of pixels differ, by up to 8 levels"
    ]
    page = drift_page(
        drifts,
        lambda d: store.read_bytes(d.image_key),
        lambda d: (tmp_path / "d" / d.remade).read_bytes(),
    )
    assert page.count("<img") == 2
    assert "http" not in page


@dataclass
class Nights:
    """Revalidations of one branch with one flow, without a project and Dagster around them."""

    store: ImageStore
    home: Path
    requests: list[Request]

    @property
    def file(self) -> DriftFile:
        return DriftFile(ProjectHome(self.home).drift)

    def night(self, made: dict[int, Image.Image | None], images_per_flow: int = 6) -> list[int]:
        """Seeds known to drift after a night; an image is made as stored unless `made` has it."""

        def make(inputs: Sequence[dict[str, Any]], sources: object) -> list[Outcome]:
            images = [made.get(i["seed"], drawn(i["seed"])) for i in inputs]
            return [Outcome(i) if i else Outcome(None, "out_of_memory", "no") for i in images]

        project = SimpleNamespace(
            model=lambda _: None, endpoint=lambda _: SimpleNamespace(flows=["generate"])
        )
        workplace = SimpleNamespace(
            project=lambda: project, store=lambda: self.store, home=lambda: ProjectHome(self.home)
        )
        maker = SimpleNamespace(chosen=lambda: ("cpu", ""), maker=lambda *_: make)
        context = SimpleNamespace(log=logging.getLogger(__name__))
        branch = ("cards", "fast")
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(revalidation, "requests_of", lambda *_: self.requests)
            found = revalidation._revalidate(
                cast(Any, context),
                cast(Any, workplace),
                cast(Any, maker),
                branch,
                revalidation.Sample(images_per_flow=images_per_flow),
            )
        self.file.write(*branch, found)
        revalidation._write_page(cast(Any, workplace), [branch])
        return sorted(d.seed for d in found)


@pytest.fixture
def nights(store: ImageStore, tmp_path: Path) -> Nights:
    return Nights(store, tmp_path, [request(seed) for seed in range(6)])


OTHER = Image.new("RGB", (16, 16), "red")


def test_only_an_image_that_comes_out_as_stored_is_no_longer_drift(nights: Nights) -> None:
    assert nights.night({2: OTHER, 4: OTHER}) == [2, 4]
    version = nights.file.version("cards", "fast")
    reasons = nights.file.reasons("cards", ["fast"])
    assert len(reasons) == 1

    assert nights.night({2: None, 4: OTHER}) == [2, 4]
    assert nights.night(dict.fromkeys(range(6))) == [2, 4]
    assert nights.file.reasons("cards", ["fast"]) == reasons
    assert nights.night({2: OTHER, 4: OTHER}) == [2, 4]
    assert nights.file.version("cards", "fast") == version, "the same drift, in the same order"
    assert nights.night({2: None}) == [2]
    assert nights.night({}) == []


def test_drift_outside_the_sample_is_remembered_and_looked_at(nights: Nights) -> None:
    seeds = sorted(range(6), key=lambda seed: request(seed).image_key)
    last = seeds[-1]
    assert nights.night({last: OTHER}) == [last]
    assert nights.night({last: OTHER}, images_per_flow=1) == [last]
    assert nights.night({last: None}, images_per_flow=1) == [last]
    (repeated, *_) = nights.file.repetitions("cards", "fast").read()
    assert repeated.images == 1, "the sample alone says how well images repeat"
    assert nights.night({}, images_per_flow=1) == []


def test_drift_is_forgotten_when_it_is_no_longer_asked_for(nights: Nights) -> None:
    assert nights.night({2: OTHER, 4: OTHER}) == [2, 4]
    del nights.requests[2]
    assert nights.night(dict.fromkeys(range(6))) == [4]


def test_drift_whose_original_is_gone_stays_and_the_page_tells_of_it(nights: Nights) -> None:
    assert nights.night({2: OTHER}) == [2]
    nights.store.quarantine(request(2).image_key)
    assert nights.night({2: OTHER}) == [2]
    assert "1 image(s) drifted" in (nights.file.folder / "drift.html").read_text()


def test_a_damaged_file_is_made_good_by_a_whole_sample_only(nights: Nights) -> None:
    assert nights.night({2: OTHER}) == [2]
    path = nights.file.path("cards", "fast")
    path.write_text("[{")
    with pytest.raises(ValueError, match="damaged"):
        nights.night({2: None})
    assert path.read_text() == "[{"
    assert nights.night({2: OTHER}) == [2]


def test_another_size_is_all_of_it() -> None:
    assert difference(np.zeros((4, 4, 3), np.uint8), Image.new("RGB", (8, 8))) == (1.0, 255)
