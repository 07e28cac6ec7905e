"""Known patches through the product's color conversion, and how far they come out, in CIEDE2000."""

from __future__ import annotations

import io
from collections.abc import Iterator
from itertools import product

import numpy as np
from PIL import Image
from skimage.color import deltaE_ciede2000

from imgassets.images.normalize import normalize
from imgassets_tests.images import icc

_STEPS = (0, 51, 102, 153, 204, 255)
CUBE = np.array(list(product(_STEPS, repeat=3)), np.uint8)


def through(pixels: np.ndarray, mode: str, profile: bytes | None, form: str) -> np.ndarray:
    """uint8 patches (N, C) or (N,) as a file, normalized: uint8 (N, 3), sRGB."""
    buffer = io.BytesIO()
    image = Image.fromarray(pixels[None], mode)
    image.save(buffer, form, icc_profile=profile, **({"quality": 100} if form == "JPEG" else {}))
    return np.asarray(normalize(buffer.getvalue()).image)[0]


def delta_e(got: np.ndarray, truth_xyz: np.ndarray) -> np.ndarray:
    """CIEDE2000 between sRGB levels that came out and XYZ (D50) they should be."""
    got_lab = icc.xyz_to_lab(icc.SRGB.xyz(got), icc.D50)
    return np.asarray(deltaE_ciede2000(got_lab, icc.xyz_to_lab(truth_xyz, icc.D50)))


def in_gamut(xyz: np.ndarray) -> np.ndarray:
    """Whether sRGB has a color (with room for half a level)."""
    linear = xyz @ np.linalg.inv(icc.SRGB.matrix).T
    return ((linear > -1e-4) & (linear < 1 + 1e-4)).all(axis=-1)


def all_errors() -> Iterator[tuple[str, np.ndarray, int]]:
    """(what, errors of the patches sRGB has, number of those it has not)."""
    for space in (icc.SRGB, icc.DISPLAY_P3, icc.ADOBE_RGB, icc.PROPHOTO):
        truth = space.xyz(CUBE)
        inside = in_gamut(truth)
        got = through(CUBE, "RGB", space.profile(), "PNG")
        yield space.name, delta_e(got, truth)[inside], int((~inside).sum())
    for gamma in (1.8, 2.2):
        levels = np.arange(256, dtype=np.uint8)
        truth = icc.D50 * (levels[:, None] / 255.0) ** gamma
        got = through(levels, "L", icc.gray_profile(gamma), "PNG")
        yield f"Gray gamma {gamma:g}", delta_e(got, truth), 0
    inks = np.array(list(product(_STEPS, repeat=4)), np.uint8)
    black = icc.inks_lab(np.ones(4))
    truth = icc.black_compensated(icc.inks_lab(inks / 255.0), black)
    inside = in_gamut(truth)
    got = through(inks, "CMYK", icc.cmyk_profile(), "TIFF")
    yield "CMYK by table", delta_e(got, truth)[inside], int((~inside).sum())
