"""What is taken in, what is refused, how exact and how fast it is.

    python -m imgassets_tests.benchmarks.inputs_page

Writes docs/inputs.md: the rules as the contract has them, the corpus as the tests hold it, accuracy
of color conversion, speed and memory beside bare Pillow, damaged JPEGs, and a fuzz campaign.
"""

from __future__ import annotations

import json
import os
import platform
import subprocess
import sys
import tempfile
import time
import warnings
from collections import Counter
from collections.abc import Callable
from importlib.metadata import version
from pathlib import Path
from random import Random

import numpy as np
import psutil
import skimage.data
from PIL import Image

from imgassets.backends.device import Meter
from imgassets.documents.sources import SourceRules
from imgassets.images.errors import RefusedError
from imgassets.images.intake import ANY_SOURCE
from imgassets.images.normalize import normalize
from imgassets.images.take_in import take_in
from imgassets_tests.benchmarks import jpeg_damage
from imgassets_tests.benchmarks.pages import table
from imgassets_tests.images import icc
from imgassets_tests.images.corpus import CORPUS
from imgassets_tests.images.files import encoded
from imgassets_tests.images.patches import all_errors
from imgassets_tests.images.test_properties import GOOD

PAGE = Path(__file__).parents[2] / "docs/inputs.md"
PROSE = Path(__file__).with_name("inputs_text.md")
IMAGES, MUTATIONS = 200, 10_000


# ---- tables that need no measuring ---------------------------------------------------------


def rules_table() -> str:
    """The contract's fields."""
    rows = [
        [f"`accepts.{name}`", f"`{json.dumps(field.default)}`", str(field.description)]
        for name, field in SourceRules.model_fields.items()
    ]
    return table(["rule", "default", "meaning"], rows)


def class_table() -> str:
    """Classes of bad inputs, with how many are refused and accepted."""
    refused = Counter(c.kind for c in CORPUS if c.reason)
    accepted = Counter(c.kind for c in CORPUS if not c.reason)
    kinds = list(dict.fromkeys(c.kind for c in CORPUS))
    rows = [[k, str(refused[k]), str(accepted[k])] for k in kinds]
    total = [f"**{sum(c.values())}**" for c in (refused, accepted)]
    return table(["class of input", "refused", "accepted"], [*rows, ["**all**", *total]])


def corpus_table() -> str:
    """Every input and its outcome."""
    rows = [
        [c.kind, _plain(c.name), "refused" if c.reason else "accepted", _outcome(c.reason, c.done)]
        for c in CORPUS
    ]
    return table(["class", "input", "outcome", "reason, or what was done"], rows)


def _outcome(reason: str, done: tuple[str, ...]) -> str:
    return _plain(reason or "; ".join(done) or "nothing to do")


def _plain(text: str) -> str:
    return text.replace("|", "\\|").replace("<", "&lt;").replace("\ufffd", "?")


# ---- measured ------------------------------------------------------------------------------


def color_table() -> str:
    """CIEDE2000 of known patches."""
    rows = [
        [
            name,
            str(len(e)),
            *(f"{v:.2f}" for v in (e.mean(), np.percentile(e, 95), e.max())),
            str(o),
        ]
        for name, e, o in all_errors()
    ]
    head = [
        "profile",
        "patches",
        "mean",
        "95th percentile",
        "worst",
        "outside of sRGB, not counted",
    ]
    return table(head, rows)


def photographs(folder: Path) -> None:
    """The images of the speed test: what people send, 512 px a side."""
    base = skimage.data.astronaut()
    p3, inks = icc.DISPLAY_P3.profile(), icc.cmyk_profile()
    for number in range(IMAGES):
        image = Image.fromarray(np.roll(base, 7 * number, axis=1))
        forms: list[tuple[str, bytes]] = [
            ("jpg", encoded("JPEG", image, quality=90)),
            ("jpg", encoded("JPEG", image, quality=90, icc_profile=p3)),
            ("png", encoded("PNG", image, compress_level=1)),
            ("png", encoded("PNG", image.convert("RGBA"), compress_level=1)),
            ("webp", encoded("WEBP", image)),
        ] if number % 20 else [
            ("tif", encoded("TIFF", image.convert("CMYK"), icc_profile=inks)),
        ]  # fmt: skip
        suffix, data = forms[number % len(forms)]
        (folder / f"{number:03d}.{suffix}").write_bytes(data)


