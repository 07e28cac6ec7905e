"""The page that shows what drifted, written beside it."""

from __future__ import annotations

from collections.abc import Callable, Iterable

from imgassets.drift.findings import DriftFile
from imgassets.report.drift_page import drift_page
from imgassets.storage.image_store import CorruptEntryError, ImageStore
from imgassets.storage.whole_file import write_whole


def write_drift_page(
    file: DriftFile, store: ImageStore, branches: Iterable[tuple[str, str]]
) -> None:
    """Show what is known to drift in some (endpoint, model) pairs, in `drift.html`.

    Raises:
        ValueError: what is known of a branch is damaged.
    """
    page = drift_page(
        [drift for branch in branches for drift in file.read(*branch)],
        stored=lambda drift: _picture(lambda: store.read_bytes(drift.image_key)),
        remade=lambda drift: _picture((file.images / drift.remade).read_bytes),
    )
    write_whole(file.folder / "drift.html", page)


def _picture(read: Callable[[], bytes]) -> bytes:
    """Nothing where it was deleted or harmed since it drifted: the page then has words alone."""
    try:
        return read()
    except (KeyError, OSError, CorruptEntryError):
        return b""
