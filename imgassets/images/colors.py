"""Colors of any image as sRGB, by its embedded profile; alpha by rule."""

from __future__ import annotations

import io
from collections.abc import Sequence
from functools import lru_cache

import numpy as np
from PIL import ExifTags, Image, ImageCms, ImageColor

from imgassets.images.errors import RefusedError, readable

#: Photoshop's default: equal whites, and the darkest source color becomes black.
_INTENT = ImageCms.Intent.RELATIVE_COLORIMETRIC
_FLAGS = ImageCms.Flags.BLACKPOINTCOMPENSATION | ImageCms.Flags.HIGHRESPRECALC
#: A profile that moves no color by more levels than this is sRGB, whatever it is called.
_SAME_LEVELS = 1

#: PNG's gAMA of sRGB, and how far another may be before its colors would show.
_GAMMA, _NEAR = 1 / 2.2, 0.005
#: White, red, green and blue of sRGB (x, y), and the rounding of those who write them.
_WHITE, _PRIMARIES = (0.3127, 0.3290), (0.64, 0.33, 0.30, 0.60, 0.15, 0.06)
_NEAR_XY = 0.003
_WITHOUT = "without a color profile; save it as sRGB"
_EXIF_WHITE, _EXIF_PRIMARIES, _EXIF_SPACE = 0x013E, 0x013F, 0xA001
_EXIF_SRGB, _EXIF_ADOBE = 1, 2


def check_encoding(image: Image.Image) -> None:
    """Refuse colors that a file says are not sRGB with no profile to convert by.

    Leaving such pixels as they are would change what people see. Looked at are a PNG's gAMA and
    cHRM, unless its sRGB chunk overrules them, and what cameras write into EXIF for Adobe RGB.

    Args:
        image: decoded, so that all its metadata is read.

    Raises:
        RefusedError: so it is.
    """
    info = image.info
    if info.get("icc_profile"):
        return
    if "srgb" not in info and (gamma := info.get("gamma")) is not None:
        check_gamma(gamma)
    gray = image.mode in ("1", "L", "LA") or image.mode.startswith("I;16")  # has no primaries
    if "srgb" not in info and not gray and (said := info.get("chromaticity")) is not None:
        check_chromaticities(said[2:], said[:2])
    _check_exif(image)


def check_gamma(gamma: float) -> None:
    """
    Args:
        gamma: from light to levels, as PNG's gAMA: 1 / 2.2 for sRGB.

    Raises:
        RefusedError: not that of sRGB.
    """
    if abs(gamma - _GAMMA) > _NEAR:
        raise RefusedError(f"gamma {gamma:g} {_WITHOUT}")


def check_chromaticities(primaries: Sequence[float], white: Sequence[float] = _WHITE) -> None:
    """
    Args:
        primaries: x and y of red, green and blue.
        white: its x and y.

    Raises:
        RefusedError: not those of sRGB.
    """
    for said, srgb, what in ((primaries, _PRIMARIES, "primaries"), (white, _WHITE, "white point")):
        if any(abs(a - b) > _NEAR_XY for a, b in zip(said, srgb, strict=True)):
            raise RefusedError(f"{what} other than sRGB's {_WITHOUT}")


def _check_exif(image: Image.Image) -> None:
    try:
        exif = image.getexif()
        space = exif.get_ifd(ExifTags.IFD.Exif).get(_EXIF_SPACE)
        kind = exif.get_ifd(ExifTags.IFD.Interop).get(ExifTags.Interop.InteropIndex)
        white, primaries = (
            [float(v) for v in exif.get(tag) or default]
            for tag, default in ((_EXIF_WHITE, _WHITE), (_EXIF_PRIMARIES, _PRIMARIES))
        )
    except Exception:  # hostile EXIF raises anything, and says nothing then
        return
    # DCF: "R03" with an uncalibrated color space is Adobe RGB; some write a 2 for it.
    if space == _EXIF_ADOBE or (str(kind).startswith("R03") and space != _EXIF_SRGB):
        raise RefusedError(f"Adobe RGB by its EXIF {_WITHOUT}")
    if len(white) == 2 and len(primaries) == 6:
        check_chromaticities(primaries, white)


