"""How fast is the whole suite of metrics, and what do kept scores save?

    python -m imgassets_tests.benchmarks.scoring_speed [--before CHECKOUT]

Writes docs/metrics/scoring.md. Every measurement is a process of its own with a project of its
own: images of a generate, an edit and an upscale flow, scored by all families with OCR. Rounds of
one core and of all cores take turns. `--before` names a checkout of an earlier version, which
scores the same images beside them.
"""

from __future__ import annotations

import argparse
import hashlib
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from PIL import Image, ImageDraw, ImageFont

from imgassets.documents.project import load_project
from imgassets.metrics.metric_rows import measure
from imgassets.storage.image_store import ImageStore

SIDES = {512: 40, 1024: 10}
ROUNDS = 1
PROMPTS, SEEDS = 200, 2
STAMP = "2026-11-27T00:00:00+00:00"
FLOWS = ("generate", "edit", "upscale")


def picture(side: int, number: int) -> np.ndarray:
    """A word and two disks, of other colors and places for each number."""
    rng = np.random.default_rng(number)
    image = Image.new("RGB", (side, side), (255, 255, 255))
    draw = ImageDraw.Draw(image)
    for _ in range(2):
        x, y = rng.integers(side // 6, side - side // 6, 2)
        draw.ellipse((x - side // 9, y - side // 9, x + side // 9, y + side // 9), (214, 26, 34))
    font = ImageFont.load_default(size=side // 10)
    draw.text((side // 8, side // 8), f"SALE {number}", (20, 30, 60), font)
    return np.asarray(image)


def write_documents(root: Path, side: int, prompts: int) -> None:
    """An endpoint with three flows and one model."""
    for folder in ("contracts/endpoints", "contracts/models", "prompts"):
        (root / folder).mkdir(parents=True, exist_ok=True)
    (root / "contracts/endpoints/e.yaml").write_text(
        f"endpoint: e\naccepts: {{max_prompt_chars: 60, sizes: [[{side}, {side}]]}}\n"
        f"returns: {{size: [{side}, {side}]}}\nflows: [generate, edit, upscale]\n"
        f"sampling: {{seeds: {list(range(1, SEEDS + 1))}}}\nprompt_sets: [p]\nincumbent: m\n"
        "criteria: [{metric: artefacts.clean, floor: 0.5}]\n"
    )
    (root / "contracts/models/m.yaml").write_text(
        'model: m\nbackend: diffusers\nweights: "package:tiny-base"\n'
        "scheduler: {class: FlowMatchEulerDiscreteScheduler}\n"
        "sampling: {steps: 1, guidance_scale: 1.0}\n"
        "edit: {steps: 1, guidance_scale: 1.0, strength: 0.5}\n"
        "upscaler: {kind: lanczos, scale: 2}\n"
        "price: {usd_per_hour: 1, source: a test, as_of: 2026-11-24}\n"
    )
    lines = ["prompt_set: p", "prompts:"]
    for number in range(prompts):
        expect = f'{{include: [{{class: circle, count: 2, color: red}}], text: "SALE {number}"}}'
        lines.append(f"  - {{id: p{number}, prompt: a sale, expect: {expect},")
        lines.append(
            f"     edit: {{region: [0.0, 0.0, 0.5, 1.0], prompt: a sale, expect: {expect}}}}}"
        )
    (root / "prompts/p.yaml").write_text("\n".join(lines))


def images_of(root: Path, side: int, prompts: int, seeds: int, flows: list[str]) -> pd.DataFrame:
    """The image table of a branch; images are drawn into its store where they are not there."""
    store, rows = ImageStore(root / ".imgassets" / "images"), []
    for number in range(prompts):
        for seed in range(1, seeds + 1):
            source = _key("generate", number, seed)
            for flow in flows:
                key = _key(flow, number, seed)
                if not store.has(key):
                    size = 2 * side if flow == "upscale" else side
                    drawn = Image.fromarray(picture(side, 1000 * seed + number))
                    drawn = drawn.resize((size, size), Image.Resampling.LANCZOS)
                    store.put(key, drawn, request={"flow": flow}, made_at=STAMP)
                rows.append(_row(store, flow, number, seed, key, source))
    return pd.DataFrame(rows)


def _key(flow: str, number: int, seed: int) -> str:
    return hashlib.sha256(f"{flow} {number} {seed}".encode()).hexdigest()


def _row(
    store: ImageStore, flow: str, number: int, seed: int, key: str, source: str
) -> dict[str, Any]:
    return {
        "endpoint": "e", "model": "m", "flow": flow, "prompt_set": "p", "prompt_id": f"p{number}",
        "seed": seed, "replicate": 0, "image_key": key,
        "source_key": None if flow == "generate" else source, "status": "ok", "message": "",
        "image_sha256": store.record(key).image_sha256, "seconds": 1.0, "peak_memory_mib": 1.0,
    }  # fmt: skip


def scored(root: Path, images: pd.DataFrame) -> float:
    """Seconds that all families take over an image table; by this version, or an earlier one."""
    project, store = load_project(root), ImageStore(root / ".imgassets" / "images")
    start = time.perf_counter()
    try:
        from imgassets.metrics.branch import Branch
        from imgassets.storage.project_home import home_of
        from imgassets.storage.score_store import score_store_of
    except ImportError:
        from imgassets.metrics.families import families_of

        for family, flows in families_of(FLOWS).items():
            looked_at = images[images["flow"].isin(flows)]
            measure(family, project, "e", "m", looked_at, store)  # type: ignore[arg-type]
        return time.perf_counter() - start
    branch = Branch(project, "e", "m", images, store)
    measure(list(project.endpoint("e").families), branch, score_store_of(home_of(root)))
    return time.perf_counter() - start


def child(root: Path, side: int, prompts: int, seeds: int, flows: list[str]) -> None:
    """One measurement in this process."""
    write_documents(root, side, max(prompts, PROMPTS + 1))
    print(scored(root, images_of(root, side, prompts, seeds, flows)))


def run(
    root: Path, side: int, prompts: int, seeds: int, flows: str, cores: str, code: Path
) -> float:
    """`child` in a fresh process of a version's code, held to some cores."""
    command = ["taskset", "-c", cores, sys.executable, __file__, "child", str(root)]
    printed = subprocess.run(
        [*command, str(side), str(prompts), str(seeds), flows],
        stdout=subprocess.PIPE,
        check=True,
        env=os.environ | {"PYTHONPATH": str(code), "OMP_NUM_THREADS": "1"},
    ).stdout
    return float(printed.split()[-1])


def suite(code: Path, before: Path | None) -> list[list[str]]:
    """Images a second of the whole suite, by side and by what scores them."""
    rows = []
    for side, count in SIDES.items():
        found: dict[str, list[float]] = {"one core": [], "all cores": [], "before": []}
        ways = {"one core": ("0", code), "all cores": (f"0-{(os.cpu_count() or 1) - 1}", code)}
        if before:
            ways["before"] = (ways["all cores"][0], before)
        for _ in range(ROUNDS):
            for way, (cores, version) in ways.items():
                with tempfile.TemporaryDirectory() as folder:
                    root = Path(folder)
                    images_of(root, side, count, 1, list(FLOWS))
                    flows = ",".join(FLOWS)
                    seconds = run(root, side, count, 1, flows, cores, version)
                    found[way].append(3 * count / seconds)
        one, every, old = (max(found[way], default=0.0) for way in found)
        rows.append(
            [f"{side} px", str(3 * count), f"{one:.2f}", f"{every:.2f}", f"{every / one:.2f}"]
            + ([f"{old:.2f}", f"{every / old:.2f}"] if old else [])
        )
        print(rows[-1], flush=True)
    return rows


def one_prompt_more(code: Path) -> tuple[float, float]:
    """Seconds of scoring all images of 200 prompts x 2 seeds, and those of one prompt more."""
    with tempfile.TemporaryDirectory() as folder:
        root, cores = Path(folder), f"0-{(os.cpu_count() or 1) - 1}"
        images_of(root, 512, PROMPTS + 1, SEEDS, ["generate"])
        every = run(root, 512, PROMPTS, SEEDS, "generate", cores, code)
        more = run(root, 512, PROMPTS + 1, SEEDS, "generate", cores, code)
    print(f"all {every:.1f} s, one prompt more {more:.2f} s", flush=True)
    return every, more


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--before", type=Path, help="checkout of an earlier version")
    options = parser.parse_args()
    from imgassets_tests.benchmarks.pages import table, write

    code = Path(__file__).parents[2]
    rows = suite(code, options.before)
    every, more = one_prompt_more(code)
    head = ["side", "images", "one core, images/s", "all cores, images/s", "gain"]
    head += ["before, all cores", "times before"] if options.before else []
    parts = [
        "Images a second of all families with OCR, everything counted from the first look at the "
        "documents to the last table: loading judges, starting processes, keeping scores. A third "
        "each of generated, edited and upscaled images; upscaled ones are twice the side. Best of "
        f"{ROUNDS} rounds that take turns. Bars: a gain of 1.7, and 1.5 times the version that "
        "scored in threads.\n",
        table(head, rows),
        "## One prompt more\n",
        f"Scoring {PROMPTS} prompts x {SEEDS} images of 512 px takes {every:.1f} s; one prompt "
        f"more then takes {more:.2f} s, which is {more / every:.1%} of it (bar: 3 %).\n",
    ]
    print(write("scoring", "Scoring on all cores, once", parts, "scoring_speed"))


if __name__ == "__main__":
    if sys.argv[1:2] == ["child"]:
        folder, side, prompts, seeds, flows = sys.argv[2:]
        child(Path(folder), int(side), int(prompts), int(seeds), flows.split(","))
    else:
        main()
