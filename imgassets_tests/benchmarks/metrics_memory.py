"""Does the memory that a metric table takes grow with the number of its images?

    python -m imgassets_tests.benchmarks.metrics_memory

Appends to docs/metrics/speed.md: the memory of every table function over 1,000 and 10,000 images
that exist only while they are read, each in a process of its own.
"""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd
import psutil

from imgassets.backends.device import Meter
from imgassets.documents.contract import Returns
from imgassets.storage.score_store import ScoreStore
from imgassets_tests.benchmarks.metrics_speed import CORES, WANTED, drawn, png
from imgassets_tests.benchmarks.pages import append, table
from imgassets_tests.metrics.factories import table as metric_table

BAR_MIB = 200.0
MANY = (1_000, 10_000)

Call = Callable[[], pd.DataFrame]


def image_rows(count: int, flow: str) -> pd.DataFrame:
    """An image table of images that exist only when they are read."""
    fixed = {"endpoint": "e", "model": "m", "flow": flow, "prompt_id": "p", "replicate": 0}
    fixed |= {"status": "ok", "message": "", "seconds": 1.0, "peak_memory_mib": 1.0}
    keys = [f"{n:064d}" for n in range(count)]
    return pd.DataFrame({"seed": range(count), "image_key": keys, "source_key": keys, **fixed})


def made_up(key: str, side: int) -> np.ndarray:
    """Another image for each key."""
    image = drawn(side)
    image[: side // 8] ^= np.uint8(int(key) % 251)
    return image


def table_calls(count: int, kept: ScoreStore | None = None) -> dict[str, Call]:
    """Every table function over `count` images of 64 px; scores go into a store of a project."""
    size = (64, 64)
    returns = Returns.model_validate({"size": size, "mode": "RGB", "format": "PNG"})
    wanted = {("generate", "p"): WANTED}

    def read(key: str) -> np.ndarray:
        return made_up(key, 64)

    generated = image_rows(count, "generate")
    upscaled = image_rows(count, "upscale")
    upscaled["image_key"] = "9" + upscaled["image_key"].str[1:]
    return {
        "composition": lambda: metric_table(
            "composition", generated, read, expectations=wanted, kept=kept),
        "artefacts": lambda: metric_table(
            "artefacts", generated, lambda key: png(made_up(key, 64)),
            returned={"generate": returns}, kept=kept),
        "edit stability": lambda: metric_table(
            "edit_stability", image_rows(count, "edit"), read, kept,
            regions={"p": (0.0, 0.0, 0.5, 1.0)}),
        "upscaling": lambda: metric_table(
            "upscaling", upscaled, lambda key: made_up(key, 128 if key[0] == "9" else 64), kept,
            scale=2),
    }  # fmt: skip


def many(family: str, count: int) -> list[float]:
    """MiB above the start that a table of `count` images takes, its rows, and seconds."""
    table_calls(2 * CORES)[family]()  # what is loaded once is no matter of how many images
    with tempfile.TemporaryDirectory() as folder:
        kept = ScoreStore(Path(folder) / "scores.sqlite", Path(folder) / "quarantine")
        call = table_calls(count, kept)[family]
        start = psutil.Process().memory_info().rss / 2**20
        with Meter("cpu") as meter:
            rows = len(call())
    return [meter.peak_mib - start, rows, meter.seconds]


def memory_table(found: dict[str, dict[int, list[float]]]) -> str:
    """MiB above the start by family and number of images."""
    rows = []
    for name, by_count in found.items():
        few, lots = (by_count[count] for count in MANY)
        cells = [f"{few[0]:.0f}", f"{lots[0]:.0f}", f"{lots[1]:.0f}", f"{lots[2]:.0f}"]
        rows.append([name, *cells])
    head = [*(f"{count:,} images, MiB" for count in MANY), "rows of the larger", "its seconds"]
    return table(["table", *head], rows)


def child(family: str, count: int) -> list[float]:
    """`many` in a fresh process."""
    command = [sys.executable, "-m", "imgassets_tests.benchmarks.metrics_memory"]
    printed = subprocess.run(
        [*command, family, str(count)], stdout=subprocess.PIPE, check=True
    ).stdout
    return json.loads(printed)


def page() -> list[str]:
    """All measurements, as parts of a page."""
    memory = {name: {count: child(name, count) for count in MANY} for name in table_calls(1)}
    most = max(by_count[MANY[-1]][0] for by_count in memory.values())
    return [
        "## Memory\n",
        f"**{MANY[-1]:,} images take at most {most:.0f} MiB above the start** (bar: "
        f"{BAR_MIB:.0f}), the finished table included. Images of 64 px made when read; the start "
        "is after the first few.\n",
        memory_table(memory),
    ]


def main(arguments: list[str]) -> None:
    """Appends the page, or, as a child, prints one measurement."""
    if arguments:
        print(json.dumps(many(arguments[0], int(arguments[1]))))
    else:
        append("speed", "metrics_memory", page())


if __name__ == "__main__":
    main(sys.argv[1:])
