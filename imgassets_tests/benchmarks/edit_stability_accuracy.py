"""How small a leak out of the mask is noticed, and by which measure?

    python -m imgassets_tests.benchmarks.edit_stability_accuracy

Writes docs/metrics/edit_stability.md: medians over three photographs, for a clean edit and for
planted leaks of rising strength.
"""

from __future__ import annotations

import numpy as np

from imgassets.metrics.formulas.edit_stability import band, repeated_edits, score
from imgassets_tests.benchmarks.pages import table, write
from imgassets_tests.metrics import image_faults as faults

SIDE = 128
MASK = np.zeros((SIDE, SIDE), bool)
MASK[32:96, 40:104] = True


def edited(source: np.ndarray) -> np.ndarray:
    """A clean edit: another photograph's light inside the mask."""
    return np.where(MASK[..., None], source[::-1, ::-1], source).astype(np.uint8)


def leaks() -> dict[str, object]:
    """Edits by name, as functions of the source."""
    soft = MASK | band(MASK, 4)
    return {
        "clean edit": edited,
        "one pixel outside off by one": lambda s: _poked(edited(s)),
        "all pixels off by one": lambda s: faults.quantized(edited(s) + 1.0),
        "soft mask, 4 px": lambda s: np.where(soft[..., None], s[::-1, ::-1], s).astype(np.uint8),
        "VAE round trip, sigma 1": lambda s: faults.noise(edited(s), 1.0),
        "JPEG 75": lambda s: faults.jpeg(edited(s)),
        "inside 10 levels brighter": lambda s: np.where(
            MASK[..., None], np.minimum(s, 245) + 10, s
        ).astype(np.uint8),
        "half-pixel shift": lambda s: faults.warped(edited(s), shift=(0.5, 0.5)),
        "nothing painted": lambda s: s.copy(),
    }


def _poked(image: np.ndarray) -> np.ndarray:
    image[0, 0, 0] ^= 1
    return image


def main() -> None:
    """Writes the page."""
    sources = [faults.photograph(name, SIDE) for name in faults.PHOTOGRAPHS]
    names = [s.metric.split(".")[1] for s in score(sources[0], sources[0], MASK)]
    rows = []
    for name, leak in leaks().items():
        values = np.median([[s.value for s in score(leak(i), i, MASK)] for i in sources], axis=0)
        rows.append([name, *(f"{v:.4g}" for v in values)])
    images = [sources[0]]
    for _ in range(5):
        images.append(faults.noise(images[-1], 1.0, len(images)))
    steps = repeated_edits(images, [MASK] * 5)
    drift = [[str(s.edits), f"{s.psnr:.1f}", f"{s.changed:.3f}"] for s in steps]
    write(
        "edit_stability",
        "Edit stability: what a leak does to each measure",
        [
            f"Medians over three photographs of {SIDE} px with a mask of 64 px. The inside of the "
            "clean edit is unrelated to its surroundings, so its seam and border color are those "
            "of a hard cut, not a fault of the measure.\n",
            table(["edit", *names], rows),
            "## Repeated edits, each a VAE round trip of sigma 1\n",
            table(["edits", "PSNR outside, dB", "changed outside"], drift),
        ],
    )


if __name__ == "__main__":
    main()
