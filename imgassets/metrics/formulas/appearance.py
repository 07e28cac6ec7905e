"""Look: do the candidate's images, taken together, look like the incumbent's, and are they many?

Simple features of each image (lightness, color, contrast, sharpness, noise, a frame), to be held
against the incumbent's on the same prompts by a margin either way: two models draw different
pictures, but a step of a whole prompt set is a style change nobody asked for, or a broken pipeline.
And images that repeat another one, as they do when a seed or a prompt gets lost.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

import numpy as np

from imgassets.images.pixels import Pixels, check_rgb
from imgassets.metrics.formulas.artefact_patterns import luma
from imgassets.metrics.formulas.duplicates import near_hashes, perceptual_hash
from imgassets.metrics.formulas.style_features import FEATURES, features
from imgassets.metrics.scores import Score

#: Bits of the perceptual hash two images may differ in to be looked at more closely.
_BITS = 2
#: Mean difference of all channels, in levels, up to which one image repeats another. Two seeds of
#: the embedded models differ by at least 0.5 in the demo; another batch size by less than 0.01.
SAME_LEVELS = 0.1
#: It is in no table: it is kept so that finding repeats need not look at all pixels again.
HASH = "look.hash"


def score(image: Pixels) -> list[Score]:
    """`look.lightness` .. `look.noise` (see `drift.features`) and `look.frame` of one image.

    And `look.hash`, whose reason is the image's perceptual hash, 16 hex digits: no metric, but what
    finding repeats begins with.

    Args:
        image: uint8, (H, W, 3), sRGB, at least 8 px a side.
    """
    found = dict(zip(FEATURES, features(image), strict=True)) | {"frame": frame(image)}
    scores = [Score(f"look.{name}", float(value)) for name, value in found.items()]
    return [*scores, Score(HASH, 0.0, f"{perceptual_hash(image):016x}")]


def frame(image: Pixels) -> float:
    """Step between the outermost line of pixels and the next one; levels of luma, 0 and up.

    Mean over all places around the image; 0 on a flat ground, 255 for a black line around white.
    """
    plane = luma(check_rgb(image, least=8))
    sides = [(side[0], side[1]) for side in (plane, plane[::-1], plane.T, plane.T[::-1])]
    return float(np.mean([np.abs(outer - inner).mean() for outer, inner in sides]))


def repeated(hashes: Mapping[str, int], read: Callable[[str], Pixels]) -> dict[str, str]:
    """Which images repeat another one, and which.

    Args:
        hashes: perceptual hash by name, of images that ought to differ: other prompts or seeds.
        read: the pixels of a name; read anew for each look, so that memory stays small.

    Returns:
        For each image that has a repeat, the name of the first. Perceptual hashes find pairs to
        look at; pixels decide, since hashes know no color and few details.
    """
    found: dict[str, str] = {}
    for pair in near_hashes(hashes, _BITS):
        one, two = (read(name).astype(np.int16) for name in (pair.first, pair.second))
        if one.shape == two.shape and float(np.abs(one - two).mean()) <= SAME_LEVELS:
            found.setdefault(pair.first, pair.second)
            found.setdefault(pair.second, pair.first)
    return found


def repeated_in(keys: Sequence[tuple[str, int]], read: Callable[[str], Pixels]) -> dict[str, str]:
    """Which of a table's images repeat another one, and which: image keys.

    Args:
        keys: image key and perceptual hash of each row that ought to differ from all others. Two
            requests may share one key: then they repeat each other, which must show.
        read: the pixels of an image key.
    """
    hashes = {f"{i}:{key}": bits for i, (key, bits) in enumerate(keys)}
    alike = repeated(hashes, lambda name: read(name.partition(":")[2]))
    return {name.partition(":")[2]: other.partition(":")[2] for name, other in alike.items()}
