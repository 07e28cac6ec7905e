"""What a file says beside its pixels: what counts is honoured or refused, the rest is no matter."""

from __future__ import annotations

import io
import struct
import zlib
from collections.abc import Callable

import numpy as np
import pytest
from PIL import Image, ImageCms, ImageDraw

from imgassets.backends.base import HostedError
from imgassets.backends.hosted_image import decode
from imgassets.documents.prompts import Expectation
from imgassets.documents.sources import SOURCE_FORMATS, SourceRules
from imgassets.images.errors import RefusedError
from imgassets.images.intake import ANY_SOURCE
from imgassets.images.normalize import normalize
from imgassets.metrics.scored_folder import score_bytes
from imgassets_tests.images import icc
from imgassets_tests.images.files import (
    PICTURE,
    chunk,
    encoded,
    exif,
    header,
    png,
    small_png,
    zipped,
)

KEEP = SourceRules(source_formats=SOURCE_FORMATS, source_alpha="keep")
FILM = b"\0\0\0\x18ftypmp42" + b"\xff\xda\xff\xd8\xff\xd9" * 500


def out(data: bytes, rules: SourceRules = ANY_SOURCE) -> np.ndarray:
    return np.asarray(normalize(data, rules).image)


def refusal(data: bytes) -> str:
    with pytest.raises(RefusedError) as caught:
        normalize(data)
    return str(caught.value)


# ---- what is thrown away -------------------------------------------------------------------


@pytest.mark.parametrize("form", [*SOURCE_FORMATS, "MPO"])
@pytest.mark.parametrize(
    "behind", [FILM, bytes(5000), encoded("JPEG"), encoded("PNG"), zipped(), b"\xff"],
    ids=["a film", "zeros", "a JPEG", "a PNG", "an archive", "half a marker"],
)  # fmt: skip
def test_data_behind_the_image_is_no_matter(form: str, behind: bytes) -> None:
    data = encoded(form)
    assert (out(data + behind) == out(data)).all()


def test_a_second_picture_that_is_announced_and_lost_is_no_matter() -> None:
    """Messengers cut what follows the first picture of a phone's photo."""
    data = encoded("MPO", save_all=True, append_images=[PICTURE])
    first = data[: data.index(b"\xff\xd9") + 2]
    assert (out(first) == out(data)).all()


_TEXT = b'{"nodes":[' + b'{"id":1,"type":"KSampler"},' * 60_000 + b"]}"


@pytest.mark.parametrize(
    "extra",
    [
        [chunk(b"tEXt", b"workflow\0" + _TEXT)],
        [chunk(b"zTXt", b"workflow\0\0" + zlib.compress(_TEXT))],
        [chunk(b"iTXt", b"workflow\0\1\0\0\0" + zlib.compress(_TEXT))],
        [chunk(b"iTXt", b"XML:com.adobe.xmp\0\0\0\0\0" + _TEXT)],
        [chunk(b"iTXt", b"XML:com.adobe.xmp\0\1\0\0\0" + zlib.compress(_TEXT))],
        [chunk(b"zTXt", b"Raw profile type exif\0\0" + zlib.compress(_TEXT))],
        [chunk(b"zTXt", b"a\0\0not deflate")],
        [chunk(b"tEXt", b"a\0" + _TEXT[:1_000_000])] * 66,
        [chunk(b"caBX", _TEXT), chunk(b"sPLT", b"no palette"), chunk(b"pHYs", b"?")],
    ],
    ids=["plain", "compressed", "international", "XMP", "XMP, compressed", "EXIF as text",
         "broken", "66 MB", "chunks of others"],
)  # fmt: skip
def test_text_of_any_size_is_thrown_away(extra: list[bytes]) -> None:
    rules = SourceRules(source_formats=SOURCE_FORMATS, max_source_bytes=2**30)
    assert (out(small_png(*extra), rules) == out(small_png())).all()


def test_comments_of_any_size_are_thrown_away() -> None:
    data = encoded("JPEG")
    comment = b"\xff\xfe\xff\xff" + b"\xff\xda" * 32766 + b"."
    assert (out(data[:2] + comment * 40 + data[2:]) == out(data)).all()


