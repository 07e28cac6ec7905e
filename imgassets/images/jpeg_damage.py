"""Whether pixels of a JPEG are lost.

Pillow decodes a JPEG with a hole in its middle to a picture that is gray from there on; libjpeg
says so in a warning that Pillow does not pass on. simplejpeg passes on the first one, so everything
that libjpeg warns of without need is taken away before it looks. Lepton, which must be able to
restore every bit, finds codes that libjpeg lets pass: too many values in a block, padding that no
encoder writes. A changed byte that still is right code is found by neither: a JPEG has no checksum.
"""

from __future__ import annotations

import re
from dataclasses import replace

import numpy as np

from imgassets.images.jpeg_scans import TABLE, Jpeg, Segment, check_complete, quantization
from imgassets.images.refusal import RefusedError, readable

try:
    from lepton_jpeg_python import compress_bytes
except ImportError:  # no wheel for this machine; libjpeg alone finds less
    compress_bytes = None

#: libjpeg's warnings (jerror.h) of lost pixels.
_LIBJPEG = re.compile(r"Corrupt JPEG data|Premature end|Inconsistent progression")
_EXTRANEOUS = re.compile(r"(\d+) extraneous bytes before marker 0x([0-9a-f]{2})")
#: Lepton's errors that are about codes; its others are about kinds of JPEG it does not know.
_LEPTON = re.compile(
    r"(?:InvalidPadding|InvalidResetCode|illegal Huffman|0run is longer|BlockDC mismatch"
    r"|run is too long|skip_eobrun|decoding error|non-zero run in DC).*"
)
#: Encoders that avoid ringing beside white go a little beyond it.
_OVERSHOOT, _ROUNDED = 1.25, 2.5
_SMALLEST_STEP = 3
#: From RGB to YCbCr (JFIF), both around 0.
_TO_YCC = np.array(
    [[0.299, -0.168736, 0.5], [0.587, -0.331264, -0.418688], [0.114, 0.5, -0.081312]], np.float32
)
#: libjpeg counts some bytes too few, those it has read ahead.
_ROUNDS = 3
_RESTART = re.compile(rb"(\xff[\xd0-\xd7])", re.DOTALL)


def check_whole(jpeg: Jpeg) -> None:
    """Read all scans of a JPEG whose size is known to be fit, at an eighth of its size.

    Raises:
        RefusedError: a part is lost.
    """
    check_complete(jpeg)
    said = _said_by_libjpeg(jpeg)
    if said and (plain := _without_extraneous(jpeg, said)):
        jpeg, said = plain, ""
    said = said or _said_by_lepton(jpeg)
    if said:
        raise RefusedError(f"damaged: {said}")


def _without_extraneous(jpeg: Jpeg, said: str) -> Jpeg | None:
    """The picture without bytes that it does not need; None where that is not all that is wrong.

    Cameras put zeros before markers, and some leave what was in their memory before the end.
    """
    if _EXTRANEOUS.search(said):
        bare = tuple(replace(s, data=_without_zeros(s.data)) for s in jpeg.segments)
        jpeg = replace(jpeg, segments=bare)
        said = _said_by_libjpeg(jpeg)
    # Bytes that are no filler may be pixels that were not reached: Lepton must see a clean end.
    for _ in range(_ROUNDS if _judged_by_lepton(jpeg) else 0):
        found = _EXTRANEOUS.search(said)
        if found is None or found[2] != "d9" or not jpeg.segments[-1].data:
            break
        *others, last = jpeg.segments
        last = replace(last, data=last.data[: -int(found[1])])
        jpeg = replace(jpeg, segments=(*others, last))
        said = _said_by_libjpeg(jpeg)
    return None if said else jpeg


def _without_zeros(data: bytes) -> bytes:
    """Entropy-coded data without zeros before its restart markers and its end."""
    return b"".join(
        part.rstrip(b"\0") + (b"\0" if part.rstrip(b"\0").endswith(b"\xff") else b"")
        for part in _RESTART.split(data)
    )


def _said_by_libjpeg(jpeg: Jpeg) -> str:
    """The first warning that pixels are lost, or that a block is brighter than white; or nothing.

    Each block's mean is decoded as it is coded, its quantization step taken for 1 and its details
    for 0, so that no mean is cut off at black or white.
    """
    import simplejpeg

    four = len(jpeg.components) == 4
    try:
        means = simplejpeg.decode_jpeg(
            replace(jpeg, segments=tuple(map(_flat, jpeg.segments))).encoded(),
            "CMYK" if four else "RGB",
            min_height=1,
            min_width=1,
            min_factor=8,
            fastdct=True,
        )
    except ValueError as error:
        return str(error) if _LIBJPEG.search(str(error)) else ""
    return "blocks beyond black or white" if _impossible(means, jpeg.steps()) else ""


def _flat(segment: Segment) -> Segment:
    """A table of quantization steps as 1 for the mean of a block, 0 for its details."""
    if segment.marker != TABLE:
        return segment
    flat = b"".join(
        bytes([kind]) + (b"\0\1" + bytes(126) if kind >> 4 else b"\1" + bytes(63))
        for kind, _ in quantization(segment.content)
    )
    return replace(segment, content=flat)


def _impossible(means: np.ndarray, steps: list[int]) -> bool:
    """Whether the mean of any block is one that no pixels of 0 to 255 have.

    Args:
        means: uint8 (H, W, 3 or 4), 128 plus an eighth of each block's coded mean.
        steps: of quantization, by component.
    """
    if not steps or min(steps) < _SMALLEST_STEP:
        return False  # its means would be cut off
    planes = means.astype(np.float32) - 128
    if means.shape[2] == 3:
        planes = planes @ _TO_YCC
    most = [_OVERSHOOT * 128 / step + _ROUNDED for step in steps]
    return bool((np.abs(planes).max(axis=(0, 1))[: len(most)] > most).any())


def _judged_by_lepton(jpeg: Jpeg) -> bool:
    return compress_bytes is not None and len(jpeg.components) in (1, 3)


def _said_by_lepton(jpeg: Jpeg) -> str:
    """What is wrong with the codes, or nothing."""
    if not _judged_by_lepton(jpeg):
        return ""
    try:
        compress_bytes(jpeg.encoded())
    except RuntimeError as error:
        found = _LEPTON.search(str(error))
        return readable(found[0]) if found else ""
    return ""
