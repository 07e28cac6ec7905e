"""Whether pixels of a JPEG are lost.

Pillow decodes a JPEG with a hole in its middle to a picture that is gray from there on; libjpeg
says so in a warning that Pillow does not pass on. simplejpeg passes on the first one, so everything
that libjpeg warns of without need is taken away before it looks. Two more signs come from what it
decodes: blocks brighter than white, and codes behind the last block. A changed byte that leaves
right codes and possible colors is found by nobody: a JPEG has no checksum.
"""

from __future__ import annotations

import re
from dataclasses import replace

import numpy as np
import simplejpeg

from imgassets.images.errors import RefusedError
from imgassets.images.jpeg_scans import TABLE, Jpeg, Segment, check_complete, quantization

#: libjpeg's warnings (jerror.h) of lost pixels.
_LIBJPEG = re.compile(r"Corrupt JPEG data|Premature end|Inconsistent progression")
_EXTRANEOUS = re.compile(r"extraneous bytes before marker 0x(..)")
_TOO_SHORT = "premature end"
_RESTART = re.compile(rb"(\xff[\xd0-\xd7])", re.DOTALL)
#: Encoders that avoid ringing beside white go a little beyond it.
_OVERSHOOT, _ROUNDED = 1.25, 2.5
_SMALLEST_STEP = 3
#: From RGB to YCbCr (JFIF), both around 0.
_TO_YCC = np.array(
    [[0.299, -0.168736, 0.5], [0.587, -0.331264, -0.418688], [0.114, 0.5, -0.081312]], np.float32
)


def check_whole(jpeg: Jpeg) -> None:
    """Read all scans of a JPEG whose size is known to be fit, at an eighth of its size.

    Raises:
        RefusedError: a part is lost.
    """
    check_complete(jpeg)
    said = _said(jpeg)
    if said is None:
        return
    if (found := _EXTRANEOUS.search(said)) and found[1] != "d9":
        # Some hardware puts zeros before markers.
        bare = tuple(replace(s, data=_without_zeros(s.data)) for s in jpeg.segments)
        jpeg = replace(jpeg, segments=bare)
        said = _said(jpeg) or ""
    if (not said or _EXTRANEOUS.search(said)) and jpeg.segments[-1].data:
        jpeg, said = _ended(jpeg, said)
    if said:
        raise RefusedError(f"damaged: {said}")


def _without_zeros(data: bytes) -> bytes:
    """Entropy-coded data without zeros before its restart markers and its end."""
    return b"".join(
        part.rstrip(b"\0") + (b"\0" if part.rstrip(b"\0").endswith(b"\xff") else b"")
        for part in _RESTART.split(data)
    )


def _ended(jpeg: Jpeg, said: str) -> tuple[Jpeg, str]:
    """The picture without what follows its last block, and what is wrong with it.

    Cameras leave zeros there, or what was in their memory; but after damage these are blocks that
    were not reached, or more of the zeros that were read as codes.
    """
    size = _needed_bytes(jpeg)
    data, rest = jpeg.segments[-1].data[:size], jpeg.segments[-1].data[size:]
    if not rest:
        return jpeg, said
    jpeg = _with_data(jpeg, data)
    said = _said(jpeg) or ""
    right = _filled_up(jpeg) if rest.strip(b"\0") else not data.endswith(b"\0\0")
    return jpeg, said or ("" if right else f"{len(rest)} bytes behind the last block")


def _needed_bytes(jpeg: Jpeg) -> int:
    """How many bytes of the last scan's data are needed to decode its last block."""
    data = jpeg.segments[-1].data

    def enough(size: int) -> bool:
        return _TOO_SHORT not in (_said(_with_data(jpeg, data[:size])) or "")

    short, step = len(data) - 1, 1
    while short > 0 and enough(short):  # most need all of it, and this is asked once
        step *= 2
        short -= step
    short, size = max(short, 0), min(len(data), max(short, 0) + step)
    while size - short > 1:
        middle = (short + size) // 2
        short, size = (short, middle) if enough(middle) else (middle, size)
    return size


def _filled_up(jpeg: Jpeg) -> bool:
    """Whether the bits of the last byte that change no pixel are ones, as encoders leave them.

    In a progressive JPEG its last codes may change none either, so there it is taken for granted.
    """
    if jpeg.progressive:
        return True
    data = jpeg.segments[-1].data
    picture = _decoded(jpeg)
    for bit in range(8):
        flipped = _with_data(jpeg, data[:-1] + bytes([data[-1] ^ 1 << bit]))
        if not np.array_equal(_decoded(flipped), picture):
            return True
        if not data[-1] >> bit & 1:
            return False
    return True


def _with_data(jpeg: Jpeg, data: bytes) -> Jpeg:
    """With other data in its last scan."""
    *others, last = jpeg.segments
    return replace(jpeg, segments=(*others, replace(last, data=data)))


def _said(jpeg: Jpeg) -> str | None:
    """The first warning that pixels are lost, or that a block is brighter than white; or nothing.

    None where TurboJPEG does not know the layout, though libjpeg decodes it.

    Each block's mean is decoded as it is coded, its quantization step taken for 1 and its details
    for 0, so that no mean is cut off at black or white.
    """
    flat = replace(jpeg, segments=tuple(map(_flat, jpeg.segments)))
    try:
        means = simplejpeg.decode_jpeg(
            flat.encoded(), _form(jpeg), min_height=1, min_width=1, min_factor=8, fastdct=True
        )
    except ValueError as error:
        return str(error) if _LIBJPEG.search(str(error)) else None
    return "blocks beyond black or white" if _impossible(means, jpeg.steps()) else ""


def _decoded(jpeg: Jpeg) -> np.ndarray:
    """The picture (uint8), whatever is wrong with it."""
    return simplejpeg.decode_jpeg(jpeg.encoded(), _form(jpeg), strict=False)


def _form(jpeg: Jpeg) -> str:
    return "CMYK" if len(jpeg.components) == 4 else "RGB"


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