def is_srgb(profile: bytes) -> bool:
    """Whether a profile of RGB pixels moves no color by more than a level.

    Judged by what it does, whatever it is called; one that cannot be read is not sRGB.
    """
    try:
        space, _ = _described(profile)
        return space == "RGB" and _transform(profile, "RGB") is None
    except RefusedError:
        return False


def profile_name(profile: bytes) -> str:
    """What a profile calls itself, in harmless letters."""
    try:
        return _described(profile)[1]
    except RefusedError:
        return "unreadable profile"


def to_srgb(image: Image.Image, profile: bytes | None) -> tuple[Image.Image, str]:
    """8-bit pixels as sRGB, and what was done in words (empty: nothing).

    Args:
        image: mode L, RGB or CMYK.
        profile: the embedded ICC profile; without one RGB and gray are sRGB already, and CMYK is
            converted by Pillow's plain formula, since nothing says what its inks look like.

    Raises:
        RefusedError: the profile is broken, or is for other pixels.
    """
    if profile:
        return _by_profile(image, profile)
    if image.mode == "CMYK":
        return image.convert("RGB"), "CMYK without a profile to sRGB by the plain formula"
    return image.convert("RGB"), "gray to RGB" if image.mode == "L" else ""


def _by_profile(image: Image.Image, profile: bytes) -> tuple[Image.Image, str]:
    space, name = _described(profile)
    if image.mode == "L" and space == "RGB":
        image = image.convert("RGB")
    if space != {"L": "GRAY"}.get(image.mode, image.mode):
        raise RefusedError(
            f"the embedded color profile {name!r} is for {space} pixels, the image is {image.mode}"
        )
    transform = _transform(profile, image.mode)
    if transform is None:
        return image.convert("RGB"), f"profile {name!r} is sRGB, dropped"
    return ImageCms.applyTransform(image, transform), f"colors from {name!r} to sRGB"  # type: ignore[return-value]


@lru_cache(maxsize=8)
def _described(profile: bytes) -> tuple[str, str]:
    """(color space, name) of a profile; the name is from outside, so it is made harmless."""
    try:
        opened = ImageCms.ImageCmsProfile(io.BytesIO(profile))
        name = ImageCms.getProfileDescription(opened)
        return opened.profile.xcolor_space.strip(), readable(name.strip(), 60)
    except Exception as error:  # LCMS over hostile bytes, see `intake`
        raise RefusedError("the embedded color profile cannot be read") from error


@lru_cache(maxsize=8)
def _transform(profile: bytes, mode: str) -> ImageCms.ImageCmsTransform | None:
    """The way to sRGB; None where that changes nothing. Making one takes longer than using it."""
    try:
        transform = ImageCms.buildTransform(
            ImageCms.ImageCmsProfile(io.BytesIO(profile)),
            ImageCms.createProfile("sRGB"),
            mode,
            "RGB",
            _INTENT,
            _FLAGS,
        )
        return None if mode == "RGB" and _changes_nothing(transform) else transform
    except Exception as error:  # LCMS over hostile bytes, see `intake`
        raise RefusedError("the embedded color profile has no way to sRGB") from error


def _changes_nothing(transform: ImageCms.ImageCmsTransform) -> bool:
    steps = np.linspace(0, 255, 17).round().astype(np.uint8)
    cube = np.stack(np.meshgrid(steps, steps, steps), axis=-1).reshape(17, 289, 3)
    moved = np.asarray(ImageCms.applyTransform(Image.fromarray(cube), transform))
    return int(np.abs(moved.astype(int) - cube).max()) <= _SAME_LEVELS


def with_alpha(image: Image.Image, alpha: Image.Image, rule: str) -> tuple[Image.Image, str]:
    """An RGB image and its alpha by the contract's rule, and what was done in words.

    Args:
        image: mode RGB, sRGB.
        alpha: mode L, of the same size; 0 is transparent.
        rule: `refuse`, `keep`, or `#rrggbb` to flatten on (in sRGB, as browsers do).

    Raises:
        RefusedError: the rule is `refuse` and a pixel is not opaque.
    """
    if rule == "keep":
        image.putalpha(alpha)
        return image, ""
    if alpha.getextrema() == (255, 255):
        return image, "opaque alpha dropped"
    if rule == "refuse":
        raise RefusedError("has transparent pixels, which the contract refuses")
    ground = Image.new("RGB", image.size, ImageColor.getrgb(rule))
    ground.paste(image, mask=alpha)
    return ground, f"flattened on {rule}"
