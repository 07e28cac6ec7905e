"""Many images: rows in order, on several threads, with only a few images under way at a time."""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Iterator

import numpy as np
import pandas as pd

from imgassets.documents.prompts import Expectation
from imgassets.metrics.scores import ROW_COLUMNS
from imgassets_tests.benchmarks.metrics_memory import image_rows, made_up
from imgassets_tests.metrics.factories import table


class Reader:
    """Makes images up and watches how many are asked for at once."""

    def __init__(self) -> None:
        self.threads: set[int] = set()
        self.under_way = self.most = 0
        self._lock = threading.Lock()

    def __call__(self, key: str) -> np.ndarray:
        with self._lock:
            self.threads.add(threading.get_ident())
            self.under_way += 1
            self.most = max(self.most, self.under_way)
        time.sleep(0.002)
        with self._lock:
            self.under_way -= 1
        return made_up(key, 64 if key[0] == "9" else 32)


def upscaled(count: int) -> pd.DataFrame:
    rows = image_rows(count, "upscale")
    rows["image_key"] = "9" + rows["image_key"].str[1:]
    return rows


def test_rows_come_in_the_order_of_the_images_from_all_cores() -> None:
    read = Reader()
    rows = table("upscaling", upscaled(60), read, scale=2)
    assert list(rows.columns) == list(ROW_COLUMNS)
    assert rows["seed"].drop_duplicates().tolist() == list(range(60))
    assert len(rows) == 60 * 5
    assert len(read.threads) == min(os.cpu_count() or 1, 60)
    assert read.most <= (os.cpu_count() or 1)


def test_images_are_taken_only_as_they_are_needed() -> None:
    """The table's rows are drawn from a stream: what is not yet asked for is not yet read."""
    from imgassets.metrics.metric_rows import _on_all_cores

    taken = 0

    def items() -> Iterator[int]:
        nonlocal taken
        for number in range(1_000):
            taken += 1
            yield number

    results = _on_all_cores(lambda number: [{"n": number}], items())
    assert next(results) == [{"n": 0}]
    assert taken <= 2 * (os.cpu_count() or 1) + 1
    assert [row["n"] for chunk in results for row in chunk] == list(range(1, 1_000))


def test_text_without_letters_gives_rows_without_a_value() -> None:
    """A text the reader cannot read is no wrong image: every row says so and has no value."""
    images = image_rows(2, "generate")
    images["prompt_id"] = "cyrillic"
    wanted = {("generate", "cyrillic"): Expectation(text="\u0416\u0414")}
    rows = table("typography", images, lambda key: made_up(key, 32), expectations=wanted)
    assert len(rows) == 2 * 6
    assert rows["value"].isna().all()
    assert rows["reason"].str.contains("cannot be judged: the reader has no letters").all()
