"""How well does the reader read, and what should a typography score be held against?

Reads rendered text of known content with the reader and with Tesseract (where it is installed):
9 letter heights, 6 fonts that come with the dependencies, 3 contrasts, upright and turned by 5 or
10 degrees; then the drawn scenes of the tiny models. Writes docs/metrics/typography.md and
imgassets/metrics/formulas/ocr_floor.json.

    python -m imgassets_tests.benchmarks.typography_accuracy [--seed 0] [--scenes 200]
"""

from __future__ import annotations

import argparse
import itertools
import json
import os
import random
import resource
import shutil
import subprocess
import sys
from collections import Counter
from collections.abc import Callable
from dataclasses import asdict, dataclass
from importlib.metadata import version
from pathlib import Path

import matplotlib
import numpy as np
from PIL import Image, ImageDraw, ImageFont
from rapidfuzz.distance import Levenshtein
from scipy.stats import beta

from imgassets.judges.ocr import read_text
from imgassets.metrics.formulas.typography_sizes import Floor, bucket, by_height
from imgassets.metrics.formulas.typography_text import compare, reconcile
from imgassets.tiny.scenes import sample_scene
from imgassets_tests.benchmarks import pages

ROOT = Path(__file__).parents[2]
HEIGHTS = (6, 8, 10, 12, 16, 24, 32, 48, 64)
ROTATIONS = ((0, 5), (0, 10))
#: Upright lines of each height, font and contrast in the floor: the compared one, and these more.
MORE_UPRIGHT = 1
CONTRASTS = {"255 on 0": (255, 0), "100 on 220": (100, 220), "150 on 110": (150, 110)}
FONTS = ("DejaVuSans", "DejaVuSans-Bold", "DejaVuSerif", "DejaVuSansMono", "STIXGeneral", "")
WORDS = ("Summer", "SALE", "Open", "Coffee", "Garden", "NEW", "Music", "Hotel", "Quick", "Zebra")


@dataclass(frozen=True)
class Sample:
    """One rendered line and what the engines made of it."""

    height: int
    font: str
    contrast: str
    rotation: int
    text: str
    image: np.ndarray


def font_of(name: str, height: int) -> ImageFont.FreeTypeFont:
    """A font whose capital H is `height` px high; the empty name is Pillow's bundled font."""
    folder = Path(matplotlib.get_data_path()) / "fonts/ttf"

    def load(size: float) -> ImageFont.FreeTypeFont:
        if name:
            return ImageFont.truetype(str(folder / f"{name}.ttf"), size)
        return ImageFont.load_default(size=size)

    _, top, _, bottom = load(1000).getbbox("H")
    return load(1000 * height / (bottom - top))


def text_of(rng: random.Random) -> str:
    """A word, then five random letters and digits: what language helps with, and what not."""
    letters = "ABCDEFGHJKLMNPQRSTUVWXYZabdefghijkmnpqrt23456789"
    return f"{rng.choice(WORDS)} {''.join(rng.choice(letters) for _ in range(5))}"


def rendered(
    rng: random.Random, height: int, font: str, contrast: str, rotation: int, text: str = ""
) -> Sample:
    """One line on a canvas with a margin of twice the letter height; a random one by default."""
    text, face = text or text_of(rng), font_of(font, height)
    left, top, right, bottom = face.getbbox(text)
    ink, paper = CONTRASTS[contrast]
    size = (round(right - left) + 4 * height, round(bottom - top) + 4 * height)
    canvas = Image.new("L", size, paper)
    pen = ImageDraw.Draw(canvas)
    pen.text((2 * height - left, 2 * height - top), text, font=face, fill=ink)
    if rotation:
        angle = rotation * rng.choice((-1, 1))
        canvas = canvas.rotate(angle, Image.Resampling.BICUBIC, expand=True, fillcolor=paper)
    pixels = np.asarray(canvas.convert("RGB"))
    return Sample(height, font or "Pillow default", contrast, rotation, text, pixels)


