"""The files assets write, and whether they can still be used."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from pathlib import Path

import pandas as pd

from imgassets.images.store import ImageStore

#: Stages whose table lists images.
IMAGE_STAGES = ("generated", "stylized", "edited", "upscaled", "postprocessed")


def file_of(home: Path, key: Sequence[str]) -> Path:
    """The file an asset writes: its table, its verdict, or its report."""
    if key[-1] == "report":
        return home.joinpath("reports", *key[:-1], "report.html")
    suffix = ".json" if key[-1] == "verdict" else ".parquet"
    return home.joinpath("tables", *key).with_suffix(suffix)


def image_keys(path: Path) -> list[str]:
    """Keys of the images of an image table; failed ones have none. Empty if it is unreadable."""
    try:
        table = pd.read_parquet(path, columns=["image_key", "status"])
    except (OSError, ValueError):
        return []
    return list(table["image_key"][table["status"] == "ok"])


def harm(home: Path, key: Sequence[str], sha256: str | None, store: ImageStore) -> str:
    """Why what an asset wrote cannot be used any more; empty when it can.

    Args:
        home: everything made by the project.
        key: the asset's.
        sha256: of the file as it was written, None where it was not noted.
        store: must hold the images an image table lists.
    """
    path = file_of(home, key)
    if not path.is_file():
        return f"{path.name} is missing"
    if sha256 and hashlib.sha256(path.read_bytes()).hexdigest() != sha256:
        return f"{path.name} was changed or damaged since it was written"
    if key[-1] in IMAGE_STAGES:
        lost = [k for k in image_keys(path) if not store.has(k)]
        return f"{len(lost)} of its images left the store" if lost else ""
    return ""
