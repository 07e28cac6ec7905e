"""The scans of a JPEG: how many there are, and whether they are whole.

Pillow decodes a JPEG with a hole in its middle to a picture that is gray from there on; libjpeg
says so in a warning that Pillow does not pass on. simplejpeg does.
"""

from __future__ import annotations

import re

from imgassets.images.refusal import RefusedError

#: More scans make a progressive JPEG slow to decode and better in nothing; encoders write 10.
MAX_SCANS = 100

#: libjpeg's warnings (jerror.h) that mean lost pixels; others are about harmless padding.
_DAMAGE = re.compile(r"premature end|bad Huffman|instead of RST|(\d{3,}) extraneous bytes")


def check_count(data: bytes) -> None:
    """
    Raises:
        RefusedError: more scans than any encoder writes.
    """
    scans = data.count(b"\xff\xda")
    if scans > MAX_SCANS:
        raise RefusedError(f"a JPEG of {scans} scans; at most {MAX_SCANS}")


def check_whole(data: bytes, mode: str) -> None:
    """Read all scans of a JPEG whose size is known to be fit, at an eighth of its size.

    Args:
        data: the file.
        mode: Pillow's: CMYK can be read as nothing else.

    Raises:
        RefusedError: a part is lost.
    """
    import simplejpeg

    try:
        simplejpeg.decode_jpeg(
            data,
            "CMYK" if mode == "CMYK" else "GRAY",
            min_height=1,
            min_width=1,
            min_factor=8,
            fastdct=True,
        )
    except ValueError as error:
        if _DAMAGE.search(str(error)):
            raise RefusedError(f"damaged: {error}") from error
