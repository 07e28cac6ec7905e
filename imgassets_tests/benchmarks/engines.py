"""Two workers against one process, and what handing out batches costs; processes and Ray actors.

    python -m imgassets_tests.benchmarks.engines [IMAGES] [SLICE] [WORKERS ...]

Speed: images of the embedded turbo model and then their scores, by two Ray workers of one core
each, by two processes of this machine, and by one process that is kept on one core; by turns of a
slice of the images, with everything loaded before. Overhead: a backend that waits a second an
image, five images a worker, all workers there before, for each number of WORKERS (1, 8 and 64
unless given). Ray runs in namespaces of its own (root, `unshare`, `ip`). Prints what it does, and
writes docs/measurements/engines.md.
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
from functools import partial
from importlib.metadata import version
from pathlib import Path
from typing import Any

from imgassets.backends.batches import Engine
from imgassets.backends.generation import Make, make_images
from imgassets.engines.choice import RayCluster
from imgassets.engines.making import Spread
from imgassets.engines.team import Team
from imgassets.engines.teams import on_cluster
from imgassets.engines.worker import versions_here
from imgassets.requests import Request
from imgassets.storage.image_store import ImageStore
from imgassets_tests.benchmarks.pages import table
from imgassets_tests.engines.painting import ORDER, Painters, RayPainters, request

IMAGES, SLICE, ROUNDS, WORKERS = 1000, 250, 5, (1, 8, 64)
PAGE = Path(__file__).parents[2] / "docs/measurements/engines.md"
ALONE = ["unshare", "-n", "-p", "-f", "--mount-proc", "--kill-child", sys.executable, "-m"]


def told(*words: object) -> None:
    """Progress, on standard error: standard output is for results."""
    print(time.strftime("%H:%M:%S"), *words, file=sys.stderr, flush=True)


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


def overhead(engine: str, workers: int, folder: Path) -> float:
    """Seconds that ROUNDS images a worker take, each of one second."""
    told(f"overhead: {engine}, {workers} workers")
    if engine == "ray":
        cluster = RayCluster("auto", workers, cpus=1.0, gpus=0.0)
        crew = on_cluster(cluster, partial(RayPainters, cluster, "cpu"))
        team = Team(crew, workers, versions_here())
    else:
        team = Team(Painters(workers, "cpu"), workers, versions_here())
    spread, store = Spread(team, ORDER), ImageStore(folder / f"{engine}{workers}")
    first = [request(n, 3.0 if workers > 1 else 0.0) for n in range(workers)]
    while len(team._idle) < workers:  # until each has made one
        seconds(first, store, spread, 1)
        first = [request(10_000 + r.seed, 3.0) for r in first]
    taken = seconds([request(1000 + n, 1.0) for n in range(ROUNDS * workers)], store, spread, 1)
    team.close()
    if engine == "ray":
        crew.quit()
    told(f"overhead: {engine}, {workers} workers: {taken:.3f} s")
    return taken


def in_namespaces(module: str, *arguments: object) -> Any:
    """What a module prints as JSON at its end, run with a cluster alone in its namespaces."""
    said = subprocess.run(
        [*ALONE, f"imgassets_tests.benchmarks.{module}", *map(str, arguments)],
        check=True,
        stdout=subprocess.PIPE,
        text=True,
    )
    return json.loads(said.stdout.splitlines()[-1])


def on_ray(workers: Sequence[int]) -> None:
    """Prints seconds for each number of workers."""
    subprocess.run(["ip", "link", "set", "lo", "up"], check=True)
    with tempfile.TemporaryDirectory(prefix="ray-", ignore_cleanup_errors=True) as folder:
        start = [str(Path(sys.executable).with_name("ray")), "start", "--head", "--num-cpus", "64"]
        where = ["--temp-dir", folder, "--include-dashboard=false"]
        subprocess.run([*start, *where], check=True, stdout=sys.stderr)
        taken = [overhead("ray", count, Path(folder)) for count in workers]
    print(json.dumps(taken))


def rows(engine: str, workers: Sequence[int], taken: Sequence[float]) -> list[list[str]]:
    """Of the page's table of overheads."""
    return [
        [engine, str(n), str(n * ROUNDS), f"{s:.3f}", f"{s / ROUNDS - 1:.1%}"]
        for n, s in zip(workers, taken, strict=True)
    ]


