"""The guard at the door: bytes from outside, judged before anything decodes them.

Everything that takes images from people or services goes through here: only ordinary files, only
formats that were asked for (by content, never by name), and only sizes that fit. `open_image` does
not decode; `normalize` does, and makes of the image what a contract promises.
"""

from __future__ import annotations

import io
import os
import stat
from dataclasses import dataclass
from pathlib import Path

from PIL import Image
from PIL.ImageFile import ImageFile
from PIL.TiffImagePlugin import TiffImageFile

from imgassets.documents.sources import SOURCE_FORMATS, SourceFormat, SourceRules
from imgassets.images import bmp_header, foreign, jpeg_damage, jpeg_scans, png_chunks, tiff_pages
from imgassets.images.errors import RefusedError, broken

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
#: Of the application extension that holds an ICC profile.
_GIF_PROFILE = b"\x21\xff\x0bICCRGBG1012"


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


@dataclass(frozen=True)
class Opened:
    """A file whose header was read and nothing decoded.

    Attributes:
        image: its picture; `info["icc_profile"]` is its profile, of whatever format.
        data: the file as the decoder gets it.
        done: what was left out that could have said something, in words.
    """

    image: ImageFile
    data: bytes
    done: tuple[str, ...] = ()


def check_bytes(data: bytes, rules: SourceRules = ANY_SOURCE) -> SourceFormat:
    """The format of an encoded image, from its first bytes.

    Raises:
        RefusedError: empty, too large, another format than the rules accept, cut short where that
            shows without decoding, or built to be slow.
    """
    _check_size(len(data), rules)
    found, accepted = _format_of(data), ", ".join(rules.source_formats)
    if found is None:
        what = foreign.named(data) or "not an image that can be read"
        raise RefusedError(f"{what}; accepted: {accepted}")
    if found not in rules.source_formats:
        raise RefusedError(f"a {found} image; accepted: {accepted}")
    if found == "PNG":
        png_chunks.read(data)
    if found == "JPEG":
        jpeg_scans.read(data)
    return found


def _format_of(data: bytes) -> SourceFormat | None:
    if data[:4] == b"RIFF" and data[8:12] == b"WEBP":
        return "WEBP"
    return next((name for first, name in _FIRST_BYTES if data.startswith(first)), None)


def open_image(data: bytes, rules: SourceRules = ANY_SOURCE) -> Opened:
    """The image with its header read and nothing decoded.

    Raises:
        RefusedError: see `check_bytes`; or a broken header, too many pixels, an animation, pixels
            that are missing.
    """
    opened = _opened(data, rules)
    if has_several(opened.image):
        raise RefusedError("an animation or several pages; one image is expected")
    _check_pixels(opened.image, rules)
    return opened


def has_several(image: Image.Image) -> bool:
    """Whether a file holds an animation, or more pages than one; goes to a TIFF's only page.

    Thumbnails and masks are no pages, nor is the second picture (depth, gain map) that phones store
    behind a JPEG: MPO.

    Raises:
        RefusedError: nothing can read that.
    """
    try:
        if isinstance(image, TiffImageFile):
            return tiff_pages.turn_to_the_page(image)
        return image.format != "MPO" and getattr(image, "is_animated", False)
    except RefusedError:
        raise
    except Exception as error:  # see `_decoder`
        raise RefusedError(broken(error)) from error


def opened_again(opened: Opened) -> ImageFile:
    """The same page of the same file, once more."""
    again = Image.open(io.BytesIO(opened.data), formats=[str(opened.image.format)])
    if frame := opened.image.tell():
        again.seek(frame)
    return again


def open_for_inspection(data: bytes, rules: SourceRules = ANY_SOURCE) -> ImageFile:
    """The image with nothing decoded, for those who judge animations and modes themselves.

    Its color profile is left out: `normalize` converts by it.

    Raises:
        RefusedError: see `check_bytes`; or a broken header, too many pixels, pixels missing.
    """
    image = _opened(data, rules).image
    image.info.pop("icc_profile", None)
    return image


def _opened(data: bytes, rules: SourceRules) -> Opened:
    match name := check_bytes(data, rules):
        case "PNG":
            png = png_chunks.read(data)
            profile = png.profile(rules.max_source_bytes)
            opened = _decoder(png.encoded(), name, rules)
            png_chunks.check_pixels(png)
            png_chunks.scale_transparency(opened.image, png)
            done = tuple(f"chunk {kind} with another checksum dropped" for kind in png.damaged)
            opened = Opened(opened.image, opened.data, done)
        case "JPEG":
            jpeg = jpeg_scans.read(data)
            opened = _decoder(data if jpeg.ended else data + jpeg_scans.END, name, rules)
            jpeg_damage.check_whole(jpeg)
            done = () if jpeg.ended else ("its lost end marker added",)
            return Opened(opened.image, opened.data, done)
        case "BMP":
            profile = bmp_header.profile(data)
            opened = _decoder(data, name, rules)
        case _:
            if name == "GIF" and _GIF_PROFILE in data:
                raise RefusedError("a color profile in a GIF, which is not read; save it as sRGB")
            return _decoder(data, name, rules)
    if profile is not None:
        opened.image.info["icc_profile"] = profile
    return opened


def _decoder(data: bytes, name: SourceFormat, rules: SourceRules) -> Opened:
    try:
        image = Image.open(io.BytesIO(data), formats=[name])
    # Decoders meet hostile bytes here and raise whatever they like; none of it may get further.
    except Exception as error:
        raise RefusedError(broken(error)) from error
    _check_pixels(image, rules)
    return Opened(image, data)


def _check_pixels(image: ImageFile, rules: SourceRules) -> None:
    if image.width * image.height > rules.max_source_pixels:
        size = f"{image.width} x {image.height} pixels"
        raise RefusedError(f"{size}, more than the limit of {rules.max_source_pixels}")
