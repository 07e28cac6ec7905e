"""What comes out of a good image: the right pixels, by the contract's rule."""

from __future__ import annotations

import io
import struct
import zlib
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image, ImageOps

from imgassets.documents.sources import SOURCE_FORMATS, SourceRules
from imgassets.images.errors import RefusedError
from imgassets.images.intake import ANY_SOURCE, check_bytes
from imgassets.images.normalize import normalize
from imgassets_tests.images import icc
from imgassets_tests.images.corpus import Case
from imgassets_tests.images.corpus.broken import BROKEN_FILES
from imgassets_tests.images.files import (
    PICTURE,
    chunk,
    deep_png,
    encoded,
    exif,
    header,
    jpeg_of_scans,
    png,
    small_png,
)
from imgassets_tests.images.patches import all_errors

PIXELS = np.asarray(PICTURE)


def rules(**changed: Any) -> SourceRules:
    return SourceRules(**{"source_formats": SOURCE_FORMATS} | changed)


def out(data: bytes, taken: SourceRules = ANY_SOURCE) -> np.ndarray:
    return np.asarray(normalize(data, taken).image)


def refusal(data: bytes, taken: SourceRules = ANY_SOURCE) -> str:
    with pytest.raises(RefusedError) as caught:
        normalize(data, taken)
    return str(caught.value)


@pytest.mark.parametrize("form", ["PNG", "TIFF", "BMP"])
def test_lossless_pixels_stay_as_they_are(form: str) -> None:
    assert (out(encoded(form)) == PIXELS).all()


def test_an_interlaced_png_is_whole_and_a_shorter_one_is_not() -> None:
    """Adam7 of 5 x 3 px: six of the seven passes have pixels, as (width, height)."""
    passes = [(1, 1), (1, 1), (1, 1), (3, 1), (2, 2), (5, 1)]
    lines = b"".join(b"\0" + b"\x40" * width for width, height in passes for _ in range(height))
    ihdr = chunk(b"IHDR", struct.pack(">2I5B", 5, 3, 8, 0, 0, 0, 1))
    whole = png(ihdr, chunk(b"IDAT", zlib.compress(lines)))
    assert (out(whole) == 64).all()
    short = png(ihdr, chunk(b"IDAT", zlib.compress(lines[:-1])))
    assert refusal(short) == "truncated: rows of pixels are missing"


@pytest.mark.parametrize("value", range(1, 9))
def test_orientation_is_applied(value: int) -> None:
    """As Pillow's own `exif_transpose`, and seen in the corner that was the first pixel."""
    data = encoded("PNG", exif=exif(value))
    stored = Image.open(io.BytesIO(data))
    assert (out(data) == np.asarray(ImageOps.exif_transpose(stored))).all()
    corners = {1: (0, 0), 2: (0, -1), 3: (-1, -1), 4: (-1, 0), 5: (0, 0), 6: (0, -1), 7: (-1, -1),
               8: (-1, 0)}  # fmt: skip
    assert (out(data)[corners[value]] == PIXELS[0, 0]).all()


@pytest.mark.parametrize("form", ["PNG", "JPEG", "WEBP"])
def test_nothing_of_the_file_stays_with_the_image(form: str) -> None:
    """Else a later `exif_transpose` would turn it a second time."""
    data = encoded(form, exif=exif(6, "secret"), icc_profile=icc.DISPLAY_P3.profile())
    image = normalize(data).image
    assert (image.info, dict(image.getexif())) == ({}, {})
    assert ImageOps.exif_transpose(image).size == image.size == PICTURE.size[::-1]


def test_a_tiff_is_turned_once() -> None:
    turned = out(encoded("TIFF", tiffinfo={0x0112: 6}))
    assert (turned == np.rot90(PIXELS, -1)).all()