@pytest.mark.parametrize("form", ["PNG", "JPEG", "WEBP", "TIFF"])
def test_a_profile_may_be_as_large_as_the_file(form: str) -> None:
    padded = bytearray(icc.DISPLAY_P3.profile() + bytes(1_300_000))
    padded[:4] = struct.pack(">I", len(padded))
    small = encoded(form, icc_profile=icc.DISPLAY_P3.profile())
    assert (out(encoded(form, icc_profile=bytes(padded))) == out(small)).all()


@pytest.mark.parametrize("kind", [b"tEXt", b"zTXt", b"iTXt", b"tIME", b"zzZz"])
def test_a_wrong_checksum_of_what_is_thrown_away_is_named_and_no_matter(kind: bytes) -> None:
    found = normalize(small_png(chunk(kind, b"a\0b", harm=1)))
    assert found.done == (f"chunk {kind.decode()} with another checksum dropped",)
    assert (np.asarray(found.image) == out(small_png())).all()


@pytest.mark.parametrize("kind", [b"tRNS", b"gAMA", b"cHRM", b"sRGB", b"cICP", b"iCCP", b"eXIf"])
def test_a_wrong_checksum_of_what_decides_is_refused(kind: bytes) -> None:
    reason = f"damaged: chunk {kind.decode()} has another checksum"
    assert refusal(small_png(chunk(kind, b"\0\1", harm=1))) == reason


# ---- colors --------------------------------------------------------------------------------


def _chrm(*xy: float) -> bytes:
    return chunk(b"cHRM", struct.pack(">8I", *(round(v * 1e5) for v in xy)))


def _gama(value: int) -> bytes:
    return chunk(b"gAMA", struct.pack(">I", value))


_XY = {
    "sRGB": (0.3127, 0.329, 0.64, 0.33, 0.30, 0.60, 0.15, 0.06),
    "P3": (0.3127, 0.329, 0.68, 0.32, 0.265, 0.69, 0.15, 0.06),
    "Adobe": (0.3127, 0.329, 0.64, 0.33, 0.21, 0.71, 0.15, 0.06),
    "D50": (0.3457, 0.3585, 0.64, 0.33, 0.30, 0.60, 0.15, 0.06),
    "Photoshop's rounding": (0.31269, 0.32899, 0.63999, 0.33001, 0.3, 0.6, 0.15, 0.05999),
}


def _camera(space: int, kind: str) -> bytes:
    """EXIF as cameras write it (DCF): a color space, and the interoperability index."""
    head = b"Exif\0\0II*\0" + struct.pack("<IH2HII4x", 8, 1, 0x8769, 4, 1, 26)
    own = struct.pack("<H2HIHxx2HII4x", 2, 0xA001, 3, 1, space, 0xA005, 4, 1, 56)
    return head + own + struct.pack("<H2HI", 1, 1, 2, 4) + kind.encode() + bytes(5)


def bmp(space: bytes, gamma: float = 0.0, primaries: str = "", profile: bytes = b"") -> bytes:
    """A BMP of 2 x 1 px with the longest header, of a color space."""
    ends = [0.0] * 9
    if primaries:
        xy = _XY[primaries][2:]
        ends = [v for x, y in zip(xy[::2], xy[1::2], strict=True) for v in (x, y, 1 - x - y)]
    pixels = bytes([10, 60, 200, 10, 60, 200, 0, 0])
    fields = struct.pack("<I2i2H6I", 124, 2, 1, 1, 24, 0, 8, 0, 0, 0, 0) + bytes(16) + space
    fields += struct.pack("<9i", *(round(v * 2**30) for v in ends))
    fields += struct.pack("<3I", *[round(gamma * 65536)] * 3)
    fields += struct.pack("<4I", 0, 124 + len(pixels), len(profile), 0)
    body = fields + pixels + profile
    return b"BM" + struct.pack("<I4xI", 14 + len(body), 14 + 124) + body


