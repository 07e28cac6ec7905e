"""Paths that are no ordinary file."""

from __future__ import annotations

import os
import socket
from collections.abc import Callable
from pathlib import Path

from imgassets_tests.images.corpus.case import Case, placed
from imgassets_tests.images.files import encoded

_LINK = "a symbolic link; give the file itself"
_DEVICE = "a device, pipe or socket, not a file"


def _link(target: str) -> Callable[[Path], str]:
    def make(folder: Path) -> str:
        (folder / "real.png").write_bytes(encoded("PNG"))
        (folder / "link.png").symlink_to(target)
        return str(folder / "link.png")

    return make


def _folder(folder: Path) -> str:
    (folder / "folder.png").mkdir()
    return str(folder / "folder.png")


def _pipe(folder: Path) -> str:
    os.mkfifo(folder / "pipe.png")
    return str(folder / "pipe.png")


def _socket(folder: Path) -> str:
    # Bound by a short relative name: a socket's path may have no more than 107 bytes.
    here = Path.cwd()
    with socket.socket(socket.AF_UNIX) as made:
        os.chdir(folder)
        try:
            made.bind("s.png")
        finally:
            os.chdir(here)
    return str(folder / "s.png")


def _sparse(folder: Path) -> str:
    with (folder / "large.png").open("wb") as file:
        file.truncate(64 * 2**20 + 1)
    return str(folder / "large.png")


NO_FILES = [
    Case("no file", "missing", lambda folder: str(folder / "nothing.png"), "no such file"),
    Case("no file", "an empty path", lambda _: "", "no such file"),
    Case("no file", "a folder", _folder, "a folder, not a file"),
    Case("no file", "zero bytes", placed(b""), "empty, zero bytes"),
    Case("no file", "an endless device", lambda _: "/dev/zero", _DEVICE),
    Case("no file", "a device that gives nothing", lambda _: "/dev/null", _DEVICE),
    Case("no file", "a pipe nobody writes to", _pipe, _DEVICE),
    Case("no file", "a socket", _socket, _DEVICE),
    Case("no file", "a link to a good image", _link("real.png"), _LINK),
    Case("no file", "a link to itself", _link("link.png"), _LINK),
    Case("no file", "a link to nothing", _link("nowhere"), _LINK),
    Case("no file", "a link to a secret", _link("/etc/passwd"), _LINK),
    Case("no file", "a link to a device", _link("/dev/zero"), _LINK),
    Case("no file", "a file of the kernel without a size", lambda _: "/proc/self/status",
         "empty, zero bytes"),
    Case("no file", "a path through a file", lambda folder: placed(b"x")(folder) + "/a.png",
         "cannot be read: Not a directory"),
    Case("no file", "a NUL in the path", lambda folder: f"{folder}/a\0.png",
         "cannot be read: ..."),
    Case("no file", "a name of 300 letters", lambda folder: f"{folder}/{'a' * 300}.png",
         "cannot be read: File name too long"),
    Case("no file", "a file over the limit", _sparse, "larger than the limit of 67108864 bytes"),
]  # fmt: skip