@pytest.mark.parametrize("channels", [1, 2, 3, 4])
def test_16_bits_are_rounded_not_cut(channels: int) -> None:
    """Every value once: `round(value / 257)`, where Pillow alone would keep the high byte."""
    values = np.arange(65536, dtype=np.uint16).reshape(256, 256, 1).repeat(channels, 2)
    got = out(deep_png(values), rules(source_alpha="keep"))
    want = np.round(values[..., 0] / 257.0).astype(np.uint8)
    assert (got == want[..., None]).all()
    assert (want != values[..., 0] >> 8).any()


def test_16_bits_of_a_tiff_are_rounded_in_both_byte_orders() -> None:
    values = np.arange(48, dtype=np.uint16).reshape(4, 4, 3) * 1361
    for order, mark in (("<", b"II*\0"), (">", b"MM\0*")):
        entries = {256: (3, 4), 257: (3, 4), 258: (3, 16), 259: (3, 1), 262: (3, 2), 273: (4, 200),
                   277: (3, 3), 278: (3, 4), 279: (4, 96)}  # fmt: skip
        body = b"".join(
            struct.pack(f"{order}2HI", tag, kind, 3 if tag == 258 else 1)
            + (struct.pack(f"{order}I", 180) if tag == 258
               else struct.pack(f"{order}H2x" if kind == 3 else f"{order}I", value))
            for tag, (kind, value) in entries.items()
        )  # fmt: skip
        head = mark + struct.pack(f"{order}IH", 8, len(entries)) + body + bytes(4)
        depths = struct.pack(f"{order}3H", 16, 16, 16)
        data = head.ljust(180, b"\0") + depths
        data = data.ljust(200, b"\0") + values.astype(f"{order}u2").tobytes()
        assert (out(data) == np.round(values / 257.0)).all()


def test_a_transparent_16_bit_color_is_found_among_its_neighbours() -> None:
    values = np.full((2, 2, 3), 1000, np.uint16)
    values[0, 0] = 1001
    data = deep_png(values).replace(chunk(b"IEND"), b"")
    at = data.index(b"IDAT") - 4
    keyed = data[:at] + chunk(b"tRNS", struct.pack(">3H", 1001, 1001, 1001)) + data[at:]
    alpha = out(keyed + chunk(b"IEND"), rules(source_alpha="keep"))[..., 3]
    assert alpha.tolist() == [[0, 255], [255, 255]]


def test_colors_come_out_as_the_formulas_say() -> None:
    """CIEDE2000 of known patches, below what anybody sees; CMYK's table is coarser."""
    for name, errors, _ in all_errors():
        assert errors.mean() < (0.4 if "CMYK" in name else 0.12), name
        assert errors.max() < (1.6 if "CMYK" in name else 0.3), name


def test_a_dropped_profile_would_be_seen() -> None:
    """The other direction: the measure tells a conversion that is left out."""
    from imgassets_tests.images.patches import CUBE, delta_e, in_gamut

    truth = icc.DISPLAY_P3.xyz(CUBE)
    assert delta_e(CUBE, truth)[in_gamut(truth)].mean() > 2


def test_a_profile_is_judged_by_what_it_does_not_by_its_name() -> None:
    plain = normalize(encoded("PNG", icc_profile=icc.SRGB.profile()))
    assert plain.done == ("profile 'drawn sRGB' is sRGB, dropped",)
    assert (np.asarray(plain.image) == PIXELS).all()
    named = icc.RgbSpace("sRGB", icc.ADOBE_RGB.primaries, icc.D65, icc.ADOBE_RGB.curve)
    assert normalize(encoded("PNG", icc_profile=named.profile())).done == (
        "colors from 'sRGB' to sRGB",
    )


def test_gray_under_an_rgb_profile_keeps_its_tone() -> None:
    data = encoded("PNG", PICTURE.convert("L"), icc_profile=icc.SRGB.profile())
    assert (out(data) == np.asarray(PICTURE.convert("L"))[..., None]).all()


