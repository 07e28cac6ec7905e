"""Images cut short or damaged."""

from __future__ import annotations

from imgassets_tests.images.corpus.case import BROKEN, DECODER, PIXEL_BOMB, refused, taken
from imgassets_tests.images.files import (
    PICTURE,
    PNG_HEAD,
    bmp_of_size,
    chunk,
    encoded,
    header,
    jpeg_of_size,
    png,
    rows,
    small_png,
    tiff,
)


def _with_error_page() -> bytes:
    data = encoded("JPEG", PICTURE.resize((320, 240)))
    return data[: len(data) // 2] + b"502 Bad Gateway\xff\xd9"


def _with_warning_and_hole() -> bytes:
    data = _with_hole("JPEG")
    return data[:20] + b"stray" + data[20:]


def _with_hole(form: str, **options: object) -> bytes:
    data = encoded(form, PICTURE.resize((320, 240)), **options)
    middle = len(data) // 2
    return data[:middle] + bytes(500) + data[middle + 500 :]


_PIXELS = chunk(b"IDAT", rows(4, 12))
_NO_END = "truncated: no end chunk"
BROKEN_FILES = [
    refused("broken", "PNG, the signature alone", PNG_HEAD, _NO_END),
    refused("broken", "PNG, cut in its header", encoded("PNG")[:20],
             "truncated: chunk IHDR declares 13 bytes, more than follow"),
    refused("broken", "PNG, cut in its pixels", lambda: encoded("PNG")[:-40],
             "truncated: chunk IDAT declares 2339 bytes, more than follow"),
    refused("broken", "PNG, only its end lost", lambda: encoded("PNG")[:-12], _NO_END),
    refused("broken", "PNG, a header with a wrong checksum",
             png(header(4, 4, harm=1), _PIXELS),
             "damaged: chunk IHDR has another checksum"),
    refused("broken", "PNG, pixels with a wrong checksum",
             png(header(4, 4), chunk(b"IDAT", rows(4, 12), harm=1)),
             "damaged: chunk IDAT has another checksum"),
    taken("broken", "PNG, text with a wrong checksum",
           small_png(chunk(b"tEXt", b"Comment\0x", harm=1)),
           "chunk tEXt with another checksum dropped"),
    refused("broken", "PNG, transparency with a wrong checksum",
             small_png(chunk(b"tRNS", bytes(6), harm=1)),
             "damaged: chunk tRNS has another checksum"),
    refused("broken", "PNG, a chunk that declares 2 GiB",
             PNG_HEAD + header(4, 4) + chunk(b"IDAT", b"abc", declared=2**31 - 1),
             "truncated: chunk IDAT declares 2147483647 bytes, more than follow"),
    refused("broken", "PNG, a chunk that declares 4 GiB of text",
             PNG_HEAD + header(4, 4) + chunk(b"tEXt", b"abc", declared=2**32 - 1),
             "truncated: chunk tEXt declares 4294967295 bytes, more than follow"),
    refused("broken", "PNG, pixels that do not inflate",
             png(header(4, 4), chunk(b"IDAT", b"not deflate")), "pixels that do not inflate"),
    refused("broken", "PNG, half of its rows",
             png(header(4, 4), chunk(b"IDAT", rows(2, 12))),
             "truncated: rows of pixels are missing"),
    refused("broken", "PNG, no pixels", png(header(4, 4)), "truncated: rows of pixels are missing"),
    refused("broken", "PNG, no header", png(_PIXELS), BROKEN),
    refused("broken", "PNG, no width", png(header(0, 4), _PIXELS), BROKEN),
    refused("broken", "PNG, a color type that does not exist",
             png(header(4, 4, color=5), _PIXELS), BROKEN),
    refused("broken", "PNG, a palette image without palette",
             png(header(4, 4, color=3), chunk(b"IDAT", rows(4, 4))),
             "a palette image without a palette"),
    refused("broken", "JPEG, the first bytes alone", b"\xff\xd8\xff", BROKEN),
    refused("broken", "JPEG, cut in half", lambda: encoded("JPEG")[: len(encoded("JPEG")) // 2],
             DECODER),
    taken("broken", "JPEG, only its end lost", lambda: encoded("JPEG")[:-2],
           "JPEG to PNG", "its lost end marker added"),
    refused("broken", "JPEG, progressive, cut between two scans",
             lambda: (data := encoded("JPEG", progressive=True))[: data.rindex(b"\xff\xda")],
             "truncated: scans are missing"),
    refused("broken", "JPEG, progressive, its last scan lost, its end in place",
             lambda: (data := encoded("JPEG", progressive=True))[: data.rindex(b"\xff\xda")]
             + b"\xff\xd9", "truncated: scans are missing"),
    refused("broken", "JPEG, a hole behind a harmless warning", _with_warning_and_hole,
             "damaged: Corrupt JPEG data: ..."),
    refused("broken", "JPEG, a hole in its middle", lambda: _with_hole("JPEG"),
             "damaged: Corrupt JPEG data: ..."),
    refused("broken", "JPEG, progressive, a hole in its middle",
             lambda: _with_hole("JPEG", progressive=True), "damaged: Corrupt JPEG data: ..."),
    refused("broken", "JPEG, an error page in its middle, its end in place",
             _with_error_page,
             "damaged: Corrupt JPEG data: premature end of data segment"),
    refused("broken", "JPEG, no height", lambda: jpeg_of_size(32, 0), BROKEN),
    refused("broken", "WEBP, cut in half", lambda: encoded("WEBP")[:60], DECODER),
    refused("broken", "WEBP, a header alone", b"RIFF\x04\0\0\0WEBP", BROKEN),
    refused("broken", "GIF, cut in half", lambda: encoded("GIF")[:900], DECODER),
    refused("broken", "BMP, cut in half", lambda: encoded("BMP")[:900], DECODER),
    refused("broken", "BMP, a negative width", lambda: bmp_of_size(-32, 24), PIXEL_BOMB),
    refused("broken", "TIFF, cut in half", lambda: encoded("TIFF")[:900], DECODER),
    refused("broken", "TIFF, a directory outside the file", b"II*\0\xff\xff\xff\x7f", BROKEN),
    refused("broken", "TIFF, no tags", tiff({}), BROKEN),
    refused("broken", "TIFF, a directory that follows itself",
             tiff({256: (3, 1, 4), 257: (3, 1, 4)}, following=8), BROKEN),
    refused("broken", "TIFF, two billion strips",
             tiff({256: (3, 1, 4), 257: (3, 1, 4), 273: (4, 2**31 - 1, 8)}), BROKEN),
]  # fmt: skip
