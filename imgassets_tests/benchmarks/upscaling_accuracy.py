"""What do an honest upscale and a faulty one score?

    python -m imgassets_tests.benchmarks.upscaling_accuracy

Writes docs/metrics/upscaling.md: medians over three photographs at scale 2, for filters, the truth
and planted faults.
"""

from __future__ import annotations

import cv2
import numpy as np
from PIL import Image

from imgassets.documents.upscaler import Tiles
from imgassets.metrics.formulas.upscaling import ENLARGE, SHRINK, full_reference, resized, score
from imgassets_tests.benchmarks.pages import table, write
from imgassets_tests.metrics import image_faults as faults
from imgassets_tests.metrics.test_tile_shifts import (
    FAULTS,
    GEOMETRIES,
    Change,
    painted,
    picture,
    seams,
    untouched,
)

SIDE, SCALE, TILE = 256, 2, 64
TILES = Tiles(size=80, overlap=16)


def upscales(truth: np.ndarray, source: np.ndarray) -> dict[str, np.ndarray]:
    """Upscaled images by name."""

    def large(how: Image.Resampling) -> np.ndarray:
        return resized(source, SIDE, SIDE, how)

    lanczos = large(ENLARGE)
    return {
        "the truth": truth,
        "Lanczos": lanczos,
        "bilinear": large(Image.Resampling.BILINEAR),
        "nearest": large(Image.Resampling.NEAREST),
        "Lanczos, half a pixel off": faults.warped(lanczos, shift=(0.5, 0.5)),
        "Lanczos, oversharpened": faults.oversharpened(lanczos),
        "Lanczos, tile seams +-3": faults.tile_seams(lanczos, TILE),
        "truth, tile seams +-3": faults.tile_seams(truth, TILE),
        "Lanczos, JPEG 75": faults.jpeg(lanczos),
        "Lanczos, BGR swap": np.ascontiguousarray(lanczos[..., ::-1]),
        "Lanczos, VAE scale x0.9": faults.weak_vae(lanczos),
    }


#: Beside the faults of the tests: what a window may do to its pixels, and how much of it.
DOSES: dict[str, Change] = {
    "every other 2 levels brighter": lambda w, k: w + 2.0 * (k % 2),
    "every other 5 levels brighter": lambda w, k: w + 5.0 * (k % 2),
    **FAULTS,
    "one 5 levels brighter": lambda w, k: w + 5.0 * (k == 1),
    "every other 10 % less contrast": lambda w, k: w if k % 2 else 128 + 0.9 * (w - 128),
    "every other blurred by 1 px": lambda w, k: cv2.GaussianBlur(w, (0, 0), 1.0) if k % 2 else w,
}


def windows() -> list[str]:
    """A table of faults planted into single windows, and what upscales without any score."""
    found: dict[str, list[float]] = {dose: [] for dose in DOSES}
    clean: list[float] = []
    for name in faults.PHOTOGRAPHS:
        for side, scale, tiles in GEOMETRIES:
            truth = picture(name, side)
            source = resized(truth, side // scale, side // scale, SHRINK)
            lanczos = resized(source, side, side, ENLARGE)
            honest = untouched(truth, lanczos, source, tiles).values()
            clean += [seams(image, source, scale, tiles) for image in honest]
            for dose, change in DOSES.items():
                found[dose].append(seams(painted(truth, tiles, change), source, scale, tiles))
    rows = [
        [dose, *(f"{n(values):.2f}" for n in (np.min, np.median, np.max)),
         f"{sum(v > 1.6 for v in values)} of {len(values)}"]
        for dose, values in found.items()
    ]  # fmt: skip
    return [
        "`seams` compares the upscaler's windows, whose place and blending are known, with grids "
        "moved off them: how much of the difference to the source do they explain? Planted through "
        "the product's own tiling on three photographs, with windows of 64 px that share 16, of "
        "128 that share 64, and of 192 that share 32, two or more a side:\n",
        table(["windows", "least", "median", "most", "above 1.6"], rows),
        f"{len(clean)} upscales of the same without such a fault (the truth, filters, noise, JPEG, "
        f"less contrast, brighter): median {np.median(clean):.2f}, 95 % below "
        f"{np.quantile(clean, 0.95):.2f}, at most {max(clean):.2f}. Small doses between two large "
        "windows are not told from the picture; a blur is only seen where there is detail to lose; "
        "and a strong gamma of the whole image (0.8) reached 1.78 on one photograph.\n",
    ]


def main() -> None:
    """Writes the page."""
    found: dict[str, list[list[float]]] = {}
    names: list[str] = []
    for name in faults.PHOTOGRAPHS:
        truth = faults.photograph(name, SIDE)
        source = resized(truth, SIDE // SCALE, SIDE // SCALE, SHRINK)
        for kind, image in upscales(truth, source).items():
            scores = [*score(image, source, SCALE, TILES), *full_reference(image, truth, SCALE)]
            found.setdefault(kind, []).append([s.value for s in scores])
            names = [s.metric.split(".")[1] for s in scores]
    rows = [[k, *(f"{v:.3g}" for v in np.median(values, axis=0))] for k, values in found.items()]
    write(
        "upscaling",
        "Upscaling: filters, the truth and planted faults",
        [
            f"Medians over three photographs, {SIDE // SCALE} to {SIDE} px, tiles of {TILE} px. "
            "Made small with Pillow's antialiased bicubic; seams and sharpness are against "
            "Lanczos; the last two columns need the truth.\n",
            table(["upscale", *names], rows),
            *windows(),
        ],
    )


if __name__ == "__main__":
    main()
