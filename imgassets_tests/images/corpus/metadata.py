"""What lies around the pixels and lies."""

from __future__ import annotations

import struct

import numpy as np
from PIL import PngImagePlugin

from imgassets_tests.images import icc
from imgassets_tests.images.corpus.case import MARKUP, refused, taken
from imgassets_tests.images.files import chunk, encoded, exif, small_png, zipped


def _with_text() -> bytes:
    text = PngImagePlugin.PngInfo()
    for name in ("Comment", "Title", "parameters"):
        text.add_text(name, MARKUP + "\x1b[2J")
        text.add_itxt(f"i{name}", MARKUP)
    return encoded("PNG", pnginfo=text)


def _named_profile(name: str) -> bytes:
    space = icc.RgbSpace(name, icc.DISPLAY_P3.primaries, icc.D65, icc.srgb_curve)
    return encoded("PNG", icc_profile=space.profile())


_EMPTY_SRGB_NAME = "colors from 'sRGB IEC61966-2.1' to sRGB"
METADATA = [
    *[
        taken("hostile metadata", f"EXIF orientation {value}",
               encoded("JPEG", exif=exif(value)), "JPEG to PNG",
               *([f"EXIF orientation {value} applied"] if 2 <= value <= 8 else []))
        for value in (2, 3, 4, 5, 6, 7, 8, 9, 0, 65535)
    ],
    taken("hostile metadata", "EXIF orientation in a PNG", encoded("PNG", exif=exif(6)),
           "EXIF orientation 6 applied"),
    taken("hostile metadata", "EXIF orientation in a TIFF",
           encoded("TIFF", tiffinfo={0x0112: 6}), "TIFF to PNG", "EXIF orientation 6 applied"),
    taken("hostile metadata", "EXIF that is no EXIF",
           encoded("JPEG", exif=b"Exif\0\0" + b"\xff" * 64), "JPEG to PNG"),
    taken("hostile metadata", "EXIF that points outside of itself",
           encoded("JPEG", exif=b"Exif\0\0II*\0\xff\xff\xff\x7f"), "JPEG to PNG"),
    taken("hostile metadata", "EXIF with an orientation of 4 billion values",
           encoded("JPEG", exif=b"Exif\0\0II*\0" + struct.pack(
               "<IH2H2II", 8, 1, 0x0112, 3, 2**32 - 1, 6, 0)), "JPEG to PNG"),
    taken("hostile metadata", "EXIF text with markup",
           encoded("JPEG", exif=exif(1, MARKUP)), "JPEG to PNG"),
    taken("hostile metadata", "PNG text with markup and escape codes", _with_text()),
    taken("hostile metadata", "an archive behind the image", encoded("PNG") + zipped()),
    refused("hostile metadata", "a color profile of random bytes",
             encoded("PNG", icc_profile=np.random.default_rng(1).bytes(500)),
             "the embedded color profile cannot be read"),
    refused("hostile metadata", "a color profile cut in half",
             encoded("PNG", icc_profile=icc.DISPLAY_P3.profile()[:9000]),
             "the embedded color profile has no way to sRGB"),
    refused("hostile metadata", "a color profile for other pixels",
             encoded("PNG", icc_profile=icc.cmyk_profile(2)),
             "the embedded color profile 'Drawn inks' is for CMYK pixels, the image is RGB"),
    refused("hostile metadata", "a gray profile on colors",
             encoded("PNG", icc_profile=icc.gray_profile(2.2)),
             "the embedded color profile 'Gray gamma 2.2' is for GRAY pixels, the image is RGB"),
    taken("hostile metadata", "a wide profile that calls itself sRGB",
           _named_profile("sRGB IEC61966-2.1"), _EMPTY_SRGB_NAME),
    taken("hostile metadata", "a profile named by markup and escape codes",
           _named_profile("<b>\x1b[31m"), "colors from '<b>\ufffd[31m' to sRGB"),
    refused("hostile metadata", "PNG, linear light by gAMA and no profile",
             small_png(chunk(b"gAMA", struct.pack(">I", 100_000))),
             "gamma 1 without a color profile; save it as sRGB"),
    refused("hostile metadata", "PNG, high dynamic range by cICP",
             small_png(chunk(b"cICP", bytes([9, 16, 0, 1]))),
             "high dynamic range (cICP chunk); save it as sRGB"),
    refused("hostile metadata", "PNG, Display P3 by cICP and no profile",
             small_png(chunk(b"cICP", bytes([12, 13, 0, 1]))),
             "colors by a cICP chunk without an ICC profile; save it as sRGB"),
]  # fmt: skip
