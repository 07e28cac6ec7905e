"""The markers of a JPEG: where its picture ends, how many scans it has, and whether one is missing.

Phones put more behind the picture: a second one, a film, a gain map. Nothing of that is looked at.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property

from imgassets.images.errors import RefusedError

#: More scans make a progressive JPEG slow to decode and better in nothing; encoders write 10.
MAX_SCANS = 100

END = b"\xff\xd9"
_END, _SCAN, TABLE = 0xD9, 0xDA, 0xDB
_NO_CONTENT = frozenset({0x01, *range(0xD0, 0xD9)})
_FRAMES = frozenset(range(0xC0, 0xD0)) - {0xC4, 0xC8, 0xCC}
_SEQUENTIAL, _PROGRESSIVE = (0xC0, 0xC1), (0xC2, 0xCA)
#: What decides the values of pixels: tables, frame, restart interval, scans.
_NEEDED = _FRAMES | {0xC4, 0xCC, TABLE, 0xDD, _SCAN}
_MARKER = re.compile(rb"\xff([^\x00\xff])", re.DOTALL)
_AFTER_SCAN = re.compile(rb"\xff[^\x00\xff\xd0-\xd7]", re.DOTALL)
#: Any number of these may stand before a marker.
_FILL = re.compile(rb"\xff(?=\xff|\Z)")


@dataclass(frozen=True)
class Segment:
    """A marker with its content (without its length); a scan also has entropy-coded data."""

    marker: int
    content: bytes
    data: bytes = b""

    def encoded(self) -> bytes:
        """The segment as bytes: marker, length, content, and what follows it."""
        size = (len(self.content) + 2).to_bytes(2, "big")
        return bytes((0xFF, self.marker)) + size + self.content + self.data


@dataclass(frozen=True)
class Jpeg:
    """What decides the pixels of a JPEG's first picture.

    Attributes:
        segments: in order, those that a decoder needs for the values of pixels.
        ended: whether the end marker is there.
    """

    segments: tuple[Segment, ...]
    ended: bool

    @cached_property
    def scans(self) -> tuple[Segment, ...]:
        """The segments that begin a scan."""
        return tuple(s for s in self.segments if s.marker == _SCAN)

    @cached_property
    def frame(self) -> Segment | None:
        """The segment that describes the picture; None where there is none."""
        return next((s for s in self.segments if s.marker in _FRAMES), None)

    @property
    def components(self) -> bytes:
        """Names of the components, one byte each."""
        return self.frame.content[6::3] if self.frame else b""

    @property
    def progressive(self) -> bool:
        """Whether the picture comes in several passes."""
        return self.frame is not None and self.frame.marker in _PROGRESSIVE

    def steps(self) -> list[int]:
        """Quantization steps of the mean of a block, by component; empty where they are unclear."""
        found: dict[int, int] = {}
        for segment in self.segments:
            for kind, step in quantization(segment.content) if segment.marker == TABLE else ():
                if found.setdefault(kind & 15, step) != step:
                    return []
        tables = self.frame.content[8::3] if self.frame else b""
        return [found[t] for t in tables] if set(tables) <= set(found) else []

    def encoded(self) -> bytes:
        """The same picture with nothing beside it that a decoder could warn of."""
        return b"\xff\xd8" + b"".join(s.encoded() for s in self.segments) + END


def read(data: bytes) -> Jpeg:
    """Walk over the markers up to the end of the first picture; stray bytes between are skipped.

    Raises:
        RefusedError: more scans than any encoder writes.
    """
    segments: list[Segment] = []
    position, scans, frame = 2, 0, 0
    while found := _MARKER.search(data, position):
        marker, position = found[1][0], found.end()
        if marker == _END:
            return Jpeg(tuple(segments), ended=True)
        if marker in _NO_CONTENT:
            continue
        size = int.from_bytes(data[position : position + 2], "big")
        content = data[position + 2 : position + size]
        position += max(size, 2)
        if marker in _FRAMES:
            frame = marker
        if marker != _SCAN:
            segments += [Segment(marker, content)] if marker in _NEEDED else []
            continue
        scans += 1
        if scans > MAX_SCANS:
            raise RefusedError(f"a JPEG of more than {MAX_SCANS} scans")
        stop = _AFTER_SCAN.search(data, position)
        end = stop.start() if stop else len(data)
        if frame in _SEQUENTIAL:  # these three say nothing there, but are warned of
            content = content[:-3] + b"\x00\x3f\x00"
        segments.append(Segment(_SCAN, content, _FILL.sub(b"", data[position:end])))
        position = end
    return Jpeg(tuple(segments), ended=False)


def quantization(content: bytes) -> Iterator[tuple[int, int]]:
    """(precision and number, first step) of each whole table of a quantization segment."""
    position = 0
    while position < len(content):
        kind = content[position]
        size = 128 if kind >> 4 else 64
        step = content[position + 1 : position + (3 if kind >> 4 else 2)]
        position += 1 + size
        if position <= len(content):
            yield kind, int.from_bytes(step, "big")


def check_complete(jpeg: Jpeg) -> None:
    """Decoders take a missing scan for zeros, and do not tell.

    Raises:
        RefusedError: a component, or bits of its coefficients, are in no scan.
    """
    if jpeg.frame is None or not jpeg.scans:
        raise RefusedError("truncated: no pixels")
    progressive = jpeg.progressive
    lacking = {(name, k): -1 for name in jpeg.components for k in range(64 if progressive else 1)}
    for scan in jpeg.scans:
        if len(scan.content) < 4:
            raise RefusedError("damaged: a scan without its header")
        count = scan.content[0]
        first, last, precision = scan.content[-3:] if progressive else (0, 0, 0)
        for name in scan.content[1 : 1 + 2 * count : 2]:
            for k in range(first, last + 1):
                lacking[name, k] = precision & 15
    if any(lacking.values()):
        raise RefusedError("truncated: scans are missing")
