"""Files for people: harmless names, written whole, and never over another file."""

from __future__ import annotations

import os
import re
import tempfile
import unicodedata
from itertools import count
from pathlib import Path

#: Bytes of a name; file systems take 255, and room is left for a number and a suffix.
_LONGEST = 120


class OutputFolder:
    """A folder that files are put into; nothing that is there already is ever lost."""

    def __init__(self, folder: Path) -> None:
        """
        Raises:
            OSError: the folder cannot be made.
        """
        self._folder = folder
        self._next: dict[tuple[str, str], int] = {}  # number after the last one used, by name
        folder.mkdir(parents=True, exist_ok=True)

    def put(self, name: str, data: bytes, suffix: str = ".png") -> Path:
        """Write a file and return where it is: NAME.png, or NAME-2.png where that is taken.

        A file of the same name and bytes from an earlier run is taken as written.

        Args:
            name: from outside, so only letters, digits, `.`, `_` and `-` of it are kept.
            data: the whole content.
            suffix: of the file, with its dot.

        Raises:
            OSError: the folder cannot be written; no part of the file is left behind.
        """
        stem = harmless(name)
        handle, path = tempfile.mkstemp(dir=self._folder, prefix=".tmp-")
        temporary = Path(path)
        try:
            _write(handle, data)
            for number in count(self._next.get((stem, suffix), 1)):
                target = self._folder / f"{stem}{f'-{number}' if number > 1 else ''}{suffix}"
                if _renamed_to_new(temporary, target) or _holds(target, data):
                    self._next[stem, suffix] = number + 1
                    break
        finally:
            temporary.unlink(missing_ok=True)
        return target


def harmless(name: str) -> str:
    """A name from outside as part of a path: no separators, controls, leading dots or dashes."""
    kept = re.sub(r"[^\w.-]+", "_", unicodedata.normalize("NFC", name)).strip("._-")
    short = kept.encode("utf-8", "ignore")[:_LONGEST].decode("utf-8", "ignore")
    return short.rstrip("._-") or "image"


def _write(handle: int, data: bytes) -> None:
    with open(handle, "wb") as file:
        os.fchmod(handle, 0o644)  # temporary files are private, outputs are not
        file.write(data)
        file.flush()
        os.fsync(handle)


def _renamed_to_new(temporary: Path, target: Path) -> bool:
    """Rename, and True; False where the target exists, which `rename` alone would replace."""
    try:
        target.hardlink_to(temporary)
    except FileExistsError:
        return False
    except OSError:  # a file system without links: claim the name, then replace the claim
        try:
            target.touch(exist_ok=False)
        except FileExistsError:
            return False
        temporary.replace(target)
    return True


def _holds(path: Path, data: bytes) -> bool:
    return path.is_file() and path.stat().st_size == len(data) and path.read_bytes() == data
