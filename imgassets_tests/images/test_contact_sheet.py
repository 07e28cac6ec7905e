"""Contact sheets show every image, and cross out the ones that failed."""

from __future__ import annotations

import numpy as np
from PIL import Image

from imgassets.images.contact_sheet import contact_sheet, jpeg


def test_images_stand_in_a_grid_and_failed_ones_are_crossed() -> None:
    red, small = Image.new("RGB", (96, 96), (200, 0, 0)), Image.new("RGB", (10, 10), (0, 0, 200))
    sheet = np.asarray(contact_sheet([("a", red), ("b", None), ("c", small)], cell=50, columns=2))
    assert sheet.shape == (2 * (50 + 4 + 12) + 4, 2 * 54 + 4, 3)
    assert tuple(sheet[29, 29]) == (200, 0, 0)
    assert tuple(sheet[4 + 25, 58 + 25]) == (185, 28, 28)  # on the diagonal of the crossed box
    assert tuple(sheet[4 + 66 + 25, 29]) == (0, 0, 200)


def test_a_sheet_is_small_enough_for_an_event() -> None:
    rng = np.random.default_rng(0)
    noise = [
        (str(i), Image.fromarray(rng.integers(0, 256, (96, 96, 3), dtype=np.uint8)))
        for i in range(48)
    ]
    assert len(jpeg(contact_sheet(noise))) < 600_000
