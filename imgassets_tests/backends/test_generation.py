"""Making what is missing: reuse, failures as rows, sources, resuming."""

from __future__ import annotations

import json
import threading
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from PIL import Image

from imgassets.backends.base import Outcome
from imgassets.backends.generation import make_images
from imgassets.flows import FlowName
from imgassets.requests import Request
from imgassets.storage.entries import FolderEntries
from imgassets.storage.image_store import ImageStore, StoreError


def request(seed: int, flow: FlowName = "generate", source: str | None = None) -> Request:
    inputs: dict[str, Any] = {"flow": flow, "seed": seed}
    if source:
        inputs["source"] = source
    return Request("cards", "prod", flow, "few", "p", seed, 0, inputs)


class Painter:
    """Paints each seed as a gray level; seed 13 fails. Counts what it was asked for."""

    def __init__(self) -> None:
        self.asked: list[int] = []

    def __call__(
        self, inputs: Sequence[dict[str, Any]], sources: Sequence[Image.Image]
    ) -> list[Outcome]:
        self.asked += [i["seed"] for i in inputs]
        return [
            Outcome(failure="backend_error", message="seed 13")
            if i["seed"] == 13
            else Outcome(Image.fromarray(np.full((4, 4, 3), i["seed"], np.uint8)), seconds=0.1)
            for i in inputs
        ]


def run(requests: list[Request], store: ImageStore, painter: Painter) -> tuple[pd.DataFrame, int]:
    return make_images(requests, store, painter, batch_size=2, progress=lambda *_: None)


def test_what_is_stored_is_not_made_again(tmp_path: Path) -> None:
    store, painter = ImageStore(tmp_path), Painter()
    first, made = run([request(1), request(2), request(3)], store, painter)
    assert (made, painter.asked) == (3, [1, 2, 3])
    second, made = run([request(n) for n in (1, 2, 3, 4)], store, painter)
    assert (made, painter.asked) == (1, [1, 2, 3, 4])
    pd.testing.assert_frame_equal(first, second.head(3))


def test_a_failed_image_is_a_row_and_is_tried_again(tmp_path: Path) -> None:
    store, painter = ImageStore(tmp_path), Painter()
    table, made = run([request(12), request(13)], store, painter)
    assert made == 1
    assert table["status"].tolist() == ["ok", "backend_error"]
    assert table["message"].tolist() == ["", "seed 13"]
    run([request(12), request(13)], store, painter)
    assert painter.asked == [12, 13, 13]


def test_a_missing_source_is_a_failure_of_that_image_alone(tmp_path: Path) -> None:
    store, painter = ImageStore(tmp_path), Painter()
    source = request(1)
    run([source], store, painter)
    edits = [request(5, "edit", source.image_key), request(6, "edit", "0" * 64)]
    table, made = run(edits, store, painter)
    assert made == 1
    assert table["status"].tolist() == ["ok", "source_missing"]


def test_progress_is_told_with_each_batch(tmp_path: Path) -> None:
    words: list[tuple[int, int]] = []
    requests = [request(n) for n in range(5)]
    make_images(
        requests,
        ImageStore(tmp_path),
        Painter(),
        batch_size=2,
        progress=lambda *now: words.append(now),
    )
    assert words == [(0, 5), (2, 5), (4, 5), (5, 5)]


def test_an_interrupted_run_goes_on_where_it_was(tmp_path: Path) -> None:
    store, painter = ImageStore(tmp_path), Painter()
    requests = [request(n) for n in range(1, 8)]

    def interrupt(done: int, of: int) -> None:
        if done >= 4:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        make_images(requests, store, painter, batch_size=2, progress=interrupt)
    table, made = run(requests, store, painter)
    assert made == 1  # the third batch was made already, and was stored on the way out
    assert sorted(painter.asked) == [1, 2, 3, 4, 5, 6, 7]
    assert (table["status"] == "ok").all()


def test_a_batch_is_stored_while_the_next_is_made(tmp_path: Path) -> None:
    """Writing the first batch waits until the second is being made."""
    second, waited = threading.Event(), []

    class Slow(FolderEntries):
        def put(self, key: str, parts: Mapping[str, bytes]) -> None:
            waited.append(second.wait(30))
            super().put(key, parts)

    class Watched(Painter):
        def __call__(self, inputs: Any, sources: Any) -> list[Outcome]:
            if inputs[0]["seed"] == 3:
                second.set()
            return super().__call__(inputs, sources)

    requests, done = [request(n) for n in range(1, 5)], list[int]()
    make_images(
        requests,
        ImageStore(tmp_path, Slow(tmp_path, "image.png", "record.json")),
        Watched(),
        batch_size=2,
        progress=lambda n, _: done.append(n),
    )
    assert (waited, done) == ([True] * 4, [0, 2, 4])


def test_a_full_disk_stops_the_run_and_keeps_what_was_stored(tmp_path: Path) -> None:
    """The error of the storing thread reaches the caller, at most one batch later."""

    class Filling(FolderEntries):
        def put(self, key: str, parts: Mapping[str, bytes]) -> None:
            if json.loads(parts["record.json"])["request"]["seed"] > 2:
                raise OSError(28, "No space left on device")
            super().put(key, parts)

    entries = Filling(tmp_path, "image.png", "record.json")
    store, painter = ImageStore(tmp_path, entries), Painter()
    with pytest.raises(StoreError, match="No space left on device"):
        run([request(n) for n in range(1, 12)], store, painter)
    assert painter.asked == [1, 2, 3, 4, 5, 6]
    assert len(list(store.keys())) == 2


def test_the_same_request_twice_is_made_once(tmp_path: Path) -> None:
    painter = Painter()
    table, made = run([request(1), request(1)], ImageStore(tmp_path), painter)
    assert (made, painter.asked, len(table)) == (1, [1], 2)
