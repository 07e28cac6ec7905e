"""Windows that a tiled upscaler made unlike each other are found through the blending.

The faults go through the product's own `in_tiles`, with its overlaps and its last window off the
grid; the same pictures without a fault, or with one that has nothing to do with windows, pass.
"""

from __future__ import annotations

from collections.abc import Callable

import cv2
import numpy as np
import pytest
from PIL import Image

from imgassets.backends.tiling import in_tiles
from imgassets.documents.upscaler import Network, SdUpscale, Tiles, seam_tiles
from imgassets.images.pixels import Pixels
from imgassets.images.windows import shares, spans
from imgassets.metrics.formulas.upscaling import ENLARGE, SHRINK, resized, score
from imgassets_tests.metrics import image_faults as faults

#: (side, scale, windows): small and large overlap, on the grid and off it, two windows a side.
GEOMETRIES = [
    (256, 2, Tiles(size=64, overlap=16)),
    (256, 2, Tiles(size=128, overlap=64)),
    (320, 2, Tiles(size=192, overlap=32)),
]
Change = Callable[[np.ndarray, int], np.ndarray]
FAULTS: dict[str, Change] = {
    "every other 25 levels brighter": lambda w, k: w + 25.0 * (k % 2),
    "every other 10 levels brighter": lambda w, k: w + 10.0 * (k % 2),
    "one 15 levels brighter": lambda w, k: w + 15.0 * (k == 1),
    "every other warmer by 8 levels": lambda w, k: w + (k % 2) * np.array([8.0, 0.0, -8.0]),
}


def picture(name: str, side: int) -> Pixels:
    """A photograph that 25 levels more do not clip."""
    return faults.quantized(faults.photograph(name, side) * 0.85 + 5)


def painted(image: Pixels, tiles: Tiles, change: Change) -> Pixels:
    """The image made window by window, each changed by (pixels, number of the window)."""
    return np.asarray(
        in_tiles(
            Image.fromarray(image),
            tiles,
            1,
            lambda windows: [
                Image.fromarray(faults.quantized(change(np.asarray(w).astype(float), k)))
                for k, w in enumerate(windows)
            ],
        )
    )


def seams(upscaled: Pixels, source: Pixels, scale: int, tiles: Tiles) -> float:
    return {s.metric: s.value for s in score(upscaled, source, scale, tiles)}["upscaling.seams"]


def untouched(truth: Pixels, lanczos: Pixels, source: Pixels, tiles: Tiles) -> dict[str, Pixels]:
    """Upscales whose windows are all alike."""
    return {
        "truth": truth,
        "Lanczos": lanczos,
        "bilinear": resized(source, *lanczos.shape[1::-1], Image.Resampling.BILINEAR),
        "tiled, windows agree": painted(lanczos, tiles, lambda w, k: w),
        "noise": faults.noise(lanczos, 4),
        "JPEG": faults.jpeg(lanczos),
        "less contrast": faults.weak_vae(lanczos),
        "brighter": faults.quantized(lanczos + 10.0),
    }


@pytest.mark.parametrize(("side", "scale", "tiles"), GEOMETRIES)
@pytest.mark.parametrize("fault", FAULTS)
@pytest.mark.parametrize("sharp", [True, False], ids=["truth", "Lanczos"])
def test_windows_of_another_tone_are_found(
    side: int, scale: int, tiles: Tiles, fault: str, sharp: bool
) -> None:
    truth = picture("chelsea", side)
    source = resized(truth, side // scale, side // scale, SHRINK)
    upscaled = truth if sharp else resized(source, side, side, ENLARGE)
    assert seams(painted(upscaled, tiles, FAULTS[fault]), source, scale, tiles) > 2.0


def test_more_of_a_fault_scores_more() -> None:
    side, scale, tiles = GEOMETRIES[0]
    truth = picture("coffee", side)
    source = resized(truth, side // scale, side // scale, SHRINK)
    doses = [
        seams(painted(truth, tiles, lambda w, k, d=dose: w + d * (k % 2)), source, scale, tiles)
        for dose in (0.0, 5.0, 10.0, 25.0)
    ]
    assert doses == sorted(doses)
    assert doses[-1] > 6.0


def test_windows_of_another_sharpness_are_found() -> None:
    side, scale, tiles = GEOMETRIES[0]
    truth = picture("astronaut", side)
    source = resized(truth, side // scale, side // scale, SHRINK)
    soft = painted(truth, tiles, lambda w, k: cv2.GaussianBlur(w, (0, 0), 1.0) if k % 2 else w)
    assert seams(soft, source, scale, tiles) > 2.0


@pytest.mark.parametrize(("side", "scale", "tiles"), GEOMETRIES)
@pytest.mark.parametrize("name", faults.PHOTOGRAPHS)
def test_upscales_without_a_fault_of_windows_pass(
    side: int, scale: int, tiles: Tiles, name: str
) -> None:
    """The truth and filters; also faults of the whole image, which are other metrics' matter."""
    truth = picture(name, side)
    source = resized(truth, side // scale, side // scale, SHRINK)
    lanczos = resized(source, side, side, ENLARGE)
    harmless = untouched(truth, lanczos, source, tiles)
    found = {kind: seams(image, source, scale, tiles) for kind, image in harmless.items()}
    assert {kind: value for kind, value in found.items() if value > 1.6} == {}


@pytest.mark.parametrize("length", [256, 300, 321, 64])
def test_shares_sum_to_one_and_windows_follow_the_scale(length: int) -> None:
    tiles = Tiles(size=64, overlap=24)
    assert shares(length, tiles).sum(axis=0) == pytest.approx(np.ones(length))
    doubled = spans(2 * length, Tiles(size=128, overlap=48))
    assert doubled == [(2 * s.start, 2 * s.stop) for s in spans(length, tiles)]


def test_windows_are_told_in_pixels_of_the_large_image() -> None:
    tiles = Tiles(size=64, overlap=16)
    network = Network(kind="compact", scale=2, weights="package:tiny-x2", tiles=tiles)
    diffusion = SdUpscale(
        kind="sd-upscale", scale=2, steps=4, guidance_scale=1.0, strength=0.2, tiles=tiles
    )
    assert seam_tiles(network) == Tiles(size=128, overlap=32)
    assert seam_tiles(diffusion) == tiles
    assert seam_tiles(network.model_copy(update={"tiles": None})) is None
