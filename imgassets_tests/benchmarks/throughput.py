"""Images a second through the assets, beside a bare diffusers loop with the same batch size.

    python -m imgassets_tests.benchmarks.throughput

Both sides load the pipeline, make the same images on the same device and stop when the last one is
there; the asset side also builds requests, hashes, stores every image (PNG, fsync) and writes its
table and its contact sheet through a Dagster run. Checks are left out: they judge images. The two
run by turns of a second.
Writes docs/measurements/throughput.md.
"""

from __future__ import annotations

import os
import platform
import sys
import tempfile
import time
from collections.abc import Callable
from importlib.metadata import version
from pathlib import Path
from statistics import median

from imgassets.backends.device import choose_device
from imgassets.defs.assets.branches import stage_key
from imgassets.defs.build import VALIDATE_JOB, build_definitions
from imgassets.documents.model import Model
from imgassets.documents.project import load_project
from imgassets.documents.weights import absent_components, weights_folder
from imgassets.storage.image_store import ImageStore
from imgassets_tests.benchmarks.pages import table
from imgassets_tests.benchmarks.turns import by_turns, wait_for_turns
from imgassets_tests.conftest import edit_file, write_project
from imgassets_tests.integration.small import at_home, model_file

BATCH, SEEDS = 16, 256
PROMPTS = ("a large red circle on white", "two green stars on white")
IMAGES = len(PROMPTS) * SEEDS
STEPS = 28
PAGE = Path(__file__).parents[2] / "docs/measurements/throughput.md"


def write(root: Path, seeds: int) -> None:
    """Two prompts, the embedded base model as the demo uses it, in batches of 16."""
    write_project(root)
    contract = root / "contracts" / "endpoints" / "cards.yaml"
    edit_file(contract, "seeds: [5, 6]", f"seeds: {list(range(seeds))}")
    edit_file(contract, "[generate, edit, upscale]", "[generate]")
    edit_file(contract, ", flow: upscale", "")
    edit_file(model_file(root, "prod"), "batch_size: 4", f"batch_size: {BATCH}")
    edit_file(
        model_file(root, "prod"),
        "steps: 4, guidance_scale: 1.0",
        f"steps: {STEPS}, guidance_scale: 3.0",
    )
    prompts = root / "prompts" / "few.yaml"
    prompts.write_text(prompts.read_text().split("  - id: word")[0])


def through_the_assets(root: Path, seeds: int, ready: Callable[[], None]) -> None:
    job = build_definitions(load_project(root)).resolve_job_def(VALIDATE_JOB)
    asked, made_of_it = (stage_key("cards", "prod", s) for s in ("requests_generate", "generated"))
    with at_home(root) as instance:
        # A project's first run sets up Dagster's databases, once for ever.
        job.get_subset(asset_selection={asked}).execute_in_process(instance=instance)
        both = job.get_subset(asset_selection={asked, made_of_it}, asset_check_selection=set())
        ready()
        both.execute_in_process(instance=instance)
    made = len(list(ImageStore(root / ".imgassets" / "images").keys()))
    if made != len(PROMPTS) * seeds:
        raise RuntimeError(f"{made} images made")


def bare_loop(root: Path, seeds: int, ready: Callable[[], None]) -> None:
    model = load_project(root).model("prod")
    ready()
    _bare_loop(model, [(prompt, seed) for prompt in PROMPTS for seed in range(seeds)])


def _bare_loop(model: Model, asked: list[tuple[str, int]]) -> None:
    import diffusers
    import torch

    folder = weights_folder(Path(), model.weights)  # an embedded one
    pipeline = diffusers.StableDiffusion3Pipeline.from_pretrained(
        folder,
        dtype=torch.float32,
        use_safetensors=True,
        **dict.fromkeys(absent_components(folder)),
    )
    pipeline.scheduler = diffusers.FlowMatchEulerDiscreteScheduler.from_config(
        pipeline.scheduler.config, **model.scheduler.settings
    )
    pipeline.set_progress_bar_config(disable=True)
    pipeline.to(choose_device("auto")[0])
    with torch.inference_mode():
        for start in range(0, len(asked), BATCH):
            batch = asked[start : start + BATCH]
            pipeline(
                prompt=[prompt for prompt, _ in batch],
                negative_prompt=[""] * len(batch),
                num_inference_steps=STEPS,
                guidance_scale=3.0,
                max_sequence_length=0,
                width=96,
                height=96,
                generator=[torch.Generator("cpu").manual_seed(seed) for _, seed in batch],
                output_type="np",
            )


