"""Does the embedded model repeat its images: again, elsewhere, in other batches, threads, dtypes?

    python -m imgassets_tests.benchmarks.reproducibility_matrix

Appends to docs/metrics/reproducibility.md: for tiny-base and tiny-turbo through the product's own
backend, a matrix with a plain verdict a cell, the numbers behind it, and the variance over seeds by
prompt. Every place is a process of its own, except where "same process" is the question.
"""

from __future__ import annotations

import json
import os
import random
import signal
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

import numpy as np

from imgassets.metrics.formulas.reproducibility import Cell, Tolerance, matrix, seed_spread
from imgassets.tiny.scenes import sample_scene
from imgassets_tests.benchmarks.pages import append, table

ROOT = Path(__file__).parents[2]
MODELS = ("tiny-base", "tiny-turbo")
SEEDS = (1, 2, 3)
TASKS = ("single_object", "counting", "position", "text")
TOLERANCE = Tolerance(max_difference=8, min_psnr=45.0, min_ssim=0.995, max_bits=2)
#: What this machine's oneDNN needs to multiply bfloat16 matrices without an illegal instruction.
BFLOAT16_ENVIRONMENT = {"ONEDNN_MAX_CPU_ISA": "AVX512_CORE_BF16"}

Place = dict[str, Any]
Images = dict[str, np.ndarray]

#: Each process: its settings, and the places (names of runs) that its images stand for.
PROCESSES: tuple[Place, ...] = (
    {"places": ["reference", "same process again", "batch reversed", "seed unset"]},
    {"places": ["new process"]},
    {"places": ["batches of 1"], "batch_size": 1},
    {"places": ["batches of 12"], "batch_size": 12},
    {"places": ["1 thread"], "threads": 1},
    {"places": ["bfloat16"], "dtype": "bfloat16"},
)
REFERENCE = {"batch_size": 4, "threads": 2, "dtype": "float32"}


def prompts() -> dict[str, str]:
    """One prompt a task, as the model was taught to read them."""
    return {task: sample_scene(random.Random(3), task).prompt for task in TASKS}


def make(place: Place, name: str, folder: Path) -> None:
    """Makes one process's images of one model; one file a place."""
    import torch

    from imgassets.backends.diffusers_backend import DiffusersBackend
    from imgassets.documents.project import load_project
    from imgassets.documents.weights import weights_folder

    torch.set_num_threads(place["threads"])
    changed = {"batch_size": place["batch_size"], "dtype": place["dtype"]}
    model = load_project(ROOT).model(name).model_copy(update=changed)
    backend = DiffusersBackend(model, weights_folder(ROOT, model.weights), "cpu")
    asked = [
        {
            "prompt": prompt, "negative_prompt": "", "seed": seed, "size": [96, 96],
            "sampling": model.sampling.model_dump(),
        }
        for prompt in prompts().values() for seed in SEEDS
    ]  # fmt: skip
    keys = [f"{task} {seed}" for task in TASKS for seed in SEEDS]
    for run in place["places"]:
        if run == "seed unset":  # what `random` gives when nobody sets a seed
            wild = random.SystemRandom()
            asked = [one | {"seed": wild.randrange(2**31)} for one in asked]
        backwards = -1 if run == "batch reversed" else 1
        outcomes = backend.generate(asked[::backwards])[::backwards]
        failures = {o.message for o in outcomes if o.image is None}
        if failures:
            raise RuntimeError(f"{name}, {run}: {failures}")
        images = {k: np.asarray(o.image) for k, o in zip(keys, outcomes, strict=True)}
        np.savez(folder / f"{name}|{run}.npz", **images)


def run(place: Place, folder: Path, environment: dict[str, str]) -> int:
    """Exit code of a process that makes the images of both models."""
    command = [sys.executable, "-m", "imgassets_tests.benchmarks.reproducibility_matrix"]
    return subprocess.run(
        [*command, json.dumps(REFERENCE | place), str(folder)],
        env=os.environ | environment, check=False, cwd=ROOT,
    ).returncode  # fmt: skip


def places_of(folder: Path, model: str) -> dict[str, Images]:
    """All images of a model, by place and request."""
    found = {}
    for name in (place for process in PROCESSES for place in process["places"]):
        path = folder / f"{model}|{name}.npz"
        if path.is_file():
            with np.load(path) as images:
                found[name] = {key: images[key] for key in images}
    return found


