"""Colors by a BMP's long header, which Pillow does not read.

Source: BITMAPV4HEADER and BITMAPV5HEADER, Windows GDI.
"""

from __future__ import annotations

import struct

from imgassets.images.colors import check_chromaticities, check_gamma
from imgassets.images.errors import RefusedError

_FILE_HEADER = 14
_V4, _V5 = 108, 124
_CALIBRATED, _LINKED, _EMBEDDED = 0, 0x4C494E4B, 0x4D424544


def profile(data: bytes) -> bytes | None:
    """The embedded ICC profile, if there is one.

    Raises:
        RefusedError: other primaries or gammas than sRGB's, a profile in another file, or one that
            lies beyond this file.
    """
    header = data[_FILE_HEADER:]
    size = int.from_bytes(header[:4], "little")
    if size < _V4 or len(header) < size:
        return None
    (space,) = struct.unpack_from("<I", header, 56)
    if space == _LINKED:
        raise RefusedError("its color profile is in another file; save it as sRGB")
    if space == _EMBEDDED and size >= _V5:
        start, length = struct.unpack_from("<2I", header, 112)
        found = header[start : start + length]
        if len(found) < length or not found:
            raise RefusedError("the embedded color profile cannot be read")
        return found
    if space == _CALIBRATED:
        _check_calibration(header)
    return None


def _check_calibration(header: bytes) -> None:
    ends = [v / 2**30 for v in struct.unpack_from("<9i", header, 60)]
    if any(ends):  # many writers leave zeros
        sums = [sum(ends[i : i + 3]) or 1.0 for i in (0, 3, 6)]
        check_chromaticities(tuple(ends[3 * i + j] / sums[i] for i in range(3) for j in range(2)))
    for gamma in struct.unpack_from("<3I", header, 96):
        if gamma:
            check_gamma(65536 / gamma)