def speed_rows(found: dict[str, Any], images: int) -> list[list[str]]:
    """Of the page's table of speeds: seconds of making, of scoring, of both, and times as fast."""
    alone = [sum(found[stage]["one process, one core"]) for stage in ("making", "scoring")]
    told_rows = []
    for way in found["making"]:
        took = [sum(found[stage][way]) for stage in ("making", "scoring")]
        cells = (*took, sum(took))
        times = [a / t for a, t in zip((*alone, sum(alone)), cells, strict=True)]
        slices = [
            sum(parts) / sum(own)
            for parts, own in zip(_both(found, "one process, one core"), _both(found, way),
                                  strict=True)
        ]  # fmt: skip
        told_rows.append(
            [way, *(f"{s:.1f} ({t:.2f})" for s, t in zip(cells, times, strict=True)),
             f"{images / sum(took):.2f}", f"{min(slices):.2f} to {max(slices):.2f}"]
        )  # fmt: skip
    return told_rows


def _both(found: dict[str, Any], way: str) -> list[tuple[float, float]]:
    """Seconds of each slice: of making, and of scoring."""
    return list(zip(found["making"][way], found["scoring"][way], strict=True))


def main() -> None:
    """Measure, and write the page."""
    os.environ["OMP_NUM_THREADS"] = "1"  # before torch is there
    asked = [int(word) for word in sys.argv[1:]]
    images, size = (*asked[:2], *(IMAGES, SLICE)[len(asked) :])[:2]
    counts = asked[2:] or WORKERS
    found = in_namespaces("engines_speed", images, size)
    with tempfile.TemporaryDirectory() as folder:
        waits = rows("processes", counts, [overhead("local", n, Path(folder)) for n in counts])
    waits += rows("Ray actors", counts, in_namespaces("engines", "ray", *counts))
    equal = "are equal" if found["equal"] else "DIFFER"
    PAGE.write_text(
        "# Engines\n\n"
        "Written by `python -m imgassets_tests.benchmarks.engines` on "
        f"{platform.machine()}, {os.cpu_count()} cores, load {os.getloadavg()[0]:.1f} at the end, "
        f"torch {version('torch')}, ray {version('ray')}.\n\n"
        "## Two workers against one process\n\n"
        f"{images} images of 96 px of the embedded turbo model, two steps, batches of 4; then "
        f"their scores by {found['families']}. By turns of {size} images, all workers begun "
        "before. One process is kept on one core, storing included. Two workers have one thread "
        "each, and what hands out and stores shares their two cores: processes of this machine "
        "(`local:2`, scores by loky), or Ray actors on two nodes of one core each. Files and "
        f"tables {equal} byte for byte. In brackets: times as fast as one process.\n\n"
        + table(
            [
                "",
                "making, s",
                "scoring, s",
                "both, s",
                "images and scores a second",
                "slice by slice",
            ],
            speed_rows(found, images),
        )
        + "\n## What the engine costs\n\n"
        f"Images that take a second each, by a backend that waits; {ROUNDS} a worker, all workers "
        f"begun before. Without any cost, all would take {ROUNDS} s. Images are of 4 px: encoding "
        "large ones takes time of the workers' machines, which two cores cannot have 64 times.\n\n"
        + table(["engine", "workers", "images", "seconds", "overhead"], waits),
        encoding="utf-8",
    )
    told(f"wrote {PAGE}")


if __name__ == "__main__":
    if sys.argv[1:2] == ["ray"]:
        on_ray([int(n) for n in sys.argv[2:]])
    else:
        main()