_SAVE = "without a color profile; save it as sRGB"
_PRIMARIES = f"primaries other than sRGB's {_SAVE}"
_ADOBE = f"Adobe RGB by its EXIF {_SAVE}"
_RATIONALS = tuple(_XY["Adobe"][2:])
OTHER_COLORS: dict[str, tuple[bytes, str]] = {
    "linear": (small_png(_gama(100_000)), f"gamma 1 {_SAVE}"),
    "gamma of old Macs": (small_png(_gama(55_556)), f"gamma 0.55556 {_SAVE}"),
    "P3": (small_png(_gama(45_455), _chrm(*_XY["P3"])), _PRIMARIES),
    "Adobe": (small_png(_chrm(*_XY["Adobe"])), _PRIMARIES),
    "another white": (small_png(_chrm(*_XY["D50"])), f"white point other than sRGB's {_SAVE}"),
    "P3 by cICP": (small_png(chunk(b"cICP", bytes([12, 13, 0, 1]))),
                   "colors by a cICP chunk without an ICC profile; save it as sRGB"),
    "a camera's Adobe RGB": (encoded("JPEG", exif=_camera(0xFFFF, "R03")), _ADOBE),
    "a camera's Adobe RGB, by a number": (encoded("JPEG", exif=_camera(2, "R98")), _ADOBE),
    "a camera's Adobe RGB in a WEBP": (encoded("WEBP", exif=_camera(0xFFFF, "R03")), _ADOBE),
    "a camera's Adobe RGB in a PNG": (encoded("PNG", exif=_camera(0xFFFF, "R03")), _ADOBE),
    "a TIFF's primaries": (encoded("TIFF", tiffinfo={319: _RATIONALS}), _PRIMARIES),
    "a BMP's primaries": (bmp(bytes(4), 2.2, "Adobe"), _PRIMARIES),
    "a BMP's gamma": (bmp(bytes(4), 1.0, "sRGB"), f"gamma 1 {_SAVE}"),
    "a GIF's profile": (
        (gif := encoded("GIF"))[:-1] + b"\x21\xff\x0bICCRGBG1012\x01.\0" + gif[-1:],
        "a color profile in a GIF, which is not read; save it as sRGB"),
    "a BMP's linked profile": (bmp(b"KNIL"),
                               "its color profile is in another file; save it as sRGB"),
}  # fmt: skip
SRGB_COLORS: dict[str, bytes] = {
    "cHRM": small_png(_gama(45_455), _chrm(*_XY["sRGB"])),
    "rounded cHRM": small_png(_chrm(*_XY["Photoshop's rounding"])),
    "sRGB chunk over others": small_png(_gama(100_000), _chrm(*_XY["P3"]), chunk(b"sRGB", b"\0")),
    "primaries of a gray PNG": png(
        header(12, 1, 8, 0), _chrm(*_XY["P3"]), chunk(b"IDAT", zlib.compress(bytes(13)))
    ),
    "a camera's sRGB": encoded("JPEG", exif=_camera(1, "R98")),
    "a camera's color space alone": encoded("JPEG", exif=_camera(0xFFFF, "R98")),
    "a BMP's sRGB": bmp(b"BGRs"),
    "a BMP's Windows colors": bmp(b" niW"),
    "a BMP calibrated to zeros": bmp(bytes(4)),
    "a BMP calibrated to sRGB": bmp(bytes(4), 2.2, "sRGB"),
}


@pytest.mark.parametrize("name", OTHER_COLORS)
def test_other_colors_without_a_profile_are_refused_everywhere(name: str) -> None:
    data, reason = OTHER_COLORS[name]
    assert refusal(data) == reason
    correct, said, _ = score_bytes(data, Expectation())
    assert correct is False
    # An image too small or blank is found before its colors are.
    assert said == f"unreadable: {reason}" or said.startswith("blank")
    with pytest.raises(HostedError):
        decode(data)


@pytest.mark.parametrize("name", SRGB_COLORS)
def test_srgb_said_in_any_way_is_taken_as_it_is(name: str) -> None:
    found = normalize(SRGB_COLORS[name])
    assert all("color" not in done and "profile" not in done for done in found.done)


def test_a_profile_overrules_primaries() -> None:
    """As the PNG specification has it: what is said twice is said by the profile."""
    packed = b"x\0\0" + zlib.compress(icc.SRGB.profile())
    data = small_png(chunk(b"iCCP", packed), _gama(100_000), _chrm(*_XY["P3"]))
    assert normalize(data).done == ("profile 'drawn sRGB' is sRGB, dropped",)


