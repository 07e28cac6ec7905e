"""From a provider's bytes to an image, and back to the bytes a provider is sent."""

from __future__ import annotations

import io

from PIL import Image, ImageOps, UnidentifiedImageError

from imgassets.backends.base import HostedError
from imgassets.images.encoding import encode_png

_FORMATS = ("PNG", "JPEG", "WEBP")
_MAX_PIXELS = 64_000_000


def decode(data: bytes) -> Image.Image:
    """An upright 8-bit RGB image, or RGBA where something shows through.

    Raises:
        HostedError: `bad_payload`: no image, another format, animated, truncated, or so large
            that it is not even decoded.
    """
    try:
        with Image.open(io.BytesIO(data), formats=_FORMATS) as image:
            if image.width * image.height > _MAX_PIXELS:
                raise ValueError(f"{image.width}x{image.height} is more than 64 megapixels")
            if getattr(image, "n_frames", 1) > 1:
                raise ValueError("the image is animated")
            image.load()
            return _plain(ImageOps.exif_transpose(image))
    except UnidentifiedImageError:
        raise HostedError("bad_payload", "neither PNG nor JPEG nor WebP", billed=True) from None
    except (OSError, ValueError, SyntaxError, Image.DecompressionBombError) as error:
        raise HostedError("bad_payload", f"not a usable image: {error}", billed=True) from error


def _plain(image: Image.Image) -> Image.Image:
    if image.has_transparency_data:
        with_alpha = image.convert("RGBA")
        if with_alpha.getchannel("A").getextrema() != (255, 255):
            return with_alpha
    return image.convert("RGB")


def scaled(image: Image.Image, size: tuple[int, int]) -> Image.Image:
    """The image at another size of the same shape (Lanczos); untouched where it has it already."""
    return image if image.size == size else image.resize(size, Image.Resampling.LANCZOS)


def png_at(image: Image.Image, size: tuple[int, int]) -> bytes:
    """An image as the PNG a provider is sent."""
    return encode_png(scaled(image.convert("RGB"), size))
