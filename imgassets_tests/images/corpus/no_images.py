"""Files that are no image, or none that is read."""

from __future__ import annotations

import base64
import gzip
import pickle

import numpy as np

from imgassets_tests.images.corpus.case import ALL, FOREIGN, MARKUP, not_taken, refused
from imgassets_tests.images.files import encoded, zipped

_FILM = b"\0\0\0\x18ftypisom\0\0\2\0isomiso2"
_POINTER = b"version https://git-lfs.github.com/spec/v1\noid sha256:0\nsize 132735\n"
_SVG = f"<svg xmlns='http://www.w3.org/2000/svg'>{MARKUP}</svg>".encode()

#: Images in formats that are not taken.
KNOWN = [
    refused("no image", what, data, not_taken(name))
    for what, name, data in (
        ("an AVIF", "an AVIF", encoded("AVIF")),
        ("a HEIC header", "a HEIC", b"\0\0\0\x18ftypheic\0\0\0\0mif1heic"),
        ("a HEIC header that begins in general", "a HEIC",
         b"\0\0\0\x18ftypmif1\0\0\0\0mif1heic"),
        ("a HEIF header", "a HEIF", b"\0\0\0\x14ftypmif1\0\0\0\0miaf"),
        ("JPEG XL, bare", "a JPEG XL", b"\xff\x0a\x3f\x00"),
        ("JPEG XL, in a container", "a JPEG XL", b"\0\0\0\x0cJXL \r\n\x87\n" + bytes(8)),
        ("JPEG 2000", "a JPEG 2000", encoded("JPEG2000")),
        ("a BigTIFF", "a BigTIFF", b"II+\0\x08\0\0\0" + bytes(16)),
        ("a Photoshop header", "a Photoshop (PSD)", b"8BPS\0\x01" + bytes(30)),
        ("an SVG with a script", "a drawing (SVG)", _SVG),
        ("an SVG behind a declaration and a comment", "a drawing (SVG)",
         b"\xef\xbb\xbf<?xml version='1.0'?>\n<!-- drawn -->\n" + _SVG),
        ("PostScript, a program", "a PostScript (EPS)",
         b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 9 9\n"),
        ("an icon", "a Windows icon (ICO)", encoded("ICO")),
        ("a portable map", "a portable map (PNM)", encoded("PPM")),
        ("a DDS", "a DDS", encoded("DDS")),
        ("a QOI", "a QOI", encoded("QOI")),
        ("OpenEXR", "an OpenEXR", b"v/1\x01\2\0\0\0"),
        ("Radiance", "a Radiance HDR", b"#?RADIANCE\nFORMAT=32-bit_rle_rgbe\n"),
        ("a Canon raw", "a Canon raw (CR3)", b"\0\0\0\x18ftypcrx \0\0\0\1crx isom"),
    )
]  # fmt: skip
#: What is often found under the name of an image.
OTHERS = [
    refused("no image", name, data, f"{reason}; accepted: {ALL}")
    for name, data, reason in (
        ("an error page", b"<html>502 Bad Gateway</html>", "a web page, not an image"),
        ("an error page with a declaration", b"\n<!DOCTYPE html>\n<title>404</title>",
         "a web page, not an image"),
        ("JSON", b'{"error": "quota exceeded"}', "JSON, not an image"),
        ("a PDF", b"%PDF-1.7\n1 0 obj\n", "a PDF, not an image; save its page as PNG"),
        ("a film", _FILM, "a film (MP4 or MOV), not an image"),
        ("a Git LFS pointer", _POINTER, "a Git LFS pointer, not the image; run `git lfs pull`"),
        ("an archive", zipped(), "a ZIP archive, not an image; unpack it"),
        ("a compressed PNG", gzip.compress(encoded("PNG"), mtime=0),
         "compressed by gzip; unpack it"),
        ("a PNG as base64", base64.b64encode(encoded("PNG")), "a PNG as base64; decode it"),
        ("a PNG as a data URI", b"data:image/png;base64," + base64.b64encode(encoded("PNG")),
         "an image as a data URI; decode its base64"),
        ("an AppleDouble file", b"\0\x05\x16\x07\0\2\0\0Mac OS X        ",
         "an AppleDouble file (`._NAME`), not the image beside it"),
        ("zeros", bytes(4096), "nothing but zeros; get the file again"),
    )
]  # fmt: skip
NO_IMAGES = [
    *KNOWN,
    *OTHERS,
    *(
        refused("no image", name, data, FOREIGN)
        for name, data in {
            "plain text": b"this is not an image\n",
            "a pickle": pickle.dumps({"image": [0, 1]}),
            "random bytes": np.random.default_rng(0).bytes(4096),
            "a PNG behind a line break": b"\n" + encoded("PNG"),
        }.items()
    ),
]
