"""Near duplicates: different prompts or seeds that gave (nearly) the same picture.

A model that ignores its prompt or its seed is caught here, not by any score of a single image.
Perceptual hashes are ImageHash's; their bits depend on Pillow's resizing, so hashes of two versions
of either must not be compared: those kept as scores are kept by both versions.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from PIL import Image

from imgassets.images.pixels import Pixels, check_rgb

HASH_BITS = 64


@dataclass(frozen=True)
class Duplicate:
    """Two images alike: their names, and the bits (0..64) their hashes differ in."""

    first: str
    second: str
    bits: int


def perceptual_hash(image: Pixels) -> int:
    """Zauner's pHash: signs of the low 8 x 8 DCT coefficients of a 32 x 32 luma thumbnail.

    Args:
        image: uint8, (H, W, 3), sRGB.

    Returns:
        64 bits as an integer. Compare with `hash_distance`.

    Agreement: the DCT recomputed with scipy gives the same bits, exactly.
    """
    import imagehash

    bits = imagehash.phash(Image.fromarray(check_rgb(image))).hash
    return int("".join("1" if bit else "0" for bit in bits.flatten()), 2)


def hash_distance(first: int, second: int) -> int:
    """Bits two hashes differ in, 0..64; lower is more alike, unrelated pictures differ in 32."""
    return (first ^ second).bit_count()


def near_duplicates(images: Mapping[str, Pixels], max_bits: int) -> list[Duplicate]:
    """Pairs of images that are nearly the same.

    Args:
        images: by name, such as the image key; give only images that ought to differ (one prompt
            under several seeds, or several prompts under one seed).
        max_bits: largest distance that counts as a duplicate, 0..64.

    Returns:
        Pairs, most alike first. Pictures on flat grounds share many bits, whatever they show:
        among drawn scenes only identical layouts come near 0.

    Raises:
        ValueError: `max_bits` outside 0..64.
    """
    return near_hashes({name: perceptual_hash(images[name]) for name in images}, max_bits)


def near_hashes(hashes: Mapping[str, int], max_bits: int) -> list[Duplicate]:
    """Pairs of images whose perceptual hashes are nearly the same.

    Args:
        hashes: of `perceptual_hash`, by name of the image.
        max_bits: as in `near_duplicates`, which says what comes back and what is raised.
    """
    if not 0 <= max_bits <= HASH_BITS:
        raise ValueError(f"max_bits must be within 0..{HASH_BITS}, got {max_bits}")
    names, bits = list(hashes), np.array(list(hashes.values()), np.uint64)
    found = []
    for index, name in enumerate(names):
        distances = np.bitwise_count(bits[index + 1 :] ^ bits[index])
        for offset in np.flatnonzero(distances <= max_bits):
            other = names[index + 1 + int(offset)]
            found.append(Duplicate(name, other, int(distances[offset])))
    return sorted(found, key=lambda pair: (pair.bits, pair.first, pair.second))
