"""JPEGs of every kind, damaged in known ways, and whether that changes a pixel.

What decides is the picture: the damaged file is decoded without any check and compared with the
whole one. Everything is drawn from a seeded generator.
"""

from __future__ import annotations

import io
import re
from collections.abc import Callable
from random import Random

import numpy as np
import skimage.data
from PIL import Image

from imgassets_tests.images.files import encoded

Change = Callable[[bytes, Random], bytes]
_END = b"\xff\xd9"
_SCAN = re.compile(rb"\xff\xda.*?(?=\xff[\x01-\xcf\xd8-\xfe])", re.DOTALL)
_RESTART = re.compile(rb"\xff[\xd0-\xd7]")
_MARKER = re.compile(rb"\xff[\xc0-\xcf\xda-\xef\xfe]")


def kinds(side: int = 160) -> dict[str, bytes]:
    """Whole JPEGs by what they are: a photo, coded in every usual way, and a drawing."""
    photo = Image.fromarray(skimage.data.astronaut()).crop((130, 20, 390, 280)).resize((side, side))
    rows, columns = np.mgrid[:side, :side]
    drawing = Image.fromarray(
        np.stack([rows // 20 * 20, columns // 30 * 30, (rows + columns) // 40 * 25], -1)
        .clip(0, 255).astype(np.uint8)
    )  # fmt: skip
    gray, inks = photo.convert("L"), photo.convert("CMYK")
    return {
        "4:2:0": encoded("JPEG", photo),
        "4:4:4": encoded("JPEG", photo, subsampling=0, quality=92),
        "4:2:2": encoded("JPEG", photo, subsampling=1, quality=60),
        "gray": encoded("JPEG", gray),
        "own tables": encoded("JPEG", photo, optimize=True),
        "a restart marker each row": encoded("JPEG", photo, restart_marker_rows=1),
        "a restart marker each three blocks": encoded("JPEG", photo, restart_marker_blocks=3),
        "progressive": encoded("JPEG", photo, progressive=True),
        "progressive, gray": encoded("JPEG", gray, progressive=True),
        "progressive, restart markers": encoded(
            "JPEG", photo, progressive=True, restart_marker_rows=1
        ),
        "CMYK": encoded("JPEG", inks),
        "CMYK, progressive": encoded("JPEG", inks, progressive=True),
        "a drawing": encoded("JPEG", drawing, quality=90),
    }


def pixels(data: bytes) -> bytes | None:
    """What a decoder that checks little makes of it; None where it makes nothing."""
    try:
        # An end beside the one it has does no harm, and saves a file that lost its own.
        return Image.open(io.BytesIO(data + _END), formats=["JPEG"]).tobytes()
    except (OSError, ValueError, SyntaxError):
        return None


# ---- changes that mostly change pixels -----------------------------------------------------


def places(data: bytes) -> list[int]:
    """Bytes of entropy-coded data that are part of no marker and no stuffing."""
    found = []
    for scan in _SCAN.finditer(data):
        start = scan.start() + 2 + int.from_bytes(data[scan.start() + 2 : scan.start() + 4], "big")
        found += [
            at for at in range(start, scan.end()) if data[at] != 0xFF and data[at - 1] != 0xFF
        ]
    return found


def changed_bytes(count: int) -> Change:
    def change(data: bytes, random: Random) -> bytes:
        damaged = bytearray(data)
        for at in random.sample(places(data), count):
            damaged[at] = (damaged[at] + random.randrange(1, 255)) % 255
        return bytes(damaged)

    return change


def _stretch(data: bytes, random: Random, put: Callable[[int], bytes], size: int = 150) -> bytes:
    at = random.choice(places(data))
    size = min(size, len(data) - 2 - at)
    return data[:at] + put(size) + data[at + size :]


def _cut(data: bytes, random: Random) -> bytes:
    return data[: random.choice(places(data))]


def _interval_lost(data: bytes, random: Random) -> bytes:
    marks = [m.start() for m in _RESTART.finditer(data)]
    if len(marks) < 2:
        return _cut(data, random)
    at = random.randrange(len(marks) - 1)
    return data[: marks[at]] + data[marks[at + 1] :]


def _scan_lost(data: bytes, random: Random) -> bytes:
    scans = list(_SCAN.finditer(data))
    gone = random.choice(scans)
    return data[: gone.start()] + data[gone.end() :]


def _noise(random: Random) -> Callable[[int], bytes]:
    return lambda size: bytes(random.randrange(255) for _ in range(size))


LOSSES: dict[str, Change] = {
    "1 byte changed": changed_bytes(1),
    "6 bytes changed": changed_bytes(6),
    "20 bytes changed": changed_bytes(20),
    "150 bytes in a row changed": lambda d, r: _stretch(d, r, _noise(r)),
    "150 bytes lost": lambda d, r: _stretch(d, r, lambda size: b""),
    "150 bytes become zeros": lambda d, r: _stretch(d, r, bytes),
    "one byte lost": lambda d, r: _stretch(d, r, lambda size: b"", 1),
    "one byte put in": lambda d, r: _stretch(d, r, lambda size: b"\x5a", 0),
    "cut anywhere": _cut,
    "cut anywhere, the end in its place": lambda d, r: _cut(d, r) + _END,
    "an error page in its place": lambda d, r: _cut(d, r) + b"502 Bad Gateway" + _END,
    "the rest is zeros": lambda d, r: (c := _cut(d, r)) + bytes(len(d) - len(c)),
    "a restart interval lost": _interval_lost,
    "a scan lost": _scan_lost,
}


# ---- changes that change no pixel ----------------------------------------------------------


def _before_end(data: bytes, what: bytes) -> bytes:
    return data[: data.rindex(_END)] + what + _END


def _between_markers(data: bytes, what: bytes) -> bytes:
    """Behind the first segment, where decoders look for a marker."""
    at = 4 + int.from_bytes(data[4:6], "big")
    return data[:at] + what + data[at:]


def _before_restarts(data: bytes, what: bytes) -> bytes:
    return _RESTART.sub(lambda m: what + m[0], data)


def _size(random: Random) -> int:
    return random.choice((1, 2, 3, 8, 60, 150, 400))


def _garbage(random: Random) -> bytes:
    return _noise(random)(_size(random))


def _odd_scan_header(data: bytes, random: Random) -> bytes:
    at = data.index(b"\xff\xda")
    end = at + 2 + int.from_bytes(data[at + 2 : at + 4], "big")
    return data[: end - 3] + b"\x00\x00\x00" + data[end:] if b"\xff\xc0" in data[:at] else data


HARMLESS: dict[str, Change] = {
    "zeros before the end": lambda d, r: _before_end(d, bytes(_size(r))),
    "stray bytes before the end": lambda d, r: _before_end(d, _garbage(r)),
    "stray bytes between markers": lambda d, r: _between_markers(d, _garbage(r)),
    "zeros before restart markers": lambda d, r: _before_restarts(d, bytes(r.choice((1, 2, 4)))),
    "fill bytes before restart markers": lambda d, r: _before_restarts(d, b"\xff\xff"),
    "a film behind the end": lambda d, r: d + b"\0\0\0\x18ftypmp42" + b"\xff\xda\xff\xd9" * 200,
    "another JPEG behind the end": lambda d, r: d + d,
    "zeros behind the end": lambda d, r: d + bytes(4096),
    "the end marker lost": lambda d, r: d[:-2],
    "an unknown JFIF version": lambda d, r: d.replace(b"JFIF\0\x01", b"JFIF\0\x07"),
    "a comment of 60 KB": lambda d, r: _between_markers(d, b"\xff\xfe\xea\x60" + bytes(59998)),
    "odd numbers in a scan's header": _odd_scan_header,
}