def test_a_bmps_embedded_profile_is_converted_by() -> None:
    found = normalize(bmp(b"DEBM", profile=icc.DISPLAY_P3.profile()))
    assert found.done == ("BMP to PNG", "colors from 'Display P3' to sRGB")
    same = Image.new("RGB", (2, 1), (200, 60, 10))
    wanted = out(encoded("PNG", same, icc_profile=icc.DISPLAY_P3.profile()))
    assert (np.asarray(found.image) == wanted).all()


def circle(color: tuple[int, int, int]) -> Image.Image:
    image = Image.new("RGB", (128, 128), "white")
    ImageDraw.Draw(image).ellipse((30, 30, 98, 98), fill=color)
    return image


@pytest.mark.parametrize("title", ["Display P3", "sRGB IEC61966-2.1"])
@pytest.mark.parametrize(
    ("color", "rgb"),
    [("red", (214, 26, 34)), ("brown", (120, 70, 25)), ("green", (30, 150, 50)),
     ("orange", (240, 140, 20)), ("purple", (130, 40, 160))],
)  # fmt: skip
def test_a_score_sees_the_colors_that_people_see(
    color: str, rgb: tuple[int, int, int], title: str
) -> None:
    """The same picture as sRGB and as Display P3, under its own name and under a wrong one."""
    wide = icc.RgbSpace(title, icc.DISPLAY_P3.primaries, icc.D65, icc.srgb_curve).profile()
    plain = circle(rgb)
    stored = ImageCms.profileToProfile(
        plain, ImageCms.createProfile("sRGB"), ImageCms.ImageCmsProfile(io.BytesIO(wide))
    )
    assert stored is not None
    data = encoded("PNG", stored, icc_profile=wide)
    assert (np.asarray(stored) != np.asarray(plain)).any()
    assert np.abs(out(data).astype(int) - np.asarray(plain)).max() <= 2
    wanted = Expectation.model_validate({"include": [{"class": "circle", "color": color}]})
    assert score_bytes(data, wanted) == score_bytes(encoded("PNG", plain), wanted)
    assert score_bytes(data, wanted)[0] is True


def test_a_score_takes_srgb_under_any_name() -> None:
    odd = icc.RgbSpace("c2", icc.SRGB.primaries, icc.D65, icc.srgb_curve).profile()
    wanted = Expectation.model_validate({"include": [{"class": "circle", "color": "red"}]})
    assert score_bytes(encoded("PNG", circle((214, 26, 34)), icc_profile=odd), wanted)[0] is True


# ---- transparency by a value ---------------------------------------------------------------


