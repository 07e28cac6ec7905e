"""How many images a second does each family of metrics look at?

    python -m imgassets_tests.benchmarks.metrics_speed

Writes docs/metrics/speed.md. Each family runs beside the plain library calls that answer a part of
its question on the same images, in turns, in one process; times on one core are CPU seconds, which
other work on the machine disturbs less than the clock. `metrics_memory` appends to the page.
"""

from __future__ import annotations

import io
import json
import os
import subprocess
import sys
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import cv2
import numpy as np
from PIL import Image

from imgassets.documents.prompts import Expectation
from imgassets.metrics.formulas import (
    artefact_reference,
    artefacts,
    composition,
    edit_stability,
    reproducibility,
    style_features,
    upscaling,
)
from imgassets.metrics.formulas.artefact_patterns import luma, score_patterns
from imgassets_tests.benchmarks.pages import table, write
from imgassets_tests.metrics import image_faults as faults

Call = Callable[[], Any]

SIDES = (64, 512, 1024)
BAR_SECONDS = 0.5
WANTED = Expectation.model_validate(
    {"include": [{"class": "circle", "count": 2, "color": "red"}], "background": "white"}
)
#: Of one image each; drift and the comparison with a reference are asked for apart from tables.
COUNTED = ("composition", "artefacts", "edit stability", "upscaling", "reproducibility", "drift")
CORES = os.cpu_count() or 1


