"""Two workers against one process, and what handing out batches costs; processes and Ray actors.

    python -m imgassets_tests.benchmarks.engines [IMAGES]

Speed: the embedded turbo model, two worker processes of one thread each, against one process kept
on one core; by turns of a slice of the images, with everything loaded before. Overhead: a backend
that waits a second an image, five images a worker, all workers there before; Ray runs in
namespaces of its own (root, `unshare`, `ip`). Writes docs/measurements/engines.md.
"""

from __future__ import annotations

import json
import os
import platform
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from importlib.metadata import version
from pathlib import Path

from imgassets.backends.batches import Engine
from imgassets.backends.generation import Make, make_images
from imgassets.backends.registry import open_backend, open_maker
from imgassets.documents.project import load_project
from imgassets.engines.choice import LocalProcesses, RayCluster, open_team
from imgassets.engines.ray_actors import RayActors
from imgassets.engines.team import Spread, Team
from imgassets.engines.worker import Order
from imgassets.requests import Request, build_requests
from imgassets.storage.image_store import ImageStore
from imgassets_tests.benchmarks.pages import table
from imgassets_tests.conftest import write_project
from imgassets_tests.engines.painting import ORDER, Painter, Painters, request

IMAGES, SLICE, ROUNDS = 1000, 100, 5
PAGE = Path(__file__).parents[2] / "docs/measurements/engines.md"


def seconds(
    requests: Sequence[Request], store: ImageStore, make: Make | Engine, size: int
) -> float:
    """Wall-clock seconds to make and store all of them."""
    begun = time.perf_counter()
    made, count = make_images(
        list(requests), store, make, batch_size=size, progress=lambda *_: None
    )
    if count != len(requests) or set(made["status"]) != {"ok"}:
        raise RuntimeError(f"{count} of {len(requests)} images made")
    return time.perf_counter() - begun


def speed(root: Path, images: int) -> tuple[list[float], list[float], bool]:
    """Seconds of each slice with one process and with two workers, and whether files are equal."""
    write_project(root)
    project = load_project(root)
    model = project.model("fast")
    asked = build_requests(project, "cards", "fast", "cpu", list(range(100, 500)))
    asked = [r for r in asked if r.flow == "generate"][: images + 24]
    backend = open_backend(root, model, "cpu")
    here = open_maker("generate", root, model, "cpu", lambda: backend)
    team = open_team(LocalProcesses(2), "cpu")
    spread = Spread(team, Order(root, model, "generate", "cpu"))
    stores = ImageStore(root / "one"), ImageStore(root / "two")
    cores = os.sched_getaffinity(0)
    one, two = [], []
    for number, start in enumerate([0, *range(24, len(asked), SLICE)]):
        part = asked[start : start + SLICE] if number else asked[:24]  # the first loads all
        two.append(seconds(part, stores[1], spread, 4))
        os.sched_setaffinity(0, {min(cores)})  # the thread that stores inherits it
        one.append(seconds(part, stores[0], here, 4))
        os.sched_setaffinity(0, cores)
    team.close()
    equal = all(
        stores[0].read_bytes(r.image_key) == stores[1].read_bytes(r.image_key) for r in asked
    )
    return one[1:], two[1:], equal


class RayPainters(RayActors):
    """Painters as Ray actors."""

    worker = Painter


def overhead(engine: str, workers: int, folder: Path) -> float:
    """Seconds that ROUNDS images a worker take, each of one second."""
    if engine == "ray":
        cluster = RayCluster("auto", workers, cpus=1.0, gpus=0.0)
        team = Team(RayPainters(cluster, "cpu"), workers)
    else:
        team = Team(Painters(workers, "cpu"), workers)
    spread, store = Spread(team, ORDER), ImageStore(folder / f"{engine}{workers}")
    first = [request(n, 3.0 if workers > 1 else 0.0) for n in range(workers)]
    while len(team._idle) < workers:  # until each has made one
        seconds(first, store, spread, 1)
        first = [request(10_000 + r.seed, 3.0) for r in first]
    taken = seconds([request(1000 + n, 1.0) for n in range(ROUNDS * workers)], store, spread, 1)
    team.close()
    return taken


