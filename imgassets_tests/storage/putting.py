"""A process that stores images: python -m imgassets_tests.storage.putting FOLDER FIRST COUNT LEVEL

FOLDER stands for the machine. LEVEL is a grey level, or -1 for another one for each image.
"""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
from PIL import Image

from imgassets.storage.image_store import ImageStore, store_of
from imgassets.storage.project_home import ProjectHome


def key_of(number: int) -> str:
    return f"{number:064x}"


def put(store: ImageStore, number: int, level: int) -> str:
    """Store an image of one level and some noise; returns the hash of what is there then."""
    noise = np.random.default_rng(level).integers(0, 2, (32, 32, 3), np.uint8)
    image = Image.fromarray(np.full((32, 32, 3), level % 250, np.uint8) + noise)
    request = {"flow": "generate", "seed": number}
    made = store.put(key_of(number), image, request=request, made_at="2026-11-27T00:00:00+00:00")
    return made.image_sha256


def main(folder: str, first: int, count: int, level: int) -> None:
    store = store_of(ProjectHome(Path(folder)))
    for number in range(first, first + count):
        print(put(store, number, number if level < 0 else level), flush=True)


if __name__ == "__main__":
    main(sys.argv[1], *map(int, sys.argv[2:]))