SIDES = {"assets": through_the_assets, "bare": bare_loop}


def run_side(name: str) -> None:
    """One side, in a process of its own: small to warm up, then by turns; prints CPU seconds."""
    os.environ.pop("IMGASSETS_HOME", None)
    with tempfile.TemporaryDirectory() as small, tempfile.TemporaryDirectory() as whole:
        write(Path(small), BATCH)
        SIDES[name](Path(small), BATCH, lambda: None)  # imports and first allocations
        started = []

        def ready() -> None:
            wait_for_turns()
            started.append(time.process_time())

        write(Path(whole), SEEDS)
        SIDES[name](Path(whole), SEEDS, ready)
        print(time.process_time() - started[0], flush=True)


def measured_with(threads: int, count: int) -> list[list[float]]:
    """So many rounds of wall and CPU seconds: of the assets, then of the bare loop."""
    env = os.environ | {"OMP_NUM_THREADS": str(threads)}
    command = [sys.executable, "-m", __spec__.name]
    rounds = []
    for number in range(count):
        names = ["assets", "bare"][:: 1 if number % 2 else -1]  # each goes first in turn
        sides = by_turns([*command, names[0]], [*command, names[1]], env)
        found = dict(zip(names, sides, strict=True))
        rounds.append([x for name in SIDES for x in (found[name][0], float(found[name][1]))])
        print(f"{threads} threads, round {number + 1}: {rounds[-1]}", flush=True)
    return rounds


def shown(rounds: list[list[float]]) -> str:
    rows = [[*row, row[2] / row[0], row[3] / row[1]] for row in rounds]
    rows.append([median(column) for column in zip(*rows, strict=True)])
    names = [*(str(n) for n in range(1, len(rounds) + 1)), "median"]
    return table(
        ["round", "assets, wall s", "CPU s", "bare loop, wall s", "CPU s", "ratio, wall",
         "ratio, CPU"],
        [
            [name, *(f"{x:.2f}" for x in row[:4]), *(f"{x:.3f}" for x in row[4:])]
            for name, row in zip(names, rows, strict=True)
        ],
    )  # fmt: skip


def main() -> None:
    device, why = choose_device("auto")
    cores = os.cpu_count() or 1
    parts = [
        "# Throughput through the assets",
        f"Written by `python -m imgassets_tests.benchmarks.throughput` on {platform.machine()}, "
        f"{cores} cores, {device} ({why}), torch {version('torch')}, diffusers "
        f"{version('diffusers')}: {IMAGES} images, batches of {BATCH}, {STEPS} steps, embedded "
        "base model. Both sides load the pipeline; the assets also hash, store and list every "
        "image, in a whole Dagster run (without checks) of a project that had runs before. The two "
        "sides are processes that run by turns of a second, each stopped while the other runs. "
        "Ratios are of throughputs, assets to bare loop.",
    ]
    for threads, rounds, heading in (
        (cores, 5, "All cores for torch: storing takes its share of them"),
        (1, 3, "One thread for torch, as where a GPU makes the images: a core is left for storing"),
    ):
        parts += [f"## {heading}", shown(measured_with(threads, rounds))]
    PAGE.write_text("\n\n".join(part.strip() for part in parts) + "\n", encoding="utf-8")
    print(PAGE.read_text(encoding="utf-8"))


if __name__ == "__main__":
    if sys.argv[1:]:
        run_side(sys.argv[1])
    else:
        main()
