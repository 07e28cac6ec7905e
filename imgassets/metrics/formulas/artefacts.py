"""Artefacts: is this an image at all, of the size and kind promised, and not blank?

Here belong the faults that make an image unusable, each a failure mode of the contract. They are
findings, not grades: an image that fails one has no other scores. Patterns that spoil a usable
image (banding, tiles, blocks) are in `artefact_patterns`; what only shows beside the incumbent's
image is in `artefact_reference`.
"""

from __future__ import annotations

import io
import math
from dataclasses import dataclass

import cv2
import numpy as np
from PIL import Image, UnidentifiedImageError

from imgassets.documents.failures import FailureMode
from imgassets.documents.sources import MAX_SOURCE_PIXELS
from imgassets.images.colors import is_srgb, profile_name
from imgassets.images.intake import has_several
from imgassets.images.orientation import orientation, without_xmp
from imgassets.metrics.scores import Score

#: An image is blank when no more than `BLANK_SHARE` of its pixels is further than `BLANK_LEVELS`
#: from its median color. The smallest letter of the drawn scenes covers .24 % of 96 x 96 pixels.
BLANK_LEVELS = 8
BLANK_SHARE = 0.001

#: A file that claims more pixels than this is refused before it is decoded.
MAX_PIXELS = MAX_SOURCE_PIXELS


@dataclass(frozen=True)
class Finding:
    """One failure mode of one image, and why, in words a person can check."""

    mode: FailureMode
    reason: str


def inspect(
    source: bytes | Image.Image, expected_size: tuple[int, int], expected_mode: str = "RGB"
) -> list[Finding]:
    """Everything that makes an image unusable.

    Args:
        source: the encoded file (PNG, JPEG, WEBP, ...), or an image already opened. Only the
            file shows truncation and all of its encoding, so prefer it where there is one.
        expected_size: `(width, height)` in pixels, as the contract returns.
        expected_mode: Pillow mode the contract returns, `RGB` or `RGBA`.

    Returns:
        Findings, empty for a clean image: `unreadable` (truncated, not an image, more than
        `MAX_PIXELS`; alone, as nothing else is known), `wrong_size`, `wrong_mode` (another mode, 16
        bits a channel, animated, an EXIF orientation left to the viewer, a color profile other than
        sRGB), `blank`.
    """
    return examine(source, expected_size, expected_mode)[0]


def examine(
    source: bytes | Image.Image, expected_size: tuple[int, int], expected_mode: str = "RGB"
) -> tuple[list[Finding], Image.Image | None]:
    """As `inspect`, with the decoded image (None when unreadable), so that it is decoded once."""
    try:
        encoding, image = _opened(source)
    except (OSError, ValueError, SyntaxError, Image.DecompressionBombError) as error:
        return [Finding("unreadable", _short(error))], None
    findings = [Finding("wrong_mode", reason) for reason in encoding]
    if image.mode != expected_mode:
        reason = f"expected mode {expected_mode}, got {image.mode}"
        findings.append(Finding("wrong_mode", reason))
    if image.size != tuple(expected_size):
        width, height = expected_size
        reason = f"expected {width} x {height} pixels, got {image.width} x {image.height}"
        findings.append(Finding("wrong_size", reason))
    if (flat := _blank(image)) is not None:
        findings.append(Finding("blank", flat))
    return findings, image


def score(findings: list[Finding]) -> Score:
    """`artefacts.clean`: 1.0 without findings, else 0.0 with the reasons; higher is better."""
    reason = "; ".join(f"{finding.mode}: {finding.reason}" for finding in findings)
    return Score("artefacts.clean", float(not findings), reason)


def blank_deviation(pixels: np.ndarray) -> float:
    """How far an image gets from its median color: 0 for a flat one.

    Args:
        pixels: uint8, (H, W) or (H, W, C), 0..255.

    Returns:
        The distance (levels, 0..255, largest channel) that all but `BLANK_SHARE` of the pixels
        keep within. No direction: it only tells blank from not.
    """
    flat = pixels.reshape(pixels.shape[0] * pixels.shape[1], -1)
    farthest = np.zeros(len(flat), np.uint16)
    for channel in flat.T:
        twice = 2 * np.arange(256) - int(2 * _median(channel))  # medians may end in .5
        np.maximum(farthest, np.abs(twice).astype(np.uint16)[channel], out=farthest)
    rank = math.ceil((1.0 - BLANK_SHARE) * (len(flat) - 1))
    return _ranked(farthest, 511, [rank]) / 2.0


def _median(levels: np.ndarray) -> float:
    """Median of 8-bit levels."""
    return _ranked(levels, 256, [(levels.size - 1) // 2, levels.size // 2])


def _ranked(values: np.ndarray, limit: int, ranks: list[int]) -> float:
    """Mean of the values at these ranks, from counts: many times faster than sorting."""
    counts = cv2.calcHist([np.ascontiguousarray(values)], [0], None, [limit], [0, limit])
    below = np.cumsum(counts, dtype=np.int64)
    return float(np.searchsorted(below, ranks, side="right").mean())


def _opened(source: bytes | Image.Image) -> tuple[list[str], Image.Image]:
    """Faults of the encoding, read before decoding hides them, and the decoded image."""
    image = Image.open(io.BytesIO(source)) if isinstance(source, bytes) else source
    if image.width * image.height > MAX_PIXELS:
        size = f"{image.width} x {image.height} pixels"
        raise Image.DecompressionBombError(f"{size}, more than the limit of {MAX_PIXELS}")
    faults = _encoding_faults(image)
    image.load()
    return faults, image


def _encoding_faults(image: Image.Image) -> list[str]:
    faults = []
    raw_modes = [str(tile[3]) for tile in getattr(image, "tile", [])]
    if any(";16" in mode for mode in raw_modes):
        faults.append("expected 8 bits a channel, got 16")
    if has_several(image):
        frames = getattr(image, "n_frames", 1)
        faults.append(f"expected one image, got an animation of {frames} frames")
    turned, said_by = orientation(image, without_xmp(image))
    if turned not in (1, None):
        faults.append(f"{said_by} orientation {turned}: upright only for viewers that apply it")
    profile = image.info.get("icc_profile")
    if profile and not is_srgb(profile):
        faults.append(f"expected sRGB, got the color profile {profile_name(profile)!r}")
    return faults


def _blank(image: Image.Image) -> str | None:
    if image.mode not in ("L", "LA", "RGB", "RGBA", "CMYK"):
        image = image.convert("RGBA")  # only to look at it; the mode is a finding of its own
    pixels = np.asarray(image)
    if image.mode in ("LA", "RGBA") and not pixels[..., -1].any():
        return "every pixel is fully transparent"
    deviation = blank_deviation(pixels)
    if deviation > BLANK_LEVELS:
        return None
    channels = pixels.reshape(image.width * image.height, -1).T
    color = tuple(int(_median(channel)) for channel in channels)
    return f"one flat color {color}: all but {BLANK_SHARE:.1%} of it within {deviation:.0f} levels"


def _short(error: Exception) -> str:
    if isinstance(error, UnidentifiedImageError):
        return "not an image in any known format"
    return f"cannot be decoded: {error}"
