"""Images and their scores by one process, by two processes, and by two Ray workers, by turns.

Run by `imgassets_tests.benchmarks.engines` in namespaces of its own, where two Ray nodes of one
core each are started. The last line it prints is what it found, as JSON.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pandas as pd

from imgassets.backends.generation import image_table
from imgassets.backends.registry import open_backend, open_maker
from imgassets.documents.project import Project, load_project
from imgassets.engines.choice import LocalProcesses, RayCluster
from imgassets.engines.making import Spread
from imgassets.engines.scoring import SpreadScores
from imgassets.engines.teams import Teams
from imgassets.engines.worker import Order
from imgassets.metrics.branch import Branch
from imgassets.metrics.families import FAMILIES
from imgassets.metrics.metric_rows import measure
from imgassets.metrics.score_processes import ALL_CORES, Cores, Others
from imgassets.requests import Request, build_requests
from imgassets.storage.image_store import ImageStore
from imgassets.storage.score_store import ScoreStore
from imgassets_tests.benchmarks.engines import seconds, told
from imgassets_tests.cluster.ray_cluster import PORT, SETTINGS, start_cluster
from imgassets_tests.conftest import write_project

ONE, PROCESSES, RAY = "one process, one core", "two processes", "two Ray workers"
ENDPOINT, MODEL = "cards", "fast"
#: Parts that let all workers load what they need, and are not counted; how many images each has.
FIRST_PARTS, FIRST_IMAGES = 3, 24
#: After the first of them, so that a worker that begins later than the other one is there.
_SETTLE_SECONDS = 15


class BegunCores(Cores):
    """Processes that are there, as in the middle of a larger table."""

    @property
    def start_seconds(self) -> float:
        """See `Others`."""
        return 0.0


@dataclass
class Way:
    """One way to make and score images, with stores of its own.

    Attributes:
        make: what makes images.
        others: who scores them, beside this process.
    """

    name: str
    make: Any
    others: Others
    store: ImageStore
    scores: ScoreStore

    def timed(self, work: Callable[[], None]) -> float:
        """Seconds that something takes; of one process, on one core."""
        cores = os.sched_getaffinity(0)
        if self.name == ONE:
            os.sched_setaffinity(0, {min(cores)})  # the thread that stores inherits it
        begun = time.perf_counter()
        work()
        taken = time.perf_counter() - begun
        os.sched_setaffinity(0, cores)
        return taken


def ways(root: Path, project: Project, teams: dict[str, Teams]) -> list[Way]:
    """All three."""
    model, scorers = project.model(MODEL), teams[RAY].scoring()
    if not isinstance(scorers, SpreadScores):
        raise TypeError("no cluster scores images")
    begun = replace(scorers, begun=lambda: True)  # as BegunCores
    order = Order(root, model, "generate", "cpu")
    backend = open_backend(root, model, "cpu")
    here = open_maker("generate", root, model, "cpu", lambda: backend)
    made: list[tuple[str, Any, Others]] = [
        (ONE, here, ALL_CORES),
        (PROCESSES, Spread(teams[PROCESSES].making(), order), BegunCores()),
        (RAY, Spread(teams[RAY].making(), order), begun),
    ]
    return [
        Way(name, make, others, ImageStore(root / f"{n}"),
            ScoreStore(root / f"{n}.sqlite", root / "quarantine"))
        for n, (name, make, others) in enumerate(made)
    ]  # fmt: skip


def by_turns(
    stage: str, chosen: Sequence[Way], parts: Sequence[Any], work: Callable[[Way, Any], None]
) -> dict[str, list[float]]:
    """Seconds of each part but the first few, by way; each way is the first by turns."""
    taken: dict[str, list[float]] = {way.name: [] for way in chosen}
    for number, part in enumerate(parts):
        turn = number % len(chosen)
        for way in (*chosen[turn:], *chosen[:turn]):
            taken[way.name].append(way.timed(lambda way=way, part=part: work(way, part)))
        told(f"{stage}: {number + 1} of {len(parts)},",
             ", ".join(f"{name} {all_[-1]:.2f} s" for name, all_ in taken.items()))  # fmt: skip
        if number == 0:
            time.sleep(_SETTLE_SECONDS)
    return {name: all_[FIRST_PARTS:] for name, all_ in taken.items()}


def speed(root: Path, images: int, size: int) -> dict[str, Any]:
    """Seconds of each slice of making and of scoring, by way, and whether all came out equal."""
    write_project(root)
    project = load_project(root)
    asked = build_requests(project, ENDPOINT, MODEL, "cpu", list(range(100, 500)))
    first = FIRST_PARTS * FIRST_IMAGES
    asked = [r for r in asked if r.flow == "generate"][: images + first]
    parts = [
        *(asked[start : start + FIRST_IMAGES] for start in range(0, first, FIRST_IMAGES)),
        *(asked[start : start + size] for start in range(first, len(asked), size)),
    ]
    teams = {
        PROCESSES: Teams(LocalProcesses(2), "cpu"),
        RAY: Teams(RayCluster(f"127.0.0.1:{PORT}", gpus=0.0), "cpu"),
    }
    chosen = ways(root, project, teams)
    making = by_turns("making", chosen, parts, lambda way, part: _make(way, part))
    teams[PROCESSES].close()
    families = [
        name
        for name, flows in project.endpoint(ENDPOINT).families.items()
        if "generate" in flows and not FAMILIES[name].of_making
    ]
    tables: dict[str, list[pd.DataFrame]] = {way.name: [] for way in chosen}

    def score(way: Way, part: Sequence[Request]) -> None:
        images = image_table(part, way.store, {})
        branch = Branch(project, ENDPOINT, MODEL, images, way.store)
        tables[way.name] += measure(families, branch, way.scores, others=way.others).values()

    scoring = by_turns("scoring", chosen, parts, score)
    teams[RAY].close()
    alone, *rest = chosen
    equal = all(
        alone.store.read_bytes(r.image_key) == way.store.read_bytes(r.image_key)
        for way in rest for r in asked
    ) and all(
        one.equals(other)
        for way in rest
        for one, other in zip(tables[ONE], tables[way.name], strict=True)
    )  # fmt: skip
    return {"making": making, "scoring": scoring, "equal": equal, "families": ", ".join(families)}


def _make(way: Way, part: Sequence[Request]) -> None:
    seconds(part, way.store, way.make, 4)


def main() -> None:
    """Start the cluster, measure, print what was found."""
    images, size = (int(word) for word in sys.argv[1:3])
    subprocess.run(["ip", "link", "set", "lo", "up"], check=True)
    os.environ |= SETTINGS | {"RAY_worker_niceness": "0"}  # as the other ways
    with tempfile.TemporaryDirectory(prefix="ray-", ignore_cleanup_errors=True) as folder:
        told("starting two Ray nodes of one core each")
        start_cluster(Path(folder) / "ray")
        found = speed(Path(folder) / "speed", images, size)
    print(json.dumps(found))


if __name__ == "__main__":
    main()
