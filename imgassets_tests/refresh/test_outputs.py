"""Failed images that are worth asking for again, read from their table."""

from __future__ import annotations

import hashlib
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from PIL import Image

from imgassets.refresh.outputs import condition
from imgassets.storage.image_store import ImageStore
from imgassets.storage.project_home import ProjectHome

KEY = ("cards", "prod", "edited")


def told(home: Path, status: str, source: str | None = None) -> str:
    path = ProjectHome(home).output(KEY)
    path.parent.mkdir(parents=True, exist_ok=True)
    row = {"image_key": "k", "status": status, "source_key": source}
    pd.DataFrame([row]).to_parquet(path)
    corruption, transient = condition(
        ProjectHome(home), KEY, None, ImageStore(ProjectHome(home).images)
    )
    assert corruption == ""
    return transient


@pytest.mark.parametrize("mode", ["machine_error", "out_of_memory", "unreachable", "in_progress"])
def test_what_the_machine_could_not_do_is_tried_again(tmp_path: Path, mode: str) -> None:
    assert told(tmp_path, mode) == f"1 images failed in a way that may pass ({mode})"


@pytest.mark.parametrize("mode", ["bad_document", "backend_error", "blank"])
def test_what_only_another_document_or_model_mends_waits_for_it(tmp_path: Path, mode: str) -> None:
    assert told(tmp_path, mode) == ""


def test_an_image_whose_source_came_is_tried_again(tmp_path: Path) -> None:
    source = hashlib.sha256(b"source").hexdigest()
    assert told(tmp_path, "source_missing", source) == ""
    image = Image.fromarray(np.zeros((8, 8, 3), np.uint8))
    ImageStore(tmp_path / "images").put(
        source, image, request={}, seconds=0.1, peak_memory_mib=1.0, batch_size=1, made_with={},
        made_at="2026-11-26T00:00:00+00:00",
    )  # fmt: skip
    assert "may pass (source_missing)" in told(tmp_path, "source_missing", source)
