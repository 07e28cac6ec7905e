"""Artefacts: every failure mode is found when planted, and no clean image is accused."""

from __future__ import annotations

import io
import random

import cv2
import numpy as np
import pytest
from PIL import Image, ImageCms

from imgassets.metrics.formulas.artefacts import blank_deviation, inspect, score
from imgassets.tiny.scenes import BACKGROUNDS, COLORS, sample_scene, text_scene

SCENE = sample_scene(random.Random(3), "counting").render()


def encoded(image: Image.Image, kind: str = "PNG", **options: object) -> bytes:
    """The bytes of a file."""
    buffer = io.BytesIO()
    image.save(buffer, kind, **options)
    return buffer.getvalue()


def modes(source: bytes | Image.Image, mode: str = "RGB") -> list[str]:
    """The failure modes found in a 96 x 96 image."""
    return [finding.mode for finding in inspect(source, (96, 96), mode)]


@pytest.mark.parametrize("seed", range(12))
@pytest.mark.parametrize("kind", ["PNG", "JPEG", "WEBP"])
def test_clean_images_have_no_findings(seed: int, kind: str) -> None:
    """Drawn scenes of every task pass, from a file and opened."""
    image = sample_scene(random.Random(seed)).render()
    assert modes(encoded(image, kind)) == []
    assert modes(image) == []
    assert score(inspect(image, (96, 96))).value == 1.0


def test_the_smallest_and_palest_picture_is_not_blank() -> None:
    """One small I, in the least contrasting color of each background."""
    for background, ground in BACKGROUNDS.items():
        color = min(COLORS, key=lambda c: np.abs(np.subtract(COLORS[c], ground)).max())
        scene = text_scene(random.Random(0), "I", color, background, "small")
        assert modes(scene.render()) == [], (background, color)


@pytest.mark.parametrize("level", [0, 17, 128, 255])
def test_flat_images_are_blank(level: int) -> None:
    """One color, with or without the noise a decoder adds and a few hot pixels."""
    rng = np.random.default_rng(level)
    noisy = np.clip(level + rng.normal(0, 1.5, (96, 96, 3)), 0, 255).round().astype(np.uint8)
    noisy[3, 4] = 255 - level
    for pixels in (np.full((96, 96, 3), level, np.uint8), noisy):
        assert modes(Image.fromarray(pixels)) == ["blank"]


def test_transparent_images_are_blank() -> None:
    """Pixels nobody can see do not count."""
    hidden = SCENE.convert("RGBA")
    hidden.putalpha(0)
    assert modes(encoded(hidden), "RGBA") == ["blank"]
    hidden.putalpha(255)
    assert modes(encoded(hidden), "RGBA") == []


def test_blank_deviation_by_hand() -> None:
    """10 of 100 pixels 40 levels off: the distance is 40; 0 when there are none."""
    pixels = np.full((10, 10, 3), 50, np.uint8)
    assert blank_deviation(pixels) == 0.0
    pixels[0, :, 1] = 90
    assert blank_deviation(pixels) == 40.0


def test_wrong_size_names_both_sizes() -> None:
    """A swapped width and height is a wrong size too."""
    (finding,) = inspect(SCENE.resize((96, 64)), (64, 96))
    assert finding.mode == "wrong_size"
    assert finding.reason == "expected 64 x 96 pixels, got 96 x 64"


@pytest.mark.parametrize("mode", ["L", "P", "CMYK", "RGBA", "I;16", "1", "F", "LA", "YCbCr"])
def test_other_modes_are_found_not_converted(mode: str) -> None:
    """Grayscale, palette, CMYK, alpha, 16 bit and the rest: one finding, no crash."""
    assert modes(SCENE.convert("I").convert(mode) if mode == "I;16" else SCENE.convert(mode)) == [
        "wrong_mode"
    ]


def test_sixteen_bits_are_found_although_pillow_opens_them_as_rgb() -> None:
    """Pillow halves 16-bit PNGs silently; the file says so before it is decoded."""
    deep = np.asarray(SCENE).astype(np.uint16) * 257
    (finding,) = inspect(cv2.imencode(".png", deep)[1].tobytes(), (96, 96))
    assert finding.mode == "wrong_mode"
    assert "16" in finding.reason


@pytest.mark.parametrize("kind", ["PNG", "WEBP"])
def test_animations_are_found(kind: str) -> None:
    """Two frames are not one image."""
    animation = encoded(SCENE, kind, save_all=True, append_images=[SCENE.rotate(90)])
    findings = inspect(animation, (96, 96))
    assert {finding.mode for finding in findings} == {"wrong_mode"}
    assert "2 frames" in findings[0].reason


def test_exif_orientation_and_foreign_profiles_are_found() -> None:
    """Pixels that only some viewers turn or color right are not what the contract returns."""
    exif = SCENE.getexif()
    exif[0x0112] = 6
    (finding,) = inspect(encoded(SCENE, "JPEG", exif=exif), (96, 96))
    assert "orientation 6" in finding.reason
    lab = ImageCms.ImageCmsProfile(ImageCms.createProfile("XYZ")).tobytes()
    assert modes(encoded(SCENE, icc_profile=lab)) == ["wrong_mode"]
    srgb = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    assert modes(encoded(SCENE, icc_profile=srgb)) == []


@pytest.mark.parametrize("cut", [0, 7, 30, 200, -40])
@pytest.mark.parametrize("kind", ["PNG", "JPEG", "WEBP"])
def test_truncated_files_are_unreadable(cut: int, kind: str) -> None:
    """Cut anywhere, a file is one finding and never a crash."""
    whole = encoded(SCENE, kind)
    (finding,) = inspect(whole[:cut], (96, 96))
    assert finding.mode == "unreadable"


def test_other_files_are_unreadable() -> None:
    """An error page saved as an image is the usual one."""
    assert modes(b"<html>502 Bad Gateway</html>") == ["unreadable"]
    assert modes(random.Random(0).randbytes(500)) == ["unreadable"]


def test_the_score_lists_every_reason() -> None:
    """All findings are kept, not only the first."""
    gray = Image.new("L", (10, 10), 9)
    found = score(inspect(gray, (96, 96)))
    assert found.metric == "artefacts.clean"
    assert found.value == 0.0
    for mode in ("wrong_mode", "wrong_size", "blank"):
        assert mode in found.reason
