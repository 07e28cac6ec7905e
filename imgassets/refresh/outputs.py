"""The files assets write, and whether they can still be used."""

from __future__ import annotations

import hashlib
import logging
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from imgassets.documents.failures import FAILURE_MODES
from imgassets.flows import OF_STAGE
from imgassets.storage.image_store import ImageStore
from imgassets.storage.project_home import ProjectHome

_log = logging.getLogger(__name__)


def image_keys(path: Path) -> list[str]:
    """Keys of the images of an image table; failed ones have none. Empty if it is unreadable."""
    try:
        rows = _image_rows(path)
    except (OSError, ValueError):
        return []
    return [key for key, status, _ in rows if status == "ok"]


def failed_rows(path: Path) -> list[tuple[str, str]]:
    """(failure mode, message) of the failed images of an image table; empty if unreadable."""
    try:
        rows = _columns(path, "status", "message")
    except (OSError, ValueError):
        return []
    return [(status, message) for status, message in rows if status != "ok"]


def usable_keys(path: Path) -> list[str]:
    """Keys of the images of an image table that did not fail; empty if unreadable."""
    try:
        rows = _columns(path, "status", "image_key")
    except (OSError, ValueError):
        return []
    return [key for status, key in rows if status == "ok"]


def _image_rows(path: Path) -> list[tuple[str, str, str | None]]:
    """(image key, status, key of the source) of each row of an image table."""
    return _columns(path, "image_key", "status", "source_key")


def _columns(path: Path, *names: str) -> list[Any]:
    """A tuple for each row of a table."""
    # Neither pandas nor `read_table`, which imports it: that is a seventh of a plan's time.
    from pyarrow.parquet import ParquetFile

    with ParquetFile(path) as file:
        table = file.read(columns=list(names))
    return list(zip(*(column.to_pylist() for column in table.columns), strict=True))


def condition(
    home: ProjectHome, key: Sequence[str], sha256: str | None, store: ImageStore
) -> tuple[str, str]:
    """Why what an asset wrote cannot be used any more, and what failed in it and may pass.

    Both are empty where there is nothing to say; of a corrupted file nothing else is told.

    Args:
        home: everything made by the project.
        key: the asset's.
        sha256: of the file as it was written, None where it was not noted.
        store: must hold the images an image table lists.
    """
    path = home.output(key)
    if not path.is_file():
        return f"{path.name} is missing", ""
    if sha256 and not is_as_written(path, sha256):
        return f"{path.name} was changed or damaged since it was written", ""
    return _condition_of_images(path, store) if key[-1] in OF_STAGE else ("", "")


def _condition_of_images(table: Path, store: ImageStore) -> tuple[str, str]:
    try:
        rows = _image_rows(table)
    except (OSError, ValueError):
        return f"{table.name} cannot be read", ""
    whole = store.seem_intact({key for key, status, _ in rows if status == "ok"})
    lost = [key for key, status, _ in rows if status == "ok" and key not in whole]
    transient = [status for _, status, source in rows if _may_pass(status, source, store)]
    modes = ", ".join(sorted(set(transient)))
    return (
        f"{len(lost)} of its images left the store or were harmed" if lost else "",
        f"{len(transient)} images failed in a way that may pass ({modes})" if transient else "",
    )


def _may_pass(status: str, source: str | None, store: ImageStore) -> bool:
    """Whether a failed image is worth asking for again: its fault may pass, or its source came."""
    if status == "source_missing":
        return bool(source) and store.seems_intact(str(source))
    return status in FAILURE_MODES and FAILURE_MODES[status].transient


def is_as_written(path: Path, sha256: str) -> bool:
    """Whether a file still has the hash it was written with."""
    return hashlib.sha256(path.read_bytes()).hexdigest() == sha256


def set_aside(home: ProjectHome, path: Path) -> Path:
    """Move a corrupted file to `HOME/quarantine`, for inspection; returns where it went."""
    target = home.quarantine / path.relative_to(home.folder)
    number = 0
    while target.exists():
        number += 1
        target = target.with_name(f"{path.name}.{number}")
    target.parent.mkdir(parents=True, exist_ok=True)
    path.rename(target)
    _log.warning("%s is not what was written; moved to %s", path, target)
    return target