def tesseract(image: np.ndarray) -> str:
    """Tesseract's command line, one line of text (`--psm 7`), one thread."""
    encoded = subprocess.run(
        ["tesseract", "stdin", "stdout", "--psm", "7", "-l", "eng"],
        input=_png(image),
        capture_output=True,
        check=True,
        env={**os.environ, "OMP_THREAD_LIMIT": "1"},
    )
    return encoded.stdout.decode()


def tesseract_memory() -> float:
    """Peak MiB of one run on one line, from a small process: a fork counts its parent's."""
    code = (
        "import resource, subprocess, sys\n"
        "subprocess.run(['tesseract', 'stdin', 'stdout', '--psm', '7'], stdin=sys.stdin,"
        " capture_output=True)\n"
        "print(resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss)"
    )
    page = _png(rendered(random.Random(0), 32, "", "255 on 0", 0).image)
    shown = subprocess.run(
        [sys.executable, "-c", code], input=page, capture_output=True, check=True
    )
    return int(shown.stdout) / 1024


def _png(image: np.ndarray) -> bytes:
    import io

    buffer = io.BytesIO()
    Image.fromarray(image).save(buffer, "PNG", compress_level=1)
    return buffer.getvalue()


def cer(pairs: list[tuple[str, str]]) -> float:
    """Character error rate over all pairs, reconciled, spaces ignored (detectors split lines)."""
    bare = [[t.replace(" ", "") for t in reconcile(asked, read)] for asked, read in pairs]
    return sum(Levenshtein.distance(*two) for two in bare) / sum(len(want) for want, _ in bare)


def markdown(head: list[str], rows: list[list[str]]) -> str:
    """A table."""
    lines = [head, ["---"] * len(head), *rows]
    return "\n".join("| " + " | ".join(line) + " |" for line in lines) + "\n"


def by(samples: list[Sample], read: dict[str, list[str]], key: Callable[[Sample], object]) -> str:
    """CER of each engine by one property of the samples."""
    keys = list(dict.fromkeys(key(s) for s in samples))
    rows = []
    for value in keys:
        chosen = [i for i, s in enumerate(samples) if key(s) == value]
        cells = [
            f"{cer([(samples[i].text, texts[i]) for i in chosen]):.3f}" for texts in read.values()
        ]
        rows.append([str(value), str(len(chosen)), *cells])
    return markdown(["", "lines", *read], rows)


def scene_table(rng: random.Random, count: int, side: int) -> tuple[list[list[str]], Counter]:
    """Exact and strict shares on drawn scenes, and which characters were confused."""
    rows, confused = [], Counter()
    groups: dict[str, list[dict[str, float]]] = {"large": [], "small": []}
    for _ in range(count):
        scene = sample_scene(rng, "text")
        reading = read_text(np.asarray(scene.render(side)))
        groups[str(scene.size_word)].append(compare(scene.text.text, reading.text))
        if len(reading.text) == len(scene.text.text):
            pairs = zip(scene.text.text, reading.text, strict=True)
            confused.update(f"{a} read as {b}" for a, b in pairs if a != b)
        elif reading.text != scene.text.text:
            confused[f"{scene.text.text} read as {reading.text!r}"] += 1
    for word, values in groups.items():
        means = [
            np.mean([v[f"typography.{m}"] for v in values]) for m in ("exact", "strict", "ned")
        ]
        rows.append([f"{word}, {side} px", str(len(values)), *(f"{m:.3f}" for m in means)])
    return rows, confused


def write_floor(samples: list[Sample], texts: list[str]) -> list[Floor]:
    """The reader's errors on upright text, by bucket, into the package."""
    upright = [(s, t) for s, t in zip(samples, texts, strict=True) if s.rotation == 0]
    rows = by_height((s.height, s.text, t) for s, t in upright)
    floors = [
        Floor(r.lower, r.lines, round(1 - r.exact, 4), round(r.cer, 4), upper_bound(r.cer, n))
        for r in rows
        for n in [sum(len(s.text) for s, _ in upright if bucket(s.height) == r.lower)]
    ]
    document = {
        "made_by": "imgassets_tests/benchmarks/typography_accuracy.py",
        "engine": f"PP-OCRv6 small, rapidocr {version('rapidocr')}, "
        f"onnxruntime {version('onnxruntime')}",
        "text": "upright rendered lines, 6 fonts, 3 contrasts, letter height = capital H in px",
        "floors": [asdict(f) for f in floors],
    }
    path = ROOT / "imgassets/metrics/formulas/ocr_floor.json"
    path.write_text(json.dumps(document, indent=1) + "\n", encoding="utf-8")
    return floors


