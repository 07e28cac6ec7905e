"""What do styles and faults score?

    python -m imgassets_tests.benchmarks.stylization_accuracy

Writes docs/metrics/stylization.md: medians over three photographs, for recolorings that keep the
picture, and for what does not.
"""

from __future__ import annotations

import numpy as np
from PIL import Image, ImageFilter, ImageOps

from imgassets.metrics.formulas.stylization import score
from imgassets_tests.benchmarks.pages import table, write
from imgassets_tests.metrics import image_faults as faults

SIDE = 256


def versions(photograph: np.ndarray) -> dict[str, np.ndarray]:
    """Versions of a photograph by name, from a mild style to another picture."""
    image = Image.fromarray(photograph)
    gray = ImageOps.grayscale(image)
    return {
        "untouched": photograph,
        "sepia": np.asarray(ImageOps.colorize(gray, "#1e140a", "#fff0d2")),
        "posterized to 3 bits": np.asarray(ImageOps.posterize(image, 3)),
        "BGR swap": np.ascontiguousarray(photograph[..., ::-1]),
        "median filter, 7 px": np.asarray(image.filter(ImageFilter.MedianFilter(7))),
        "edges drawn": np.asarray(gray.filter(ImageFilter.CONTOUR).convert("RGB")),
        "turned by 180 degrees": np.ascontiguousarray(photograph[::-1, ::-1]),
        "noise, sigma 60": faults.noise(photograph, 60),
    }


def main() -> None:
    """Writes the page."""
    found: dict[str, list[list[float]]] = {}
    names: list[str] = []
    for name in faults.PHOTOGRAPHS:
        photograph = faults.photograph(name, SIDE)
        for kind, image in versions(photograph).items():
            scores = score(image, photograph)
            found.setdefault(kind, []).append([s.value for s in scores])
            names = [s.metric.split(".")[1] for s in scores]
    rows = [[k, *(f"{v:.3g}" for v in np.median(values, axis=0))] for k, values in found.items()]
    write(
        "stylization",
        "Stylization: styles and other pictures",
        [
            f"Medians over three photographs of {SIDE} px.\n",
            table(["version", *names], rows),
            "A style that redraws everything as lines loses more than half of the structure: hold "
            "structure against the incumbent by a margin, and composition by the detector.\n",
        ],
    )


if __name__ == "__main__":
    main()
