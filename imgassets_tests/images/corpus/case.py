"""One bad input and what must become of it; how cases are written."""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

MARKUP = "<script>alert(1)</script><img src=x onerror=alert(2)>"
ALL = "PNG, JPEG, WEBP, TIFF, BMP, GIF"
FOREIGN = f"not an image that can be read; accepted: {ALL}"
BROKEN = "broken header: no decoder can open it"
DECODER = "cannot be decoded: ..."
PIXEL_BOMB = "declares more pixels than can ever be taken in"
LIMIT = "more than the limit of 64000000"


def not_taken(name: str) -> str:
    """The refusal of a known format, with its article."""
    return f"{name} image, which is not taken; save it as PNG; accepted: {ALL}"


@dataclass(frozen=True)
class Case:
    """One input.

    Attributes:
        kind: class of inputs it belongs to.
        name: what is wrong with it.
        make: puts it into a folder and returns the path as it is handed in.
        reason: of the refusal; empty when it is accepted.
        done: what is done to it when it is accepted.
        output: name of its output when it is accepted.
    """

    kind: str
    name: str
    make: Callable[[Path], str]
    reason: str = ""
    done: tuple[str, ...] = ()
    output: str = "input.png"


def placed(data: bytes | Callable[[], bytes], name: str = "input.png") -> Callable[[Path], str]:
    def make(folder: Path) -> str:
        path = os.path.join(folder, name)  # noqa: PTH118 - hostile names are not always paths
        Path(path).write_bytes(data if isinstance(data, bytes) else data())
        return path

    return make


def refused(kind: str, name: str, data: bytes | Callable[[], bytes], reason: str) -> Case:
    return Case(kind, name, placed(data), reason)


def taken(
    kind: str, name: str, data: bytes | Callable[[], bytes], *done: str, output: str = "input.png"
) -> Case:
    return Case(kind, name, placed(data), "", done, output)
