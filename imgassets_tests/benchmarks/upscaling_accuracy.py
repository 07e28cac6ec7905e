"""What do an honest upscale and a faulty one score?

    python -m imgassets_tests.benchmarks.upscaling_accuracy

Writes docs/metrics/upscaling.md: medians over three photographs at scale 2, for filters, the truth
and planted faults.
"""

from __future__ import annotations

import numpy as np
from PIL import Image

from imgassets.metrics.upscaling import ENLARGE, SHRINK, full_reference, resized, score
from imgassets_tests.benchmarks.pages import table, write
from imgassets_tests.metrics import image_faults as faults

SIDE, SCALE, TILE = 256, 2, 64


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


def main() -> None:
    """Writes the page."""
    found: dict[str, list[list[float]]] = {}
    names: list[str] = []
    for name in faults.PHOTOGRAPHS:
        truth = faults.photograph(name, SIDE)
        source = resized(truth, SIDE // SCALE, SIDE // SCALE, SHRINK)
        for kind, image in upscales(truth, source).items():
            scores = [*score(image, source, SCALE, TILE), *full_reference(image, truth, SCALE)]
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
            "Seams hide in detail: on the truth, which has far more of it than Lanczos, they raise "
            "the ratio far less than on a smooth upscale.\n",
        ],
    )


if __name__ == "__main__":
    main()
