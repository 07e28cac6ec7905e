"""Small files that want to be large in memory or slow."""

from __future__ import annotations

import zlib
from functools import cache

from PIL import Image

from imgassets_tests.images.corpus.case import LIMIT, PIXEL_BOMB, refused, taken
from imgassets_tests.images.files import (
    bmp_of_size,
    chunk,
    encoded,
    gif_of_size,
    header,
    jpeg_of_scans,
    jpeg_of_size,
    png,
    rows,
    small_png,
    tiff,
    webp_of_size,
)

_PIXELS = chunk(b"IDAT", rows(4, 12))


@cache
def _text_bomb(kind: bytes, before: bytes) -> bytes:
    return small_png(chunk(kind, before + zlib.compress(bytes(100 * 2**20), 9)))


BOMBS = [
    refused("bomb", "PNG, 8001 x 8000 px of one color in 8 KB",
             lambda: encoded("PNG", Image.new("1", (8001, 8000))), f"8001 x 8000 pixels, {LIMIT}"),
    refused("bomb", "PNG, 2 billion px a side declared",
             png(header(2**31 - 1, 2**31 - 1), _PIXELS), PIXEL_BOMB),
    refused("bomb", "PNG, 60,000 px a side declared",
             png(header(60_000, 60_000), _PIXELS), PIXEL_BOMB),
    refused("bomb", "PNG, one row of 64,000,001 px",
             png(header(64_000_001, 1), _PIXELS), f"64000001 x 1 pixels, {LIMIT}"),
    taken("bomb", "PNG, 100 MiB of text in 100 KB, thrown away as it is",
           lambda: _text_bomb(b"zTXt", b"a\0\0")),
    taken("bomb", "PNG, 100 MiB of international text, thrown away as it is",
           lambda: _text_bomb(b"iTXt", b"a\0\x01\0\0\0")),
    taken("bomb", "PNG, 100 MiB of XMP, thrown away as it is",
           lambda: _text_bomb(b"iTXt", b"XML:com.adobe.xmp\0\x01\0\0\0")),
    refused("bomb", "PNG, a color profile of 100 MiB", lambda: _text_bomb(b"iCCP", b"a\0\0"),
             "the embedded color profile cannot be read, or is over 67108864 bytes"),
    refused("bomb", "JPEG, 65,500 px a side declared", lambda: jpeg_of_size(65500, 65500),
             PIXEL_BOMB),
    refused("bomb", "JPEG, 9,000 px a side declared", lambda: jpeg_of_size(9000, 9000),
             f"9000 x 9000 pixels, {LIMIT}"),
    refused("bomb", "JPEG, 200 scans", lambda: jpeg_of_scans(200),
             "a JPEG of more than 100 scans"),
    refused("bomb", "GIF, 65,535 px a side", lambda: gif_of_size(65535, 65535), PIXEL_BOMB),
    refused("bomb", "GIF, 9,000 px a side", lambda: gif_of_size(9000, 9000),
             f"9000 x 9000 pixels, {LIMIT}"),
    refused("bomb", "BMP, 9,000 px a side declared", lambda: bmp_of_size(9000, 9000),
             f"9000 x 9000 pixels, {LIMIT}"),
    refused("bomb", "WEBP, 9,000 px a side declared", lambda: webp_of_size(9000, 9000),
             f"9000 x 9000 pixels, {LIMIT}"),
    refused("bomb", "TIFF, 9,000 px a side declared",
             tiff({256: (3, 1, 9000), 257: (3, 1, 9000), 258: (3, 1, 8), 262: (3, 1, 1),
                   273: (4, 1, 8), 278: (3, 1, 9000), 279: (4, 1, 64)}),
             f"9000 x 9000 pixels, {LIMIT}"),
]  # fmt: skip
