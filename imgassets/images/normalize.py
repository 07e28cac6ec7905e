"""One image from outside, made into what everything inside expects: upright, 8-bit, sRGB.

What is accepted and how it is converted is the contract's `accepts`; docs/inputs.md has the table.
Nothing of the file survives but its pixels: no EXIF, no text, no profile.
"""

from __future__ import annotations

from dataclasses import dataclass

from PIL import Image
from PIL.ImageFile import ImageFile
from PIL.TiffImagePlugin import TiffImageFile

from imgassets.documents.sources import SourceKind, SourceRules
from imgassets.images.bit_depth import is_deep, to_8_bits
from imgassets.images.colors import check_encoding, to_srgb, with_alpha
from imgassets.images.errors import RefusedError, broken
from imgassets.images.intake import ANY_SOURCE, Opened, open_image, opened_again
from imgassets.images.orientation import ORIENTATION, orientation, without_xmp

_T = Image.Transpose
_UPRIGHT = {
    2: _T.FLIP_LEFT_RIGHT,
    3: _T.ROTATE_180,
    4: _T.FLIP_TOP_BOTTOM,
    5: _T.TRANSPOSE,
    6: _T.ROTATE_270,
    7: _T.TRANSVERSE,
    8: _T.ROTATE_90,
}
_KINDS: dict[str, SourceKind] = {
    "1": "grayscale",
    "L": "grayscale",
    "LA": "grayscale",
    "I;16": "grayscale",
    "I;16B": "grayscale",
    "P": "palette",
    "PA": "palette",
    "CMYK": "cmyk",
}
#: Other modes (floats, 32-bit integers, Lab) have no agreed meaning as a picture.
_MODES = frozenset({"RGB", "RGBA", "RGBX", *_KINDS})


@dataclass(frozen=True)
class Normalized:
    """An image taken in.

    Attributes:
        image: mode RGB; RGBA where the rules keep alpha and the source has any. sRGB, upright.
        done: what was done to it, in words, in order; empty for a plain RGB PNG.
    """

    image: Image.Image
    done: tuple[str, ...]


def normalize(data: bytes, rules: SourceRules = ANY_SOURCE) -> Normalized:
    """Take in one encoded image.

    Args:
        data: the file, of any content.
        rules: a contract's `accepts`, or `ANY_SOURCE`.

    Raises:
        RefusedError: whatever is wrong with it; no other exception comes out.
    """
    opened = open_image(data, rules)
    try:
        return Normalized(*_converted(opened, rules))
    except RefusedError:
        raise
    # Decoders meet hostile bytes here and raise whatever they like; none of it may get further.
    except Exception as error:
        raise RefusedError(broken(error)) from error


def _converted(opened: Opened, rules: SourceRules) -> tuple[Image.Image, tuple[str, ...]]:
    image = opened.image
    done = [*_kinds(image, rules), *opened.done]
    xmp = without_xmp(image)
    # Pillow makes TIFF upright by itself as it decodes.
    turned_back = image.tag_v2.get(ORIENTATION, 1) if isinstance(image, TiffImageFile) else 1
    pixels = to_8_bits(image, opened_again(opened)) if is_deep(image) else image
    # Before `getexif`, which decodes as well and whose exceptions are let pass.
    pixels.load()
    xmp += without_xmp(image)  # of chunks behind the pixels
    check_encoding(image)
    turned, said_by = orientation(image, xmp)
    colors, alpha = _split(pixels)
    upright, said = to_srgb(colors, image.info.get("icc_profile"))
    done.append(said)
    if alpha is not None:
        upright, said = with_alpha(upright, alpha, rules.source_alpha)
        done.append(said)
    if turned is None:
        done.append("unreadable EXIF dropped")
    if turned in _UPRIGHT:
        upright = upright.transpose(_UPRIGHT[turned])
    if (applied := turned_back if turned == 1 else turned) in _UPRIGHT:
        done.append(f"{said_by} orientation {applied} applied")
    upright.info = {}  # else whoever applies EXIF later would turn it twice
    return upright, tuple(filter(None, done))


def _kinds(image: ImageFile, rules: SourceRules) -> list[str]:
    """What kinds of pixels there are, in words; refuses those the rules do not convert."""
    if image.mode not in _MODES:
        raise RefusedError(f"pixels of mode {image.mode}, which cannot be converted to RGB")
    kinds: list[SourceKind] = [_KINDS[image.mode]] if image.mode in _KINDS else []
    kinds += ["16-bit"] if is_deep(image) else []
    for kind in kinds:
        if kind not in rules.source_kinds:
            accepted = ", ".join(("8-bit RGB", *rules.source_kinds))
            raise RefusedError(f"{kind} pixels, which the contract refuses; accepted: {accepted}")
    words = {"palette": "palette to RGB", "16-bit": "16 bits to 8"}
    named = [] if image.format == "PNG" else [f"{image.format} to PNG"]
    return [*named, *(words[kind] for kind in kinds if kind in words)]


def _split(image: Image.Image) -> tuple[Image.Image, Image.Image | None]:
    """Colors (mode L, RGB or CMYK) and alpha (mode L), if there is any."""
    if image.mode == "1":
        image = image.convert("L")
    if image.mode in ("P", "PA", "RGBX"):
        has_alpha = image.mode == "PA" or "transparency" in image.info
        image = image.convert("RGBA" if has_alpha else "RGB")
    elif "transparency" in image.info and image.mode in ("L", "RGB"):
        image = image.convert("LA" if image.mode == "L" else "RGBA")
    if image.mode not in ("LA", "RGBA"):
        return image, None
    return image.convert(image.mode[:-1]), image.getchannel("A")


def opaque(image: Image.Image) -> Image.Image:
    """RGB where nothing shows through: many tools write an alpha channel that says nothing."""
    if image.mode == "RGBA" and image.getchannel("A").getextrema() == (255, 255):
        return image.convert("RGB")
    return image
