"""Image files made to be wrong in one exact way."""

from __future__ import annotations

import io
import struct
import zipfile
import zlib
from typing import Any

import numpy as np
from PIL import Image

#: Noise: every pixel differs, so nothing can go wrong unseen.
PICTURE = Image.fromarray(
    np.random.default_rng(6).integers(0, 256, (24, 32, 3), dtype=np.uint8)
)  # fmt: skip
PNG_HEAD = b"\x89PNG\r\n\x1a\n"


def encoded(form: str, image: Image.Image = PICTURE, **options: Any) -> bytes:
    """An image as a file."""
    buffer = io.BytesIO()
    image.save(buffer, form, **options)
    return buffer.getvalue()


def chunk(kind: bytes, data: bytes = b"", declared: int | None = None, harm: int = 0) -> bytes:
    """A PNG chunk; `declared` lies about its length, `harm` about its checksum."""
    length = len(data) if declared is None else declared
    return struct.pack(">I", length) + kind + data + struct.pack(
        ">I", zlib.crc32(kind + data) ^ harm
    )  # fmt: skip


def header(width: int, height: int, depth: int = 8, color: int = 2, harm: int = 0) -> bytes:
    """A PNG's IHDR."""
    data = struct.pack(">2I5B", width, height, depth, color, 0, 0, 0)
    return chunk(b"IHDR", data, harm=harm)


def rows(height: int, size: int) -> bytes:
    """PNG scan lines of `size` bytes, without filter."""
    return zlib.compress((b"\0" + bytes(range(size))) * height)


def png(*chunks: bytes) -> bytes:
    """A PNG of these chunks and an end."""
    return PNG_HEAD + b"".join(chunks) + chunk(b"IEND")


def small_png(*extra: bytes) -> bytes:
    """A whole 4 x 4 RGB PNG, with chunks between header and pixels."""
    return png(header(4, 4), *extra, chunk(b"IDAT", rows(4, 12)))


def deep_png(values: np.ndarray) -> bytes:
    """uint16 (H, W, C), C of 1 to 4, as a 16-bit PNG, which Pillow cannot write."""
    height, width, channels = values.shape
    lines = b"".join(b"\0" + row.astype(">u2").tobytes() for row in values)
    color = {1: 0, 2: 4, 3: 2, 4: 6}[channels]
    return png(header(width, height, 16, color), chunk(b"IDAT", zlib.compress(lines)))


def jpeg_of_size(width: int, height: int) -> bytes:
    """A small JPEG whose header claims another size."""
    data = bytearray(encoded("JPEG"))
    at = data.index(b"\xff\xc0") + 5
    data[at : at + 4] = struct.pack(">2H", height, width)
    return bytes(data)


def jpeg_of_scans(count: int) -> bytes:
    """A progressive JPEG with its last scan said again and again."""
    data = encoded("JPEG", progressive=True)
    last = data.rindex(b"\xff\xda")
    return data[:last] + data[last:-2] * count + data[-2:]


def gif_of_size(width: int, height: int) -> bytes:
    """A GIF whose screen and only frame claim a size."""
    screen = struct.pack("<2H3B", width, height, 0x80, 0, 0) + bytes(6)
    frame = b"," + struct.pack("<4HB", 0, 0, width, height, 0)
    return b"GIF89a" + screen + frame + b"\x02\x02\x4c\x01\x00;"


def bmp_of_size(width: int, height: int) -> bytes:
    """A BMP whose header claims a size."""
    data = bytearray(encoded("BMP"))
    data[18:26] = struct.pack("<2i", width, height)
    return bytes(data)


def webp_of_size(width: int, height: int) -> bytes:
    """A lossless WEBP whose header claims another size: 14 bits each, less one."""
    data = bytearray(encoded("WEBP", lossless=True))
    at = data.index(b"VP8L") + 9
    data[at : at + 4] = struct.pack("<I", (width - 1) | (height - 1) << 14)
    return bytes(data)


def tiff(tags: dict[int, tuple[int, int, int]], following: int = 0) -> bytes:
    """A little-endian TIFF: tags by number as (type, count, value), and the next directory."""
    entries = b"".join(struct.pack("<2H2I", tag, *rest) for tag, rest in sorted(tags.items()))
    head = b"II*\0" + struct.pack("<IH", 8, len(tags))
    return head + entries + struct.pack("<I", following) + bytes(64)


def exif(orientation: int, description: str = "") -> bytes:
    """EXIF with an orientation and a description."""
    made = Image.Exif()
    made[0x0112] = orientation
    if description:
        made[0x010E] = description
    return made.tobytes()


def zipped() -> bytes:
    """An archive of one image."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        archive.writestr("a.png", encoded("PNG"))
    return buffer.getvalue()
