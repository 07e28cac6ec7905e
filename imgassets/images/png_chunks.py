"""The chunks of a PNG, looked at before a decoder sees them: decoders let many faults pass.

Pillow fills rows that are missing with black, does not look at the checksums of pixels, makes a
palette up where there is none, and takes no notice of a missing end or of HDR colors.
"""

from __future__ import annotations

import struct
import zlib
from collections.abc import Iterator

from imgassets.images.refusal import RefusedError, readable

SIGNATURE = b"\x89PNG\r\n\x1a\n"
#: Color types of IHDR, with their channels.
_CHANNELS = {0: 1, 2: 3, 3: 1, 4: 2, 6: 4}
_PALETTE = 3
#: cICP: BT.709 primaries, sRGB transfer, RGB, full range.
_SRGB = b"\x01\x0d\x00\x01"
#: cICP transfer functions of high dynamic range: PQ and HLG.
_HDR = (16, 18)
#: Adam7: first column and row of each pass, and the steps to the next.
_PASSES = ((0, 0, 8, 8), (4, 0, 8, 8), (0, 4, 4, 8), (2, 0, 4, 4), (0, 2, 2, 4), (1, 0, 2, 2),
           (0, 1, 1, 2))  # fmt: skip
_PIECE = 1 << 20


def check(data: bytes) -> None:
    """Refuse chunks that cannot be, and colors that nothing here can convert.

    Raises:
        RefusedError: a chunk lies beyond the file or is damaged, there is no end chunk, a palette
            is missing, or a cICP chunk says high dynamic range, or other primaries with no ICC
            profile to convert by.
    """
    found = dict(_chunks(data))
    if b"IEND" not in found:
        raise RefusedError("truncated: no end chunk")
    head = bytes(found.get(b"IHDR", b""))
    if head[9:10] == bytes([_PALETTE]) and b"PLTE" not in found:
        raise RefusedError("a palette image without a palette")
    spoken = bytes(found.get(b"cICP", _SRGB))
    if len(spoken) == 4 and spoken[1] in _HDR:
        raise RefusedError("high dynamic range (cICP chunk); save it as sRGB")
    if spoken != _SRGB and b"iCCP" not in found:
        raise RefusedError("colors by a cICP chunk without an ICC profile; save it as sRGB")


def check_pixels(data: bytes) -> None:
    """Refuse pixel data that ends before the last row, in a PNG whose size is known to be fit.

    Raises:
        RefusedError: rows are missing, or the data does not inflate.
    """
    chunks = list(_chunks(data))
    wanted = _pixel_bytes(bytes(dict(chunks)[b"IHDR"]))
    stream = zlib.decompressobj()
    try:
        for kind, content in chunks:
            piece: bytes | memoryview = content if kind == b"IDAT" else b""
            while piece and wanted > 0:
                wanted -= len(stream.decompress(piece, min(wanted, _PIECE)))
                piece = stream.unconsumed_tail
    except zlib.error as error:
        raise RefusedError("pixels that do not inflate") from error
    if wanted > 0:
        raise RefusedError("truncated: rows of pixels are missing")


def _pixel_bytes(head: bytes) -> int:
    width, height, depth, color, _, _, interlaced = struct.unpack(">2I5B", head)
    bits = depth * _CHANNELS[color]
    passes = _PASSES if interlaced else ((0, 0, 1, 1),)
    sizes = [(-((x - width) // dx), -((y - height) // dy)) for x, y, dx, dy in passes]
    return sum(h * (1 + (w * bits + 7) // 8) for w, h in sizes if w > 0 and h > 0)


def _chunks(data: bytes) -> Iterator[tuple[bytes, memoryview]]:
    position, view = len(SIGNATURE), memoryview(data)
    while position + 8 <= len(data):
        length, kind = struct.unpack_from(">I4s", data, position)
        name, end = readable(kind.decode("latin-1")), position + 12 + length
        if end > len(data):
            raise RefusedError(f"truncated: chunk {name} declares {length} bytes, more than follow")
        # Capital letters are chunks that decoders must understand.
        if kind[:1].isupper() and zlib.crc32(view[position + 4 : end - 4]) != int.from_bytes(
            view[end - 4 : end]
        ):
            raise RefusedError(f"damaged: chunk {name} has another checksum")
        yield kind, view[position + 8 : end - 4]
        if kind == b"IEND":
            return
        position = end
