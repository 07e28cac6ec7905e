"""From a provider's bytes to an image, and back to the bytes a provider is sent."""

from __future__ import annotations

from PIL import Image

from imgassets.backends.base import HostedError
from imgassets.documents.sources import SourceRules
from imgassets.images.encoding import encode_png
from imgassets.images.errors import RefusedError
from imgassets.images.normalize import normalize, opaque

_RULES = SourceRules(source_formats=("PNG", "JPEG", "WEBP"), source_alpha="keep")


def decode(data: bytes) -> Image.Image:
    """An upright 8-bit sRGB image, RGB, or RGBA where something shows through.

    Raises:
        HostedError: `bad_payload`: no image, another format, animated, truncated, or so large
            that it is not even decoded.
    """
    try:
        return opaque(normalize(data, _RULES).image)
    except RefusedError as error:
        raise HostedError("bad_payload", f"not a usable image: {error}", billed=True) from error


def scaled(image: Image.Image, size: tuple[int, int]) -> Image.Image:
    """The image at another size of the same shape (Lanczos); untouched where it has it already."""
    return image if image.size == size else image.resize(size, Image.Resampling.LANCZOS)


def png_at(image: Image.Image, size: tuple[int, int]) -> bytes:
    """An image as the PNG a provider is sent."""
    return encode_png(scaled(image.convert("RGB"), size))
