"""Names for files that are known but not taken, so that a refusal says what they are."""

from __future__ import annotations

import re

#: What an ISO media file (HEIF, AVIF, films) calls itself, by its brand.
_BRANDS = {
    b"avif": "AVIF", b"avis": "AVIF", b"heic": "HEIC", b"heix": "HEIC", b"heim": "HEIC",
    b"heis": "HEIC", b"hevc": "HEIC", b"hevx": "HEIC", b"mif1": "HEIF", b"msf1": "HEIF",
    b"jp2 ": "JPEG 2000", b"jpx ": "JPEG 2000", b"crx ": "Canon raw (CR3)",
}  # fmt: skip
_PICTURES = (
    (b"\xff\x0a", "JPEG XL"),
    (b"\0\0\0\x0cJXL \r\n\x87\n", "JPEG XL"),
    (b"\0\0\0\x0cjP  \r\n\x87\n", "JPEG 2000"),
    (b"\xff\x4f\xff\x51", "JPEG 2000"),
    (b"\xff\xd8\xff\xf7", "JPEG-LS"),
    (b"II\xbc\x01", "JPEG XR"),
    (b"II+\0", "BigTIFF"),
    (b"MM\0+", "BigTIFF"),
    (b"8BPS", "Photoshop (PSD)"),
    (b"gimp xcf", "GIMP (XCF)"),
    (b"%!PS", "PostScript (EPS)"),
    (b"\xc5\xd0\xd3\xc6", "PostScript (EPS)"),
    (b"\0\0\x01\0", "Windows icon (ICO)"),
    (b"\0\0\x02\0", "Windows cursor (CUR)"),
    (b"icns", "Apple icon (ICNS)"),
    (b"DDS ", "DDS"),
    (b"qoif", "QOI"),
    (b"v/1\x01", "OpenEXR"),
    (b"#?RADIANCE", "Radiance HDR"),
    (b"#?RGBE", "Radiance HDR"),
    (b"FUJIFILMCCD-RAW", "Fujifilm raw (RAF)"),
    (b"\x8aMNG\r\n", "MNG"),
    (b"\x8bJNG\r\n", "JNG"),
    (b"BPG\xfb", "BPG"),
    (b"FLIF", "FLIF"),
    (b"\xabKTX ", "KTX"),
    (b"\xd7\xcd\xc6\x9a", "Windows metafile (WMF)"),
)
_OTHERS = (
    (b"version https://git-lfs.github.com/spec/",
     "a Git LFS pointer, not the image; run `git lfs pull`"),
    (b"%PDF-", "a PDF, not an image; save its page as PNG"),
    (b"PK\x03\x04", "a ZIP archive, not an image; unpack it"),
    (b"PK\x05\x06", "an empty ZIP archive, not an image"),
    (b"\x1f\x8b", "compressed by gzip; unpack it"),
    (b"\x28\xb5\x2f\xfd", "compressed by zstd; unpack it"),
    (b"\0\x05\x16\x07", "an AppleDouble file (`._NAME`), not the image beside it"),
    (b"\0\0\0\x01Bud1", "a .DS_Store file, not an image"),
    (b"\x1aE\xdf\xa3", "a film (WebM or Matroska), not an image"),
    (b"data:image/", "an image as a data URI; decode its base64"),
    (b"iVBORw0KGgo", "a PNG as base64; decode it"),
    (b"/9j/", "a JPEG as base64; decode it"),
)  # fmt: skip
#: What may stand before the first tag, with what ends it.
_BEFORE_TAGS = ((b"<?", b"?>"), (b"<!--", b"-->"), (b"<!doctype svg", b">"))
_PORTABLE = re.compile(rb"P[1-7]\s")
_JSON = re.compile(rb'(?:\xef\xbb\xbf)?\s*(?:\{\s*["}]|\[\s*[\[{"])')


def named(data: bytes) -> str | None:
    """What a file that is not taken is, with what to do; None where nothing knows it."""
    head = data[:4096]
    if head[4:8] == b"ftyp":
        return _media(head)
    for first, name in _PICTURES:
        if head.startswith(first):
            return _not_taken(name)
    if _PORTABLE.match(head):
        return _not_taken("portable map (PNM)")
    for first, what in _OTHERS:
        if head.startswith(first):
            return what
    return _text(head) or (None if data.strip(b"\0") else "nothing but zeros; get the file again")


def _media(head: bytes) -> str:
    # The first brand may be general; those it is compatible with follow.
    size = min(int.from_bytes(head[:4], "big"), len(head))
    brands = [head[8:12], *(head[at : at + 4] for at in range(16, size, 4))]
    known = [_BRANDS[b] for b in brands if b in _BRANDS]
    if not known:
        return "a film (MP4 or MOV), not an image"
    name = next((k for k in known if k != "HEIF"), "HEIF")
    return _not_taken(name)


def _not_taken(name: str) -> str:
    article = "an" if name[0] in "AO" else "a"
    return f"{article} {name} image, which is not taken; save it as PNG"


def _text(head: bytes) -> str | None:
    text = head.removeprefix(b"\xef\xbb\xbf").lstrip().lower()
    for start, end in _BEFORE_TAGS:
        while text.startswith(start) and end in text:
            text = text.partition(end)[2].lstrip()
    if text.startswith((b"<svg", b"<svg:svg")):
        return _not_taken("drawing (SVG)")
    if text.startswith((b"<html", b"<head", b"<body", b"<!doctype html")):
        return "a web page, not an image"
    return "JSON, not an image" if _JSON.match(head) else None
