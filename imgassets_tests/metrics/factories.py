"""Metric tables of a branch that no project is needed for."""

from __future__ import annotations

from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

import pandas as pd

from imgassets.judges.detectors import FlatShapeDetector
from imgassets.metrics.families import FAMILIES
from imgassets.metrics.metric_rows import metric_table


def table(
    family: str, images: pd.DataFrame, read: Callable[[str], Any], **said: Any
) -> pd.DataFrame:
    """The table of a family; `said` is what the documents say, by the names of `Branch`."""
    told = {"scale": 1, "tiles": None, "judge": lambda _: FlatShapeDetector()} | said
    branch = SimpleNamespace(images=images, read_array=read, read_bytes=read, **told)
    return metric_table(FAMILIES[family], branch)
