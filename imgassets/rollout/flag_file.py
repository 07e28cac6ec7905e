"""Writing the file that applications read: whole, on disk, seen by every watcher, come what may."""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from imgassets.rollout.flags import FlagFileError, Flags, parse
from imgassets.storage.rollout_files import RolloutFiles
from imgassets.storage.whole_file import sync_folder

#: A reserve is this many times as large as the flags are, and never smaller than this.
_TIMES, _SMALLEST = 2, 16 * 1024
#: Watchers compare times of files; a new one is at least this much later, whatever the clock says.
_LATER = 10_000_000  # ns


class NoRoomError(OSError):
    """The disk has no room for the way back, so nothing may go forward."""


@dataclass(frozen=True)
class FlagFile:
    """`rollout/flags.json` with the bytes that are reserved for it."""

    files: RolloutFiles

    def read(self) -> Flags:
        """The document; an absent file has no flags.

        Raises:
            FlagFileError: it cannot be read.
        """
        try:
            return parse(self.files.flags.read_text(encoding="utf-8"))
        except FileNotFoundError:
            return {}
        except (OSError, UnicodeDecodeError) as error:
            raise FlagFileError(str(error)) from error

    def write(self, document: Flags, check: Callable[[], None] = lambda: None) -> None:
        """Replace it, with room kept for the way back.

        Args:
            check: called last before it is replaced; raises where it must not be.

        Raises:
            NoRoomError: there is none; nothing was changed.
            OSError: it cannot be written; nothing was changed.
        """
        data = _bytes(document)
        self.reserve(len(data))
        self._replace_by(_fresh(self.files.flags), data, check=check)

    def write_back(self, document: Flags) -> None:
        """Replace it on the way back: on a full disk by the reserve, and else in its own place.

        Raises:
            OSError: not even that can be written.
        """
        data = _bytes(document)
        ways: tuple[Callable[[], None], ...] = (
            lambda: self._replace_by(_fresh(self.files.flags), data),
            lambda: self._replace_by(self.files.reserve, data, how=os.O_WRONLY),
            lambda: self._write_over(data),
        )
        for way in ways[:-1]:
            with suppress(OSError):
                way()
                break
        else:
            ways[-1]()
        with suppress(OSError):
            self.reserve(len(data))

    def reserve(self, length: int = 0) -> None:
        """Keep bytes for a flags.json of some length, if that is not done already.

        The bytes are written and not only asked for: writing over them later needs no new block.

        Raises:
            NoRoomError: the disk has none to spare.
        """
        size, path = max(_SMALLEST, _TIMES * length), self.files.reserve
        if path.exists() and path.stat().st_size >= size:
            return
        new = _fresh(path)
        try:
            _write(new, b" " * size, os.O_WRONLY | os.O_CREAT | os.O_TRUNC)
            self._like_flags(new)
            new.replace(path)
        except OSError as error:
            why = (error.strerror or str(error)).lower()
            raise NoRoomError(
                f"{path.parent} has no room for the {size // 1024} KiB that the way back needs "
                f"({why}); make room there first"
            ) from error
        finally:
            new.unlink(missing_ok=True)

    def state(self) -> tuple[int, ...]:
        """Tells a file from the one that took its place; empty where there is none."""
        with suppress(FileNotFoundError):
            found = self.files.flags.stat()
            return found.st_ino, found.st_mtime_ns
        return ()

    def _replace_by(
        self,
        new: Path,
        data: bytes,
        how: int = os.O_WRONLY | os.O_CREAT,
        check: Callable[[], None] = lambda: None,
    ) -> None:
        """Write `data` into a file beside the flags, and put it in their place."""
        flags = self.files.flags
        try:
            _write(new, data, how)
            self._like_flags(new)
            _make_later(new, flags)
            check()
            new.replace(flags)
        finally:
            if new != self.files.reserve:
                new.unlink(missing_ok=True)
        sync_folder(flags.parent)

    def _write_over(self, data: bytes) -> None:
        """For whoever may write the file and not its folder. SDKs keep the last whole flags."""
        _write(self.files.flags, data, os.O_WRONLY)

    def _like_flags(self, new: Path) -> None:
        """Whoever could write the flags still can."""
        with suppress(OSError):
            old = self.files.flags.stat()
            new.chmod(old.st_mode & 0o777)
            os.chown(new, -1, old.st_gid)


def _bytes(document: Flags) -> bytes:
    return (json.dumps(document, indent=2, ensure_ascii=False) + "\n").encode()


def _fresh(path: Path) -> Path:
    """A name beside a file for one that is to take its place; no other process has the same."""
    return path.with_name(f".{path.name.lstrip('.')}.{os.getpid()}")


def _write(path: Path, data: bytes, how: int) -> None:
    """Write a file from its beginning, and wait until it is on disk."""
    descriptor = os.open(path, how, 0o664)
    try:
        done = 0
        while done < len(data):
            done += os.pwrite(descriptor, data[done:], done)
        os.ftruncate(descriptor, len(data))
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _make_later(new: Path, old: Path) -> None:
    """Watchers never notice a file whose time is not later than what they saw."""
    with suppress(FileNotFoundError):
        least = old.stat().st_mtime_ns + _LATER
        if new.stat().st_mtime_ns < least:
            os.utime(new, ns=(least, least))


def leftovers(files: RolloutFiles) -> list[Path]:
    """What writers that were killed left behind."""
    names = (".flags.json.*", ".reserve.*")
    return [path for name in names for path in files.folder.glob(name)]


def shown(document: Flags) -> dict[str, Any]:
    """The flags of a document, by key."""
    return dict(document.get("flags", {}))