def _gray_png(depth: int, color: int, values: list[int], trns: bytes, plte: bytes = b"") -> bytes:
    bits = "".join(format(v, f"0{depth}b") for v in values)
    row = int(bits.ljust(-len(bits) // 8 * -8, "0"), 2).to_bytes(-(-len(bits) // 8), "big")
    palette = [chunk(b"PLTE", plte)] if plte else []
    return png(header(len(values), 1, depth, color), *palette, chunk(b"tRNS", trns),
               chunk(b"IDAT", zlib.compress(b"\0" + row)))  # fmt: skip


@pytest.mark.parametrize("depth", [1, 2, 4, 8, 16])
@pytest.mark.parametrize("extra", [0, 1 << 15], ids=["", "unused bits set"])
def test_a_transparent_gray_is_found_at_any_depth(depth: int, extra: int) -> None:
    """Values in the file's own depth (Pillow scales pixels and not this one); bits above are 0."""
    values = sorted({0, 1, (1 << depth) - 1, (1 << depth) // 2})
    for value in values:
        asked = value | (extra if depth < 16 else 0)
        found = out(_gray_png(depth, 0, values, struct.pack(">H", asked)), KEEP)
        assert found[0, :, 3].tolist() == [0 if v == value else 255 for v in values]
        most = (1 << depth) - 1
        assert found[0, :, 0].tolist() == [round(v * 255 / most) for v in values]


@pytest.mark.parametrize("depth", [8, 16])
def test_a_transparent_color_is_found_at_any_depth(depth: int) -> None:
    size = depth // 8
    colors = [(1, 2, 3), (1, 2, 4), (0, 2, 3)]
    line = b"".join(v.to_bytes(size, "big") for c in colors for v in c)
    data = png(header(3, 1, depth, 2), chunk(b"tRNS", struct.pack(">3H", *colors[1])),
               chunk(b"IDAT", zlib.compress(b"\0" + line)))  # fmt: skip
    assert out(data, KEEP)[0, :, 3].tolist() == [255, 0, 255]


@pytest.mark.parametrize("depth", [1, 2, 4, 8])
def test_transparent_palette_entries_are_found_at_any_depth(depth: int) -> None:
    palette = bytes(range(3 * 2))
    data = _gray_png(depth, 3, [0, 1, 1], b"\x40", palette)
    assert out(data, KEEP)[0].tolist() == [[0, 1, 2, 64], [3, 4, 5, 255], [3, 4, 5, 255]]


# ---- pages and which way is up -------------------------------------------------------------

_PAGE, _THUMBNAIL, _MASK = {}, {254: 1}, {254: 4}


def tiff_of(*pages: tuple[Image.Image, dict[int, int]]) -> bytes:
    """A TIFF of these directories, each with tags of its own."""
    buffer = io.BytesIO()
    first, *others = [page for page, _ in pages]
    for image, tags in pages:
        image.encoderinfo = {"tiffinfo": tags}
    first.save(buffer, "TIFF", save_all=True, append_images=others, tiffinfo=pages[0][1])
    return buffer.getvalue()


SMALL = PICTURE.resize((8, 6))


@pytest.mark.parametrize(
    "pages",
    [
        [(PICTURE, _PAGE), (SMALL, _THUMBNAIL)],
        [(SMALL, _THUMBNAIL), (PICTURE, _PAGE)],
        [(PICTURE, _PAGE), (SMALL.convert("1"), _MASK), (SMALL, _THUMBNAIL)],
        [(PICTURE, _PAGE), (SMALL, {255: 2})],
        [(PICTURE, {254: 2})],
    ],
    ids=["behind", "before", "a mask", "of the old kind", "one page of several, alone"],
)
def test_thumbnails_are_no_pages(pages: list[tuple[Image.Image, dict[int, int]]]) -> None:
    copies = [(image.copy(), tags) for image, tags in pages]
    assert (out(tiff_of(*copies)) == np.asarray(PICTURE)).all()


def test_pages_are_pages() -> None:
    several = tiff_of((PICTURE.copy(), _PAGE), (SMALL.copy(), _PAGE))
    assert refusal(several) == "an animation or several pages; one image is expected"
    alone = tiff_of((SMALL.copy(), _THUMBNAIL))
    assert refusal(alone) == "a TIFF of thumbnails alone; export the picture itself"


def _xmp(value: int) -> bytes:
    return (f'<x:xmpmeta xmlns:x="adobe:ns:meta/"><rdf:Description tiff:Orientation="{value}"/>'
            "</x:xmpmeta>").encode()  # fmt: skip


def _png_xmp(value: int, **options: object) -> bytes:
    data = encoded("PNG", **options)
    return data[:33] + chunk(b"iTXt", b"XML:com.adobe.xmp\0\0\0\0\0" + _xmp(value)) + data[33:]


_BY_XMP: dict[str, Callable[[int], bytes]] = {
    "PNG": _png_xmp,
    "JPEG": lambda value: encoded("JPEG", xmp=_xmp(value)),
    "WEBP": lambda value: encoded("WEBP", lossless=True, xmp=_xmp(value)),
    "TIFF": lambda value: encoded("TIFF", tiffinfo={700: _xmp(value)}),
}


@pytest.mark.parametrize("form", _BY_XMP)
@pytest.mark.parametrize("value", [3, 6, 8])
def test_an_orientation_by_xmp_is_applied_and_called_that(form: str, value: int) -> None:
    found = normalize(_BY_XMP[form](value))
    assert found.done[-1] == f"XMP orientation {value} applied"
    upright = np.rot90(out(_BY_XMP[form](1)), {3: 2, 6: 3, 8: 1}[value])
    assert (np.asarray(found.image) == upright).all()
    wrong = score_bytes(_BY_XMP[form](value), Expectation())[1]
    assert f"XMP orientation {value}" in wrong


def test_exif_comes_before_xmp() -> None:
    found = normalize(_png_xmp(8, exif=exif(6)))
    assert found.done == ("EXIF orientation 6 applied",)
