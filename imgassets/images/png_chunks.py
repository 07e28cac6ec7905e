"""The chunks of a PNG, walked before a decoder sees them: decoders let different faults pass."""

from __future__ import annotations

import struct
from collections.abc import Iterator

from imgassets.images.refusal import RefusedError

SIGNATURE = b"\x89PNG\r\n\x1a\n"
#: cICP: BT.709 primaries, sRGB transfer, RGB, full range.
_SRGB = b"\x01\x0d\x00\x01"
#: cICP transfer functions of high dynamic range: PQ and HLG.
_HDR = (16, 18)


def check(data: bytes) -> None:
    """Refuse chunks that cannot be, and colors that nothing here can convert.

    Raises:
        RefusedError: a chunk lies beyond the file, there is no end chunk, or a cICP chunk says
            high dynamic range, or other primaries with no ICC profile to convert by.
    """
    found = {}
    for kind, content in _chunks(data):
        found[kind] = content
        if kind == b"IEND":
            break
    else:
        raise RefusedError("truncated: no end chunk")
    spoken = bytes(found.get(b"cICP", _SRGB))
    if len(spoken) == 4 and spoken[1] in _HDR:
        raise RefusedError("high dynamic range (cICP chunk); save it as sRGB")
    if spoken != _SRGB and b"iCCP" not in found:
        raise RefusedError("colors by a cICP chunk without an ICC profile; save it as sRGB")


def _chunks(data: bytes) -> Iterator[tuple[bytes, memoryview]]:
    position, view = len(SIGNATURE), memoryview(data)
    while position + 8 <= len(data):
        length, kind = struct.unpack_from(">I4s", data, position)
        end = position + 12 + length  # with length, type and checksum
        if end > len(data):
            name = kind.decode("ascii", "backslashreplace")
            raise RefusedError(f"truncated: chunk {name} declares {length} bytes, more than follow")
        yield kind, view[position + 8 : end - 4]
        position = end
