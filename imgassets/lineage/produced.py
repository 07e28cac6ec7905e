"""The files assets write, and whether they can still be used."""

from __future__ import annotations

import hashlib
import logging
from collections.abc import Sequence
from pathlib import Path

import pandas as pd

from imgassets.images.store import ImageStore

_log = logging.getLogger(__name__)
#: Failures that nothing in the documents can mend: waiting, or a mended account, may.
PASSING = ("rate_limited", "server_error", "unreachable", "unauthorized", "out_of_credit")
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


def _may_pass(path: Path) -> str:
    """Which failures of an image table may be over by now."""
    status = pd.read_parquet(path, columns=["status"])["status"]
    passing = status[status.isin(PASSING)]
    modes = ", ".join(sorted(set(passing)))
    return f"{len(passing)} images failed in a way that may pass ({modes})" if modes else ""


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
    if sha256 and not is_as_written(path, sha256):
        return f"{path.name} was changed or damaged since it was written"
    if key[-1] in IMAGE_STAGES:
        lost = [k for k in image_keys(path) if not store.seems_intact(k)]
        if lost:
            return f"{len(lost)} of its images left the store or were harmed"
        return _may_pass(path)
    return ""


def is_as_written(path: Path, sha256: str) -> bool:
    """Whether a file still has the hash it was written with."""
    return hashlib.sha256(path.read_bytes()).hexdigest() == sha256


def set_aside(home: Path, path: Path) -> Path:
    """Move a harmed file to `HOME/quarantine`, for inspection; returns where it went."""
    target = home / "quarantine" / path.relative_to(home)
    number = 0
    while target.exists():
        number += 1
        target = target.with_name(f"{path.name}.{number}")
    target.parent.mkdir(parents=True, exist_ok=True)
    path.rename(target)
    _log.warning("%s is not what was written; moved to %s", path, target)
    return target