def verdicts(cells: list[Cell]) -> str:
    """The matrix: a plain word for each pair of places."""
    names = list(dict.fromkeys(name for cell in cells for name in (cell.first, cell.second)))
    words = {(cell.first, cell.second): cell.verdict for cell in cells}
    rows = [
        [name, *(words.get((name, other), words.get((other, name), "")) for other in names[1:])]
        for name in names[:-1]
    ]
    return table(["", *names[1:]], rows)


def numbers(cells: list[Cell]) -> str:
    """What lies behind the reference's row."""
    rows = [
        [
            cell.second, cell.verdict, f"{cell.identical} / {cell.within} / {cell.different}",
            f"{cell.worst.max_difference}", f"{cell.worst.psnr:.1f}", f"{cell.worst.ssim:.4f}",
            f"{cell.worst.bits}",
        ]
        for cell in cells if cell.first == "reference"
    ]  # fmt: skip
    head = ["against the reference", "verdict", "identical / within / different"]
    return table([*head, "max difference", "PSNR, dB", "SSIM", "pHash bits"], rows)


def spreads(images: Images) -> str:
    """Variance over seeds by prompt."""
    rows = []
    for task, prompt in prompts().items():
        found = seed_spread([images[f"{task} {seed}"] for seed in SEEDS])
        rows.append(
            [prompt.replace("|", "\\|"), f"{found.pixel_deviation:.1f}",
             f"{found.color_distance:.1f}", f"{found.hash_bits:.1f}"]
        )  # fmt: skip
    return table(["prompt", "deviation, levels", "mean CIEDE2000", "pHash bits"], rows)


def _bfloat16(without: int | None) -> str:
    """What bfloat16 needed; `without` is the exit code of the process that went without it."""
    if without is None:
        return "bfloat16 was not run.\n"
    crash = f"signal {signal.Signals(-without).name}" if without < 0 else f"exit code {without}"
    return (
        f"bfloat16 ran with `ONEDNN_MAX_CPU_ISA={BFLOAT16_ENVIRONMENT['ONEDNN_MAX_CPU_ISA']}`; "
        f"without it, the same process ended with {crash} on this machine.\n"
    )


def page(folder: Path, without: int | None) -> list[str]:
    """What is appended, from the images in a folder; places without images are named."""
    limits = (
        f"at most {TOLERANCE.max_difference} levels, PSNR {TOLERANCE.min_psnr:.0f} dB, SSIM "
        f"{TOLERANCE.min_ssim}, {TOLERANCE.max_bits} hash bits"
    )
    parts = [
        "## The embedded models, repeated\n",
        "Written by `python -m imgassets_tests.benchmarks.reproducibility_matrix`: "
        f"{len(TASKS)} prompts x {len(SEEDS)} seeds through `DiffusersBackend` on CPU. Reference: "
        f"float32, batches of 4, 2 threads. A cell is as bad as its worst image; within tolerance "
        f"means {limits}. There was no GPU, so devices were not compared.\n",
        _bfloat16(without),
    ]
    for model in MODELS:
        found = places_of(folder, model)
        cells = matrix(found, TOLERANCE)
        absent = [n for process in PROCESSES for n in process["places"] if n not in found]
        parts += [f"### {model}\n", verdicts(cells), numbers(cells)]
        parts += [f"Not made: {', '.join(absent)}.\n"] if absent else []
        parts += ["Over seeds, by prompt (0 would be a fault):\n", spreads(found["reference"])]
    return parts


def main(arguments: list[str]) -> None:
    """Appends the page, or, as a child, makes one process's images."""
    if arguments:
        for model in MODELS:
            make(json.loads(arguments[0]), model, Path(arguments[1]))
        return
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        for place in PROCESSES:
            environment = BFLOAT16_ENVIRONMENT if place.get("dtype") == "bfloat16" else {}
            if code := run(place, folder, environment):
                raise SystemExit(f"{place['places']}: the process ended with {code}")
        with tempfile.TemporaryDirectory() as other:
            without = run(PROCESSES[-1], Path(other), {})
        append("reproducibility", "reproducibility_matrix", page(folder, without))


if __name__ == "__main__":
    main(sys.argv[1:])