def test_alpha_by_the_contracts_rule() -> None:
    alpha = np.arange(24 * 32, dtype=np.uint8).reshape(24, 32)
    data = encoded("PNG", Image.fromarray(np.dstack([PIXELS, alpha]), "RGBA"))
    kept = out(data, rules(source_alpha="keep"))
    assert (kept == np.dstack([PIXELS, alpha])).all()
    weight = alpha[..., None] / 255.0
    flat = PIXELS * weight + np.array([255, 128, 0]) * (1 - weight)
    assert np.abs(out(data, rules(source_alpha="#ff8000")) - flat).max() <= 1
    assert refusal(data, rules(source_alpha="refuse")).startswith("has transparent pixels")
    opaque = encoded("PNG", PICTURE.convert("RGBA"))
    assert (out(opaque, rules(source_alpha="refuse")) == PIXELS).all()


@pytest.mark.parametrize(
    ("kind", "data"),
    [
        ("grayscale", encoded("PNG", PICTURE.convert("L"))),
        ("grayscale", encoded("PNG", PICTURE.convert("LA"))),
        ("palette", encoded("GIF")),
        ("cmyk", encoded("JPEG", PICTURE.convert("CMYK"))),
        ("16-bit", deep_png(np.zeros((2, 2, 3), np.uint16))),
    ],
)
def test_kinds_of_pixels_a_contract_does_not_name_are_refused(kind: str, data: bytes) -> None:
    others = tuple(k for k in ("grayscale", "palette", "cmyk", "16-bit") if k != kind)
    assert refusal(data, rules(source_kinds=others)).startswith(f"{kind} pixels")
    assert normalize(data, rules(source_kinds=(kind,))).image.mode == "RGB"


def test_formats_by_content_and_only_those_named() -> None:
    only = rules(source_formats=("PNG", "WEBP"))
    assert refusal(encoded("JPEG"), only) == "a JPEG image; accepted: PNG, WEBP"
    assert normalize(encoded("WEBP"), only).image.size == PICTURE.size


def test_limits_hold_at_their_edge() -> None:
    data, pixels = encoded("PNG"), PICTURE.width * PICTURE.height
    assert normalize(data, rules(max_source_pixels=pixels, max_source_bytes=len(data)))
    assert "more than the limit" in refusal(data, rules(max_source_pixels=pixels - 1))
    assert "larger than the limit" in refusal(data, rules(max_source_bytes=len(data) - 1))


def test_a_limit_is_checked_before_anything_is_decoded() -> None:
    """The pixels would not even inflate, but they are never looked at."""
    data = png(header(9000, 9000), chunk(b"IDAT", b"not deflate"))
    assert "9000 x 9000" in refusal(data)


def test_ten_scans_are_usual_and_taken() -> None:
    assert check_bytes(jpeg_of_scans(1)) == "JPEG"
    assert normalize(encoded("JPEG", progressive=True)).image.size == PICTURE.size


@pytest.mark.parametrize("extra", [bytes(8), bytes(60)])
def test_padding_before_a_jpegs_end_is_no_damage(extra: bytes) -> None:
    """Cameras pad; libjpeg warns of it as it does of holes."""
    data = encoded("JPEG", PICTURE.resize((320, 240)))
    assert normalize(data[:-2] + extra + data[-2:]).image.size == (320, 240)


def test_gamma_of_srgb_and_cicp_of_srgb_are_fine() -> None:
    gamma = chunk(b"gAMA", struct.pack(">I", 45455))
    cicp = chunk(b"cICP", bytes([1, 13, 0, 1]))
    assert normalize(small_png(gamma, cicp)).done == ()


@pytest.mark.parametrize(
    "case", [c for c in BROKEN_FILES if c.reason.startswith(("damaged", "truncated: rows"))],
    ids=lambda case: case.name,
)  # fmt: skip
def test_what_a_decoder_lets_pass_is_refused_all_the_same(case: Case, tmp_path: Path) -> None:
    """Pillow alone opens these and fills what is lost with gray or black, without a word."""
    path = case.make(tmp_path)
    if not {"IHDR", "tRNS"} & set(case.reason.split()) and case.name != "PNG, no pixels":
        Image.open(path).load()
    assert refusal(Path(path).read_bytes())