def upper_bound(share: float, trials: int) -> float:
    """Clopper and Pearson's one-sided 95 % bound."""
    errors = round(share * trials)
    return 1.0 if errors >= trials else round(float(beta.ppf(0.95, errors + 1, trials - errors)), 4)


def timed(engine: Callable[[np.ndarray], str], images: list[np.ndarray]) -> tuple[list[str], float]:
    """Texts, and processor seconds an image."""
    used = _cpu_seconds()
    texts = [engine(image) for image in images]
    return texts, (_cpu_seconds() - used) / len(images)


def _cpu_seconds() -> float:
    """Processor time of this process and its children: fair on a busy machine."""
    return sum(os.times()[:4])


def main() -> None:
    """Runs everything and writes both files."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--scenes", type=int, default=200)
    options = parser.parse_args()
    rng = random.Random(options.seed)
    cells = list(itertools.product(HEIGHTS, FONTS, CONTRASTS))
    samples = [
        rendered(rng, *cell, rotation)
        for number, cell in enumerate(cells)
        for rotation in ROTATIONS[number % 2]
    ]
    images = [s.image for s in samples]
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    read, costs = {}, []
    read["PP-OCRv6"], seconds = timed(lambda image: read_text(image).text, images)
    grown = (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) / 1024
    costs.append(["PP-OCRv6 small (rapidocr)", f"{seconds:.2f}", f"{grown:.0f}"])
    if shutil.which("tesseract"):
        read["Tesseract"], seconds = timed(tesseract, images)
        costs.append(["Tesseract 5 (command line)", f"{seconds:.2f}", f"{tesseract_memory():.0f}"])
    more = [rendered(rng, *cell, 0) for cell in cells for _ in range(MORE_UPRIGHT)]
    more_read = [read_text(sample.image).text for sample in more]
    floors = write_floor(samples + more, read["PP-OCRv6"] + more_read)
    print("lines read")
    rng = random.Random(options.seed + 1)
    small, confused = scene_table(rng, options.scenes, 96)
    double, more = scene_table(rng, options.scenes // 2, 192)
    write_page(samples, read, costs, floors, small + double, confused + more)


def write_page(samples, read, costs, floors, scenes, confused) -> None:
    """docs/metrics/typography.md"""
    parts = [
        "# Typography: how far the reader can be trusted\n",
        "One CPU thread. Definitions: `imgassets/metrics/formulas/typography_text.py`.\n",
        "CER: character error rate, the reader's measured confusions aside (see below), "
        "spaces ignored; lower is better. Text: one English word and five random letters and "
        "digits.\n",
        "## By height of a capital, in pixels\n",
        by(samples, read, lambda s: s.height),
        "## By font\n",
        by(samples, read, lambda s: s.font),
        "## By contrast (level of the letters on level of the background)\n",
        by(samples, read, lambda s: s.contrast),
        "## By rotation, in degrees\n",
        by(samples, read, lambda s: s.rotation),
        "## Time and memory\n",
        markdown(["engine", "CPU s an image", "MiB"], costs),
        "## The floor that scores are reported beside (`typography.reader_cer`)\n",
        "Upright lines; misread: share of lines not read exactly, spaces included.\n",
        markdown(
            ["letters from, px", "lines", "misread", "CER", "at most (95 %)"],
            [
                [str(f.lower), str(f.lines), *(f"{v:.3f}" for v in (f.misread, f.cer, f.cer_upper))]
                for f in floors
            ],
        ),
        "## Drawn scenes (1 to 5 capitals and digits, 8 colors, 4 backgrounds)\n",
        markdown(["letters", "images", "exact", "strict", "NED"], scenes),
        "Confused: " + "; ".join(f"{k} ({n})" for k, n in confused.most_common(12)) + ".\n",
    ]
    head, *parts = parts
    pages.write("typography", head.strip("# \n"), parts)


if __name__ == "__main__":
    main()
