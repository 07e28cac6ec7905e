"""The chunks of a PNG, looked at before a decoder sees them: decoders let many faults pass.

Pillow fills rows that are missing with black, does not look at the checksums of pixels, makes a
palette up where there is none, and takes no notice of a missing end or of HDR colors. Text, which
is thrown away, makes it refuse a whole file.
"""

from __future__ import annotations

import struct
import zlib
from collections.abc import Iterator
from dataclasses import dataclass

from PIL.ImageFile import ImageFile

from imgassets.images.errors import RefusedError, readable

SIGNATURE = b"\x89PNG\r\n\x1a\n"
#: Color types of IHDR, with their channels.
_CHANNELS = {0: 1, 2: 3, 3: 1, 4: 2, 6: 4}
_GRAY, _RGB, _PALETTE = 0, 2, 3
#: cICP: BT.709 primaries, sRGB transfer, RGB, full range.
_SRGB = b"\x01\x0d\x00\x01"
#: cICP transfer functions of high dynamic range: PQ and HLG.
_HDR = (16, 18)
#: Adam7: first column and row of each pass, and the steps to the next.
_PASSES = ((0, 0, 8, 8), (4, 0, 8, 8), (0, 4, 4, 8), (2, 0, 4, 4), (0, 2, 2, 4), (1, 0, 2, 2),
           (0, 1, 1, 2))  # fmt: skip
_PIECE = 1 << 20
#: Ancillary chunks that decide what is seen. Others are thrown away unread.
_SEEN = frozenset(
    {b"tRNS", b"cHRM", b"gAMA", b"sRGB", b"cICP", b"iCCP", b"eXIf", b"acTL", b"fcTL", b"fdAT"}
)
#: Text that may say which way is up; Pillow refuses files with more of it than this.
_ORIENTING = (b"XML:com.adobe.xmp", b"Raw profile type exif")
_MOST_TEXT = 1 << 20


@dataclass(frozen=True)
class Png:
    """What of a PNG decides what is seen.

    Attributes:
        chunks: (kind, content), in order.
        damaged: kinds of the chunks thrown away whose checksum is another.
    """

    chunks: tuple[tuple[bytes, memoryview], ...]
    damaged: tuple[str, ...]

    def content(self, kind: bytes) -> bytes | None:
        """Of the last chunk of a kind."""
        return next((bytes(c) for k, c in reversed(self.chunks) if k == kind), None)

    def encoded(self) -> bytes:
        """The file without what is thrown away, and without the profile (see `profile`)."""
        parts: list[bytes | memoryview] = [SIGNATURE]
        for kind, content in self.chunks:
            if kind != b"iCCP":
                checksum = zlib.crc32(content, zlib.crc32(kind))
                parts += [struct.pack(">I", len(content)), kind, content]
                parts.append(struct.pack(">I", checksum))
        return b"".join(parts)

    def profile(self, most: int) -> bytes | None:
        """The embedded ICC profile, of at most so many bytes.

        Raises:
            RefusedError: it is larger, or does not inflate.
        """
        content = self.content(b"iCCP")
        if content is None:
            return None
        packed = content.partition(b"\0")[2][1:]
        profile = _inflated(packed, most)
        if profile is None:
            raise RefusedError(
                f"the embedded color profile cannot be read, or is over {most} bytes"
            )
        return profile


def read(data: bytes) -> Png:
    """
    Raises:
        RefusedError: a chunk lies beyond the file, one that decides what is seen is damaged, there
            is no end chunk, a palette is missing, or a cICP chunk says high dynamic range, or other
            primaries with no ICC profile to convert by.
    """
    chunks: list[tuple[bytes, memoryview]] = []
    damaged: list[str] = []
    for kind, content, whole in _chunks(data):
        name = readable(kind.decode("latin-1"))
        # Capital letters are chunks that decoders must understand.
        needed = kind[:1].isupper() or kind in _SEEN
        if needed and not whole:
            raise RefusedError(f"damaged: chunk {name} has another checksum")
        if not whole:
            damaged.append(name)
        elif needed or _orients(kind, content):
            chunks.append((kind, content))
    png = Png(tuple(chunks), tuple(dict.fromkeys(damaged)))
    _check(png)
    return png