def in_namespaces(workers: Sequence[int]) -> list[float]:
    """`overhead` of Ray, on a cluster that is alone in its namespaces."""
    alone = ["unshare", "-n", "-p", "-f", "--mount-proc", "--kill-child", sys.executable, "-m"]
    said = subprocess.run(
        [*alone, "imgassets_tests.benchmarks.engines", "ray", *map(str, workers)],
        check=True,
        stdout=subprocess.PIPE,
        text=True,
    )
    return json.loads(said.stdout.splitlines()[-1])


def on_ray(workers: Sequence[int]) -> None:
    """Prints seconds for each number of workers."""
    import ray

    subprocess.run(["ip", "link", "set", "lo", "up"], check=True)
    taken = []
    with tempfile.TemporaryDirectory(prefix="ray-", ignore_cleanup_errors=True) as folder:
        start = [str(Path(sys.executable).with_name("ray")), "start", "--head", "--num-cpus", "64"]
        where = ["--temp-dir", folder, "--include-dashboard=false"]
        subprocess.run([*start, *where], check=True, stdout=sys.stderr)
        for count in workers:
            taken.append(overhead("ray", count, Path(folder)))
            ray.shutdown()
    print(json.dumps(taken))


def rows(engine: str, workers: Sequence[int], taken: Sequence[float]) -> list[list[str]]:
    """Of the page's table of overheads."""
    return [
        [engine, str(n), str(n * ROUNDS), f"{s:.3f}", f"{s / ROUNDS - 1:.1%}"]
        for n, s in zip(workers, taken, strict=True)
    ]


def main() -> None:
    """Measure, and write the page."""
    os.environ["OMP_NUM_THREADS"] = "1"  # before torch is there
    images = int(sys.argv[1]) if len(sys.argv) > 1 else IMAGES
    counts = (1, 8, 64)
    with tempfile.TemporaryDirectory() as folder:
        one, two, equal = speed(Path(folder) / "speed", images)
        waits = rows("processes", counts, [overhead("local", n, Path(folder)) for n in counts])
    if not os.geteuid():
        waits += rows("Ray actors", counts, in_namespaces(counts))
    ratios = sorted(a / b for a, b in zip(one, two, strict=True))
    PAGE.write_text(
        "# Engines\n\n"
        "Written by `python -m imgassets_tests.benchmarks.engines` on "
        f"{platform.machine()}, {os.cpu_count()} cores, load {os.getloadavg()[0]:.1f} at the end, "
        f"torch {version('torch')}, ray {version('ray')}.\n\n"
        "## Two workers against one process\n\n"
        f"{images} images of 96 px of the embedded turbo model, two steps, batches of 4, by turns "
        f"of {SLICE} images. One process is kept on one core, storing included; two worker "
        "processes have one thread each, and what hands out and stores shares their two cores. "
        f"Files {'are equal byte for byte' if equal else 'DIFFER'}.\n\n"
        + table(
            ["", "seconds", "images a second"],
            [
                ["one process", f"{sum(one):.1f}", f"{images / sum(one):.2f}"],
                ["two workers", f"{sum(two):.1f}", f"{images / sum(two):.2f}"],
            ],
        )
        + f"\n{sum(one) / sum(two):.2f} times as fast; slices {ratios[0]:.2f} to {ratios[-1]:.2f}."
        "\n\n## What the engine costs\n\n"
        f"Images that take a second each, by a backend that waits; {ROUNDS} a worker, all workers "
        f"begun before. Without any cost, all would take {ROUNDS} s. Images are of 4 px: encoding "
        "large ones takes time of the workers' machines, which two cores cannot have 64 times.\n\n"
        + table(["engine", "workers", "images", "seconds", "overhead"], waits),
        encoding="utf-8",
    )


if __name__ == "__main__":
    if sys.argv[1:2] == ["ray"]:
        on_ray([int(n) for n in sys.argv[2:]])
    else:
        main()
