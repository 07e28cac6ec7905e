"""Pixels other than 8-bit RGB."""

from __future__ import annotations

import numpy as np
from PIL import Image

from imgassets_tests.images.corpus.case import refused, taken
from imgassets_tests.images.files import PICTURE, deep_png, encoded

_DEEP = np.random.default_rng(2).integers(0, 65536, (4, 5, 4), dtype=np.uint16)
PIXELS = [
    taken("kinds of pixels", "gray", encoded("PNG", PICTURE.convert("L")), "gray to RGB"),
    taken("kinds of pixels", "black and white", encoded("PNG", PICTURE.convert("1")),
           "gray to RGB"),
    taken("kinds of pixels", "a palette", encoded("PNG", PICTURE.quantize(9)), "palette to RGB"),
    taken("kinds of pixels", "a palette with a transparent color",
           encoded("PNG", PICTURE.quantize(9), transparency=0),
           "palette to RGB", "flattened on #ffffff"),
    taken("kinds of pixels", "a transparent color",
           encoded("PNG", transparency=PICTURE.getpixel((0, 0))), "flattened on #ffffff"),
    taken("kinds of pixels", "CMYK", encoded("JPEG", PICTURE.convert("CMYK")),
           "JPEG to PNG", "CMYK without a profile to sRGB by the plain formula"),
    taken("kinds of pixels", "16 bits, gray", deep_png(_DEEP[..., :1]),
           "16 bits to 8", "gray to RGB"),
    taken("kinds of pixels", "16 bits, gray and alpha", deep_png(_DEEP[..., :2]),
           "16 bits to 8", "gray to RGB", "flattened on #ffffff"),
    taken("kinds of pixels", "16 bits, RGB", deep_png(_DEEP[..., :3]), "16 bits to 8"),
    taken("kinds of pixels", "16 bits, RGBA", deep_png(_DEEP),
           "16 bits to 8", "flattened on #ffffff"),
    taken("kinds of pixels", "alpha, opaque everywhere", encoded("PNG", PICTURE.convert("RGBA")),
           "opaque alpha dropped"),
    refused("kinds of pixels", "floats", encoded("TIFF", Image.new("F", (4, 4))),
             "pixels of mode F, which cannot be converted to RGB"),
    refused("kinds of pixels", "32-bit integers", encoded("TIFF", Image.new("I", (4, 4))),
             "pixels of mode I, which cannot be converted to RGB"),
    refused("kinds of pixels", "Lab", encoded("TIFF", Image.new("LAB", (4, 4))),
             "pixels of mode LAB, which cannot be converted to RGB"),
]  # fmt: skip
