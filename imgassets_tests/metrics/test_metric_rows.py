"""Tables of many images: rows in order, and what cannot be judged has a row with its reason."""

from __future__ import annotations

import numpy as np
import pandas as pd

from imgassets.documents.prompts import Expectation
from imgassets.metrics.scores import ROW_COLUMNS
from imgassets_tests.benchmarks.metrics_memory import image_rows, made_up
from imgassets_tests.metrics.factories import table


def upscaled(count: int) -> pd.DataFrame:
    rows = image_rows(count, "upscale")
    rows["image_key"] = "9" + rows["image_key"].str[1:]
    return rows


def read(key: str) -> np.ndarray:
    return made_up(key, 64 if key[0] == "9" else 32)


def test_rows_come_in_the_order_of_the_images() -> None:
    rows = table("upscaling", upscaled(60), read, scale=2)
    assert list(rows.columns) == list(ROW_COLUMNS)
    assert rows["seed"].drop_duplicates().tolist() == list(range(60))
    assert len(rows) == 60 * 5


def test_text_without_letters_gives_rows_without_a_value() -> None:
    """A text the reader cannot read is no wrong image: every row says so and has no value."""
    images = image_rows(2, "generate")
    images["prompt_id"] = "cyrillic"
    wanted = {("generate", "cyrillic"): Expectation(text="\u0416\u0414")}
    rows = table("typography", images, lambda key: made_up(key, 32), expectations=wanted)
    assert len(rows) == 2 * 6
    assert rows["value"].isna().all()
    assert rows["reason"].str.contains("cannot be judged: the reader has no letters").all()
