"""Which files of a folder are images to be judged, and why others are not.

Names decide here, contents later: an image suffix in any case is judged, whatever is in the file.
"""

from __future__ import annotations

import os
import re
import stat
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

#: Suffixes of the formats that the guard takes.
SUFFIXES = frozenset(
    {".png", ".jpg", ".jpeg", ".jpe", ".jfif", ".webp", ".tif", ".tiff", ".bmp", ".dib", ".gif"}
)
#: GenEval and others put overviews of all samples beside them.
_OVERVIEW = re.compile(r"grid([-_]?\d+)?", re.IGNORECASE)
_OF_SYSTEMS = frozenset({"__macosx", "thumbs.db", "desktop.ini", "@eadir", "$recycle.bin"})
_NOT_TAKEN = {
    ".heic": "HEIC", ".heif": "HEIF", ".avif": "AVIF", ".jxl": "JPEG XL", ".jp2": "JPEG 2000",
    ".svg": "SVG", ".psd": "Photoshop", ".exr": "OpenEXR", ".ico": "icon", ".tga": "Targa",
    ".ppm": "Netpbm", ".pgm": "Netpbm", ".dng": "raw",
}  # fmt: skip
#: Says what the images are of; no image, and nothing to be told of.
METADATA = "metadata.jsonl"


@dataclass(frozen=True)
class Skipped:
    """A file that is not judged. `file` is relative to the folder; `reason` is in words."""

    file: str
    reason: str


def images_of(folder: Path) -> tuple[list[Path], list[Skipped]]:
    """All images below a folder, in order of their paths, and what was left out.

    A link with an image's name is among the images: it was put there as one. Links to folders are
    not followed.

    Raises:
        NotADirectoryError: no such folder, or no folder.
    """
    if not folder.is_dir():
        raise NotADirectoryError(f"{folder} is not a folder")
    images: list[Path] = []
    skipped: list[Skipped] = []
    for path in sorted(_files(folder)):
        reason = _why_skipped(path.relative_to(folder), path)
        if reason is None:
            images.append(path)
        elif path.name != METADATA:
            skipped.append(Skipped(path.relative_to(folder).as_posix(), reason))
    return images, skipped


def _files(folder: Path) -> Iterator[Path]:
    """Everything that is no folder; and folders that are links, or cannot be looked into."""
    unreadable: list[Path] = []
    walk = os.walk(folder, onerror=lambda error: unreadable.append(Path(error.filename)))
    for name, folders, files in walk:
        here = Path(name)
        yield from (here / file for file in files)
        yield from (here / f for f in folders if (here / f).is_symlink())
    yield from unreadable


def _why_skipped(relative: Path, path: Path) -> str | None:
    for part in relative.parts:
        if part.startswith(".") or part.lower() in _OF_SYSTEMS:
            return "a hidden file, or one of the operating system"
    if path.is_dir():
        return "a link to a folder" if path.is_symlink() else "a folder that cannot be read"
    suffix = path.suffix.lower()
    if suffix in _NOT_TAKEN:
        return f"{_NOT_TAKEN[suffix]} is not taken"
    if suffix not in SUFFIXES:
        return "not an image by its name"
    return "an overview of images" if _OVERVIEW.fullmatch(path.stem) else None


def why_not_read(path: Path) -> str | None:
    """Why a file says nothing about who made the image: nobody can read it here. None if one can.

    Missing, empty and broken contents are another thing: those are images that are wrong.
    """
    try:
        mode = path.lstat().st_mode
    except OSError as error:
        return f"cannot be read: {error.strerror or error}"
    if stat.S_ISLNK(mode):
        return "a symbolic link; give the file itself"
    if not stat.S_ISREG(mode):
        return "a device, pipe or socket, not a file"
    return None if os.access(path, os.R_OK) else "cannot be read: permission denied"