def drawn(side: int) -> np.ndarray:
    """Two red disks on white."""
    image = np.full((side, side, 3), 255, np.uint8)
    for x in (side // 3, 3 * side // 4):
        cv2.circle(image, (x, side // 2), side // 7, (214, 26, 34), -1, cv2.LINE_AA)
    return image


def png(image: np.ndarray) -> bytes:
    """As a file."""
    buffer = io.BytesIO()
    Image.fromarray(image).save(buffer, "PNG", compress_level=1)
    return buffer.getvalue()


def families(side: int) -> dict[str, tuple[Call, str, Call]]:
    """What a family does with one image, and the plain library calls beside it, by name."""
    image, scene = faults.photograph("astronaut", side), drawn(side)
    noisy, small = faults.noise(image), faults.photograph("astronaut", side // 2)
    file, mask = png(image), np.zeros((side, side), bool)
    mask[side // 4 : side // 2, side // 4 : side // 2] = True

    def usable() -> Any:
        findings, _ = artefacts.examine(file, (side, side))
        return findings, score_patterns(image)

    return {
        "composition": (
            lambda: composition.score(scene, WANTED), "none does this", lambda: None),
        "artefacts": (
            usable, "Pillow: decode", lambda: np.asarray(Image.open(io.BytesIO(file)))),
        "edit stability": (
            lambda: edit_stability.score(noisy, image, mask),
            "scikit-image: SSIM, PSNR", lambda: _plain_pair(noisy, image)),
        "upscaling": (
            lambda: upscaling.score(image, small, 2),
            "Pillow: both resizes; scikit-image: SSIM, CIEDE2000", lambda: _plain_up(image, small)),
        "reproducibility": (
            lambda: reproducibility.score(noisy, image),
            "scikit-image: SSIM, PSNR", lambda: _plain_pair(noisy, image)),
        "drift": (
            lambda: style_features.features(image),
            "scikit-image: CIELAB", lambda: _plain_lab(image)),
        "artefacts against a reference": (
            lambda: artefact_reference.differences(noisy, image),
            "scikit-image: SSIM, CIEDE2000; OpenCV: ECC", lambda: _plain_reference(noisy, image)),
    }  # fmt: skip


def _plain_ssim(one: np.ndarray, two: np.ndarray) -> Any:
    from skimage.metrics import structural_similarity

    return structural_similarity(
        one.astype(float), two.astype(float), data_range=255.0, gaussian_weights=True,
        use_sample_covariance=False, full=True,
    )  # fmt: skip


def _plain_pair(one: np.ndarray, two: np.ndarray) -> None:
    from skimage.metrics import peak_signal_noise_ratio

    _plain_ssim(luma(one), luma(two))
    peak_signal_noise_ratio(two, one, data_range=255)


def _plain_lab(image: np.ndarray) -> Any:
    from skimage.color import rgb2lab

    return rgb2lab(image)


def _plain_color(one: np.ndarray, two: np.ndarray) -> None:
    from skimage.color import deltaE_ciede2000

    deltaE_ciede2000(_plain_lab(one), _plain_lab(two))


def _plain_up(image: np.ndarray, small: np.ndarray) -> None:
    side = small.shape[0]
    shrunk = np.asarray(Image.fromarray(image).resize((side, side), Image.Resampling.BICUBIC))
    Image.fromarray(small).resize((2 * side, 2 * side), Image.Resampling.LANCZOS)
    _plain_ssim(luma(shrunk), luma(small))
    _plain_color(shrunk, small)


def _plain_reference(one: np.ndarray, two: np.ndarray) -> None:
    _plain_ssim(luma(one), luma(two))
    _plain_color(one, two)
    artefact_reference.registration(one, two)


# ---- one core ------------------------------------------------------------------------------


def one_core(repeats: int = 3) -> dict[str, dict[str, list[float]]]:
    """CPU seconds an image, (family, library), least of several turns; by side and family."""
    cv2.setNumThreads(1)
    found: dict[str, dict[str, list[float]]] = {}
    for side in SIDES:
        times = found[str(side)] = {}
        for name, (ours, _, plain) in families(side).items():
            ours(), plain()
            turns = [(_cpu(ours), _cpu(plain)) for _ in range(repeats)]
            times[name] = [min(turn[which] for turn in turns) for which in (0, 1)]
    return found


def _cpu(call: Call, least: float = 0.05) -> float:
    """CPU seconds of one call, over as many as take `least` seconds."""
    start, calls = time.process_time(), 0
    while True:
        call()
        calls += 1
        if (spent := time.process_time() - start) >= least:
            return spent / calls


def child(*arguments: str, threads: int) -> Any:
    """What a fresh process prints, as JSON, with this many threads in numerical libraries."""
    names = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS")
    run = subprocess.run(
        [sys.executable, "-m", "imgassets_tests.benchmarks.metrics_speed", *arguments],
        env=os.environ | dict.fromkeys(names, str(threads)), stdout=subprocess.PIPE, check=True,
    )  # fmt: skip
    return json.loads(run.stdout)


def read_aloud(side: int) -> list[float]:
    """CPU seconds of one typography score, and of the plain call of its OCR engine."""
    from imgassets.metrics.formulas import typography

    image = np.full((side, side, 3), 255, np.uint8)
    cv2.putText(image, "SALE", (side // 10, side // 2), 0, side / 110, (0, 0, 0), 2)
    wanted = Expectation.model_validate({"text": "SALE"})
    plain = _plain_reader()
    typography.score(image, wanted), plain(image)
    return [_cpu(lambda: typography.score(image, wanted)), _cpu(lambda: plain(image))]


def _plain_reader() -> Callable[[np.ndarray], Any]:
    """rapidocr as its readme calls it, on one thread, with the same files."""
    from rapidocr import RapidOCR

    return RapidOCR(params={"EngineConfig.onnxruntime.intra_op_num_threads": 1})


# ---- all cores -----------------------------------------------------------------------------


def all_cores(side: int, images: int = 40) -> dict[str, list[float]]:
    """Images a second by the clock, and CPU seconds used a second: one thread, then all."""
    cv2.setNumThreads(1)
    found = {}
    for name, (ours, _, _) in families(side).items():
        ours()
        single, every = _clocked(ours, images, 1), _clocked(ours, images, CORES)
        found[name] = [images / single[0], images / every[0], every[1]]
    return found


def _clocked(call: Call, images: int, threads: int) -> tuple[float, float]:
    """Seconds by the clock, and cores kept busy."""
    with ThreadPoolExecutor(threads) as pool:
        start, cpu = time.perf_counter(), time.process_time()
        for done in [pool.submit(call) for _ in range(images)]:
            done.result()
        clock = time.perf_counter() - start
    return clock, (time.process_time() - cpu) / clock


# ---- page ----------------------------------------------------------------------------------


def speed_table(times: dict[str, dict[str, list[float]]], reading: dict[str, list[float]]) -> str:
    """Images a second on one core."""
    library = {name: words for name, (_, words, _) in families(64).items()}
    rows = []
    for name in library:
        cells = [f"{1.0 / times[str(side)][name][0]:.3g}" for side in SIDES]
        ours, plain = times[str(SIDES[-1])][name]
        known = name != "composition"
        beside = [f"{1.0 / plain:.3g}", f"{ours / plain:.2f}"] if known else ["", ""]
        rows.append([name, *cells, library[name], *beside])
    cells = [f"{1.0 / reading[str(side)][0]:.3g}" for side in SIDES]
    ours, plain = reading[str(SIDES[-1])]
    rows.append(
        ["typography (OCR)", *cells, "rapidocr: read", f"{1 / plain:.3g}", f"{ours / plain:.2f}"]
    )
    head = ["family", *(f"{side} px" for side in SIDES), "plain library calls", "theirs, 1024 px"]
    return table([*head, "our time / theirs"], rows)


def page() -> list[str]:
    """All measurements, as parts of a page."""
    times = child("one-core", threads=1)
    reading = {str(side): child("ocr", str(side), threads=1) for side in SIDES}
    threads = {side: child("all-cores", str(side), threads=1) for side in SIDES}
    total = sum(times["1024"][name][0] for name in COUNTED)
    parallel = [
        [f"{side} px", name, f"{one:.3g}", f"{every:.3g}", f"{every / one:.2f}", f"{used:.2f}"]
        for side, by_name in threads.items()
        for name, (one, every, used) in by_name.items()
    ]
    head = ["size", "family", "one thread", f"{CORES} threads", "gain", "cores busy"]
    return [
        f"{CORES} cores, shared with other work (load {os.getloadavg()[0]:.1f} at the end).\n",
        "## Images a second on one core\n",
        f"**All families except OCR together take {total:.2f} s an image at 1024 px** (bar: "
        f"{BAR_SECONDS} s): {', '.join(COUNTED)}. CPU seconds, least of three turns, decoding "
        "of the file included where a family reads the file. Our time / theirs is above 1 "
        "where a family asks more than the plain calls.\n",
        speed_table(times, reading),
        "`artefacts against a reference` is not part of the sum: no table makes it; it is for "
        "looking into two images that ought to be equal.\n",
        "## All cores\n",
        "Images a second by the clock, and how many cores the threads kept busy; other work on "
        "the machine takes its share of both.\n",
        table(head, parallel),
    ]


def main(arguments: list[str]) -> None:
    """Writes the page, or, as a child, prints one measurement."""
    match arguments:
        case []:
            write("speed", "Speed and memory of the metrics", page(), command="metrics_speed")
        case ["one-core"]:
            print(json.dumps(one_core()))
        case ["ocr", side]:
            print(json.dumps(read_aloud(int(side))))
        case ["all-cores", side]:
            print(json.dumps(all_cores(int(side))))


if __name__ == "__main__":
    main(sys.argv[1:])
