"""Metric tables of a branch that no project is needed for."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from types import SimpleNamespace
from typing import Any

import pandas as pd

from imgassets.judges.detectors import FlatShapeDetector
from imgassets.metrics.branch import Branch
from imgassets.metrics.metric_rows import measure
from imgassets.metrics.scoring import Kept


def _told(name: str, default: Any) -> Any:
    return property(lambda self: self.said.get(name, default))


@dataclass(frozen=True)
class MadeUpBranch(Branch):
    """A branch whose documents say what a test gives, by the names of `Branch`."""

    said: Mapping[str, Any] = field(default_factory=dict)

    expectations = _told("expectations", {})
    prompts = _told("prompts", {})
    returned = _told("returned", {})
    regions = _told("regions", {})
    scale = _told("scale", 1)
    tiles = _told("tiles", None)
    price = _told("price", None)
    judges = _told("judges", {})

    def judge_version(self, family: str) -> str:
        return str(self.said.get("judge_version", ""))

    def judge(self, family: str) -> Any:
        return self.said.get("judge", lambda _: FlatShapeDetector())(family)


def branch(images: pd.DataFrame, read: Callable[[str], Any], **said: Any) -> MadeUpBranch:
    """A branch whose images are what `read` gives for a key, as pixels or as a file."""
    stored = SimpleNamespace(read_array=read, read_bytes=read)
    nobody: Any = None
    return MadeUpBranch(nobody, "e", "m", images, stored, said=said)


def table(
    family: str,
    images: pd.DataFrame,
    read: Callable[[str], Any],
    kept: Kept | None = None,
    **said: Any,
) -> pd.DataFrame:
    """The table of a family; `said` is what the documents say, by the names of `Branch`."""
    return measure([family], branch(images, read, **said), kept)[family]