def _check(png: Png) -> None:
    found = {kind for kind, _ in png.chunks}
    if b"IEND" not in found:
        raise RefusedError("truncated: no end chunk")
    if b"CgBI" in found:
        raise RefusedError("a PNG in Apple's own form (CgBI); save it as PNG")
    head = png.content(b"IHDR") or b""
    if head[9:10] == bytes([_PALETTE]) and b"PLTE" not in found:
        raise RefusedError("a palette image without a palette")
    spoken = png.content(b"cICP") or _SRGB
    if len(spoken) == 4 and spoken[1] in _HDR:
        raise RefusedError("high dynamic range (cICP chunk); save it as sRGB")
    if spoken != _SRGB and b"iCCP" not in found:
        raise RefusedError("colors by a cICP chunk without an ICC profile; save it as sRGB")


def check_pixels(png: Png) -> None:
    """Refuse pixel data that ends before the last row, in a PNG whose size is known to be fit.

    Raises:
        RefusedError: rows are missing, or the data does not inflate.
    """
    wanted = _pixel_bytes(png.content(b"IHDR") or b"")
    stream = zlib.decompressobj()
    try:
        for kind, content in png.chunks:
            piece: bytes | memoryview = content if kind == b"IDAT" else b""
            while piece and wanted > 0:
                wanted -= len(stream.decompress(piece, min(wanted, _PIECE)))
                piece = stream.unconsumed_tail
    except zlib.error as error:
        raise RefusedError("pixels that do not inflate") from error
    if wanted > 0:
        raise RefusedError("truncated: rows of pixels are missing")


def scale_transparency(image: ImageFile, png: Png) -> None:
    """Make the transparent color of a gray or RGB image comparable with its 8-bit pixels.

    The chunk has the file's own values, of 1 to 16 bits, in two bytes each; Pillow scales the
    pixels of fewer than 8 bits and leaves the color as it is. 16 bits are compared as they are.
    """
    content, head = png.content(b"tRNS"), png.content(b"IHDR") or b""
    depth, color = head[8], head[9]
    if content is None or depth == 16 or "transparency" not in image.info:
        return
    most = (1 << depth) - 1
    if color in (_GRAY, _RGB):
        values = [(v & most) * 255 // most for (v,) in struct.iter_unpack(">H", content)]
        image.info["transparency"] = values[0] if color == _GRAY else tuple(values)


def _pixel_bytes(head: bytes) -> int:
    width, height, depth, color, _, _, interlaced = struct.unpack(">2I5B", head)
    bits = depth * _CHANNELS[color]
    passes = _PASSES if interlaced else ((0, 0, 1, 1),)
    sizes = [(-((x - width) // dx), -((y - height) // dy)) for x, y, dx, dy in passes]
    return sum(h * (1 + (w * bits + 7) // 8) for w, h in sizes if w > 0 and h > 0)


def _orients(kind: bytes, content: memoryview) -> bool:
    """Whether a chunk is text that may say which way is up, and no more than Pillow takes."""
    if kind not in (b"tEXt", b"zTXt", b"iTXt"):
        return False
    if not bytes(content[:32]).startswith(tuple(name + b"\0" for name in _ORIENTING)):
        return False
    if len(content) > _MOST_TEXT:
        return False
    rest = bytes(content).partition(b"\0")[2]
    if kind == b"zTXt":
        return _inflated(rest[1:], _MOST_TEXT) is not None
    if kind == b"iTXt" and rest[:1] != b"\0":
        return _inflated(rest[2:].split(b"\0", 2)[-1], _MOST_TEXT) is not None
    return True


def _inflated(packed: bytes, most: int) -> bytes | None:
    """What a zlib stream holds; None where it is broken, or holds more bytes than `most`."""
    stream = zlib.decompressobj()
    try:
        found = stream.decompress(packed, most + 1)
    except zlib.error:
        return None
    return found if len(found) <= most else None


def _chunks(data: bytes) -> Iterator[tuple[bytes, memoryview, bool]]:
    """(kind, content, whether its checksum is right) up to the end chunk."""
    position, view = len(SIGNATURE), memoryview(data)
    while position + 8 <= len(data):
        length, kind = struct.unpack_from(">I4s", data, position)
        name, end = readable(kind.decode("latin-1")), position + 12 + length
        if end > len(data):
            raise RefusedError(f"truncated: chunk {name} declares {length} bytes, more than follow")
        whole = zlib.crc32(view[position + 4 : end - 4]) == int.from_bytes(view[end - 4 : end])
        yield kind, view[position + 8 : end - 4], whole
        if kind == b"IEND":
            return
        position = end
