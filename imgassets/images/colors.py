"""Colors of any image as sRGB, by its embedded profile; alpha by rule."""

from __future__ import annotations

import io
from functools import lru_cache

import numpy as np
from PIL import Image, ImageCms, ImageColor

from imgassets.images.refusal import RefusedError, readable

#: Photoshop's default: equal whites, and the darkest source color becomes black.
_INTENT = ImageCms.Intent.RELATIVE_COLORIMETRIC
_FLAGS = ImageCms.Flags.BLACKPOINTCOMPENSATION | ImageCms.Flags.HIGHRESPRECALC
#: A profile that moves no color by more levels than this is sRGB, whatever it is called.
_SAME_LEVELS = 1


#: PNG's gAMA of sRGB, and how far another may be before its colors would show.
_GAMMA, _NEAR = 1 / 2.2, 0.005


def check_gamma(image: Image.Image) -> None:
    """Refuse a PNG whose gAMA chunk says other than sRGB with no profile to convert by.

    Raises:
        RefusedError: so it is; leaving such pixels as they are would change what people see.
    """
    gamma = image.info.get("gamma")
    named = {"icc_profile", "srgb"} & image.info.keys()
    if gamma is not None and not named and abs(gamma - _GAMMA) > _NEAR:
        raise RefusedError(f"gamma {gamma:g} without a color profile; save it as sRGB")


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
