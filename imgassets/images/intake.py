"""The guard at the door: bytes from outside, judged before anything decodes them.

Everything that takes images from people or services goes through here: only ordinary files, only
formats that were asked for (by content, never by name), and only sizes that fit. `open_image` does
not decode; `normalize` does, and makes of the image what a contract promises.
"""

from __future__ import annotations

import io
import os
import stat
from pathlib import Path

from PIL import Image
from PIL.ImageFile import ImageFile

from imgassets.images import jpeg_scans, png_chunks
from imgassets.images.refusal import RefusedError, broken
from imgassets.spec.sources import SOURCE_FORMATS, SourceFormat, SourceRules

#: What is taken in where no contract says: every format that can be read.
ANY_SOURCE = SourceRules(source_formats=SOURCE_FORMATS)

_FIRST_BYTES: tuple[tuple[bytes, SourceFormat], ...] = (
    (png_chunks.SIGNATURE, "PNG"),
    (b"\xff\xd8\xff", "JPEG"),
    (b"GIF87a", "GIF"),
    (b"GIF89a", "GIF"),
    (b"BM", "BMP"),
    (b"II*\x00", "TIFF"),
    (b"MM\x00*", "TIFF"),
)


def read_file(path: str | Path, rules: SourceRules = ANY_SOURCE) -> bytes:
    """The bytes of an ordinary file, never more than the rules allow.

    Pipes do not block, devices are not opened, and a symbolic link is refused: what it points at
    is not what was handed in, and may change between look and use.

    Raises:
        RefusedError: missing, no ordinary file, a link, empty, too large, or unreadable.
    """
    try:
        _refuse_other_than_files(os.lstat(path))
        # Again after opening: the path may have changed in between.
        flags = os.O_RDONLY | getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_NONBLOCK", 0)
        with open(os.open(path, flags), "rb") as file:  # noqa: PTH123 - a descriptor, not a path
            found = os.fstat(file.fileno())
            _refuse_other_than_files(found)
            _check_size(found.st_size, rules)
            data = file.read(rules.max_source_bytes + 1)  # it may have grown since
    except RefusedError:
        raise
    except FileNotFoundError:
        raise RefusedError("no such file") from None
    except (OSError, ValueError) as error:  # ValueError: a NUL in the path
        raise RefusedError(f"cannot be read: {getattr(error, 'strerror', None) or error}") from None
    _check_size(len(data), rules)
    return data


def _check_size(size: int, rules: SourceRules) -> None:
    if size == 0:
        raise RefusedError("empty, zero bytes")
    if size > rules.max_source_bytes:
        raise RefusedError(f"larger than the limit of {rules.max_source_bytes} bytes")


def _refuse_other_than_files(found: os.stat_result) -> None:
    kinds = (
        (stat.S_ISLNK, "a symbolic link; give the file itself"),
        (stat.S_ISDIR, "a folder, not a file"),
    )
    for is_kind, reason in kinds:
        if is_kind(found.st_mode):
            raise RefusedError(reason)
    if not stat.S_ISREG(found.st_mode):
        raise RefusedError("a device, pipe or socket, not a file")


def check_bytes(data: bytes, rules: SourceRules = ANY_SOURCE) -> SourceFormat:
    """The format of an encoded image, from its first bytes.

    Raises:
        RefusedError: empty, too large, another format than the rules accept, cut short where that
            shows without decoding, or built to be slow.
    """
    _check_size(len(data), rules)
    found, accepted = _format_of(data), ", ".join(rules.source_formats)
    if found is None:
        raise RefusedError(f"not an image that can be read; accepted: {accepted}")
    if found not in rules.source_formats:
        raise RefusedError(f"a {found} image; accepted: {accepted}")
    if found == "PNG":
        png_chunks.check(data)
    if found == "JPEG":
        jpeg_scans.check_count(data)
    return found


def _format_of(data: bytes) -> SourceFormat | None:
    if data[:4] == b"RIFF" and data[8:12] == b"WEBP":
        return "WEBP"
    return next((name for first, name in _FIRST_BYTES if data.startswith(first)), None)


def open_image(data: bytes, rules: SourceRules = ANY_SOURCE) -> ImageFile:
    """The image with its header read and nothing decoded.

    Raises:
        RefusedError: see `check_bytes`; or a broken header, too many pixels, an animation.
    """
    image = _opened(data, rules)
    try:
        # Phones store a second picture (depth, gain map) behind a JPEG: MPO. First is the photo.
        animated = image.format != "MPO" and getattr(image, "is_animated", False)
    except Exception as error:  # see `_opened`
        raise RefusedError(broken(error)) from error
    if animated:
        raise RefusedError("an animation or several pages; one image is expected")
    return image


def claimed_size(data: bytes, rules: SourceRules = ANY_SOURCE) -> tuple[int, int]:
    """`(width, height)` as the header says; for those who judge the rest themselves.

    Raises:
        RefusedError: see `check_bytes`; or a broken header, or too many pixels.
    """
    return _opened(data, rules).size


def _opened(data: bytes, rules: SourceRules) -> ImageFile:
    name = check_bytes(data, rules)
    try:
        image = Image.open(io.BytesIO(data), formats=[name])
    # Decoders meet hostile bytes here and raise whatever they like; none of it may get further.
    except Exception as error:
        raise RefusedError(broken(error)) from error
    if image.width * image.height > rules.max_source_pixels:
        size = f"{image.width} x {image.height} pixels"
        raise RefusedError(f"{size}, more than the limit of {rules.max_source_pixels}")
    if name == "PNG":
        png_chunks.check_pixels(data)
    if name == "JPEG":
        jpeg_scans.check_whole(data, image.mode)
    return image
