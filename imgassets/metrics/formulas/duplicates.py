"""Near duplicates: different prompts or seeds that gave (nearly) the same picture.

A model that ignores its prompt or its seed is caught here, not by any score of a single image.
Perceptual hashes are ImageHash's; their bits depend on Pillow's resizing, so `hash_version` belongs
beside any stored hash, and hashes of two versions must not be compared.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from importlib.metadata import version

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


def hash_version() -> str:
    """Versions a stored hash is valid for."""
    return f"pHash 8x8, ImageHash {version('ImageHash')}, Pillow {version('pillow')}"


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
    if not 0 <= max_bits <= HASH_BITS:
        raise ValueError(f"max_bits must be within 0..{HASH_BITS}, got {max_bits}")
    names = list(images)
    hashes = np.array([perceptual_hash(images[name]) for name in names], np.uint64)
    found = []
    for index, name in enumerate(names):
        distances = np.bitwise_count(hashes[index + 1 :] ^ hashes[index])
        for offset in np.flatnonzero(distances <= max_bits):
            other = names[index + 1 + int(offset)]
            found.append(Duplicate(name, other, int(distances[offset])))
    return sorted(found, key=lambda pair: (pair.bits, pair.first, pair.second))


def duplicate_share(images: Mapping[str, Pixels], max_bits: int) -> float:
    """Share of images that have a near duplicate among the others, 0..1; lower is better."""
    if not images:
        raise ValueError("expected at least one image, got none")
    alike = {n for pair in near_duplicates(images, max_bits) for n in (pair.first, pair.second)}
    return len(alike) / len(images)
