"""A diffusers folder with all its parts in it, for libraries that look nowhere else."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from imgassets.documents.shared_parts import FILE, shared_parts


@contextmanager
def whole_folder(folder: Path) -> Iterator[Path]:
    """The folder itself; where it shares parts, a short-lived one of links, or else of copies."""
    shared = shared_parts(folder)
    if not shared:
        yield folder
        return
    own = [path for path in folder.iterdir() if path.name not in (*shared, FILE)]
    # Windows does not delete a file that is mapped into memory; its own cleaning does later.
    with tempfile.TemporaryDirectory(prefix="imgassets-", ignore_cleanup_errors=True) as made:
        whole = Path(made) / folder.name
        whole.mkdir()
        for path in (*own, *shared.values()):
            _link_or_copy(path, whole / path.name)
        yield whole


def _link_or_copy(path: Path, target: Path) -> None:
    try:
        target.symlink_to(path.resolve(), target_is_directory=path.is_dir())
    except (OSError, NotImplementedError):  # Windows, without the right to make links
        shutil.copytree(path, target) if path.is_dir() else shutil.copy2(path, target)
