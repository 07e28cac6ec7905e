"""Scores on a real Ray cluster of two nodes, in namespaces as those of `ray_cluster`.

    unshare -n -p -f --mount-proc --kill-child python -m imgassets_tests.cluster.ray_scores \\
        SCENE FOLDER

plays one of `SCENES` and writes what it found to FOLDER/found.json.
"""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import psutil

from imgassets.backends.generation import make_images
from imgassets.engines import scoring as spread_scores
from imgassets.engines.choice import RayCluster
from imgassets.engines.making import Spread
from imgassets.engines.patience import Patience
from imgassets.engines.team import Team
from imgassets.engines.teams import on_cluster
from imgassets.engines.worker import versions_here
from imgassets.metrics import scoring
from imgassets.storage.image_store import ImageStore
from imgassets_tests.cluster.ray_cluster import PORT, SETTINGS, processes, start_cluster
from imgassets_tests.engines import through_dagster
from imgassets_tests.engines.painting import HANGS, ORDER, RayPainters, request
from imgassets_tests.integration.small import scores_kept

#: Stages made beside generated and edited images, in one run.
SCORED = ("upscaled", "composition", "typography", "edit_stability")
SEEDS = 10
RUN = "run"
#: Scores of more images than the process of the run scores itself.
BY_WORKERS = 10
#: Ray's workers are otherwise the last to get a core of a machine that is busy with other tests.
AS_OTHERS = {"RAY_worker_niceness": "0"}


def actors(name: str) -> list[psutil.Process]:
    """Processes of actors of a class."""
    return [p for p in processes("ray::") if f"::{name}" in " ".join(p.cmdline())]


def run(root: Path) -> None:
    """Make images and score them in one run; workers score however few there are."""
    spread_scores.START_SECONDS = 0.0
    scoring._PUT_SECONDS = 0.2
    through_dagster.make(root, *SCORED)


def a_scorer_is_killed(folder: Path) -> dict[str, Any]:
    """One run makes images and scores them; SIGKILL to one of two scorers in the middle."""
    root = through_dagster.write(folder / "shared", seeds=SEEDS)
    with (folder / "log").open("wb") as log:
        process = subprocess.Popen(
            [sys.executable, "-m", "imgassets_tests.cluster.ray_scores", RUN, str(root)],
            env=os.environ | {"IMGASSETS_PROJECT": str(root)},
            stdout=log,
            stderr=log,
        )
    most_makers = 0
    while len(actors("ScoreWorker")) < 2 or scores_kept(root) < BY_WORKERS:
        most_makers = max(most_makers, len(actors("Worker")))
        if process.poll() is not None:
            raise RuntimeError("the run ended before two actors scored")
        time.sleep(0.1)
    scorers, kept, makers = actors("ScoreWorker"), scores_kept(root), len(actors("Worker"))
    nodes = len({p.ppid() for p in scorers})
    scorers[0].send_signal(signal.SIGKILL)
    code = process.wait(300)
    time.sleep(2)
    return {
        "code": code,
        "makers": most_makers,
        "makers_while_scoring": makers,
        "nodes": nodes,
        "kept": kept,
        "scores": scores_kept(root),
        "left": len(actors("ScoreWorker")),
    }


def an_actor_hangs(folder: Path) -> dict[str, Any]:
    """One image hangs its actor whenever it is tried; another actor is stopped."""
    cluster = RayCluster(f"127.0.0.1:{PORT}")
    crew = on_cluster(cluster, partial(RayPainters, cluster, "cpu"))
    team = Team(crew, crew.workers, versions_here(), Patience(first=5.0, later=2.0))
    spread, store = Spread(team, ORDER), ImageStore(folder / "images")
    stopped: list[int] = []

    def stop(done: int, of: int) -> None:
        if done and not stopped:
            stopped.append(actors("Painter")[0].pid)
            os.kill(stopped[0], signal.SIGSTOP)

    requests = [request(n, 0.2) for n in range(12)]
    first, _ = make_images(requests, store, spread, batch_size=2, progress=stop)
    asked = [request(seed) for seed in (20, HANGS, 21, 22)]
    second, _ = make_images(asked, store, spread, batch_size=2, progress=lambda *_: None)
    team.close()
    time.sleep(2)
    left = len(actors("Painter"))
    crew.quit()
    return {
        "stopped": list(first["status"].unique()),
        "hung": dict(zip(map(str, second["seed"]), second["status"], strict=True)),
        "left": left,
    }


SCENES: dict[str, Callable[[Path], dict[str, Any]]] = {
    scene.__name__: scene for scene in (a_scorer_is_killed, an_actor_hangs)
}


def main() -> None:
    """Play the scene that the arguments name."""
    scene, folder = sys.argv[1], Path(sys.argv[2])
    if scene == RUN:
        run(folder)
        return
    subprocess.run(["ip", "link", "set", "lo", "up"], check=True)
    os.environ |= SETTINGS | AS_OTHERS
    start_cluster(folder / "ray")
    (folder / "found.json").write_text(json.dumps(SCENES[scene](folder)))


if __name__ == "__main__":
    main()