def bare(paths: list[str], out: Path) -> int:
    """What a short script would do."""
    out.mkdir()
    for path in paths:
        with Image.open(path) as image:
            image.convert("RGB").save(out / f"{Path(path).stem}.png", compress_level=6)
    return len(paths)


def by_threads(workers: int) -> Callable[[list[str], Path], int]:
    """The command's own path."""

    def run(paths: list[str], out: Path) -> int:
        return len(take_in(paths, out, normalize, ANY_SOURCE, workers).accepted)

    return run


RUNS = {
    "bare Pillow, one thread": bare,
    "normalize, one thread": by_threads(1),
    "normalize, as the command": by_threads(os.cpu_count() or 1),
}


def measured(name: str, folder: str) -> list[float]:
    """Seconds, CPU seconds and MiB above the start of one run, in this process."""
    paths = sorted(str(p) for p in Path(folder).iterdir())
    with tempfile.TemporaryDirectory() as out:
        RUNS[name](paths[:5], Path(out) / "warm")
        start, cpu = psutil.Process().memory_info().rss / 2**20, time.process_time()
        with Meter("cpu") as meter:
            count = RUNS[name](paths, Path(out) / "out")
        if count != len(paths):
            raise RuntimeError(f"{name}: {count} of {len(paths)} images were taken in")
        return [meter.seconds, time.process_time() - cpu, meter.peak_mib - start]


def speed_table() -> str:
    """Each way in a process of its own."""
    rows = []
    with tempfile.TemporaryDirectory() as folder:
        photographs(Path(folder))
        for name in RUNS:
            command = [sys.executable, "-m", "imgassets_tests.benchmarks.inputs_page", name, folder]
            printed = subprocess.run(command, stdout=subprocess.PIPE, check=True).stdout
            seconds, cpu, mib = json.loads(printed)
            rows.append(
                [name, f"{IMAGES / seconds:.0f}", f"{cpu / IMAGES * 1000:.0f}", f"{mib:.0f}"]
            )
    return table(["way", "images a second", "CPU ms an image", "MiB above the start"], rows)


def fuzzed() -> str:
    """Good files of every format with random damage: what became of them."""
    random, outcomes = Random(6), Counter[str]()
    slowest = 0.0
    for _ in range(MUTATIONS):
        data = bytearray(random.choice(GOOD))
        for _ in range(random.randint(1, 6)):
            at = random.randrange(len(data))
            data[at : at + random.choice((0, 1, 1, 4, 40))] = random.randbytes(
                random.choice((0, 1, 4))
            )
        start = time.perf_counter()
        try:
            normalize(bytes(data))
            outcomes["accepted"] += 1
        except RefusedError:
            outcomes["refused"] += 1
        slowest = max(slowest, time.perf_counter() - start)
    return (
        f"{MUTATIONS:,} good files of every format with up to 6 random changes: "
        f"{outcomes['refused']:,} refused, {outcomes['accepted']:,} accepted (changed metadata, or "
        "pixels no format checks), no other exception, the slowest "
        f"{slowest * 1000:.0f} ms.\n"
    )


def page() -> str:
    """The whole page."""
    libraries = ", ".join(f"{n} {version(n)}" for n in ("pillow", "simplejpeg", "numpy"))
    parts = {
        "MADE": f"Written by `python -m imgassets_tests.benchmarks.inputs_page` on "
        f"{platform.machine()} with {os.cpu_count()} cores, {libraries}.",
        "RULES": rules_table(),
        "CLASSES": class_table(),
        "CORPUS": corpus_table(),
        "DAMAGE": jpeg_damage.tables(),
        "COLORS": color_table(),
        "SPEED": speed_table(),
        "FUZZ": fuzzed(),
    }
    text = PROSE.read_text(encoding="utf-8")
    for name, part in parts.items():
        text = text.replace(f"[[{name}]]", part.rstrip())
    return text


def main(arguments: list[str]) -> None:
    """Writes the page, or, as a child, prints one measurement."""
    warnings.simplefilter("ignore")
    if arguments:
        print(json.dumps(measured(*arguments)))
    else:
        PAGE.write_text(page(), encoding="utf-8")


if __name__ == "__main__":
    main(sys.argv[1:])
