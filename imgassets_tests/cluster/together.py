"""One project on one machine without any server, and on a deployment of all parts.

    unshare -n -p -f --mount-proc --kill-child python -m imgassets_tests.cluster.together FOLDER

writes what it found to FOLDER/found.json.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

from imgassets.storage.image_store import ImageStore
from imgassets_tests.cluster import ray_cluster
from imgassets_tests.cluster.deployment import Deployment, provider_of, write_project
from imgassets_tests.fakes.openai_api import FakeOpenAI
from imgassets_tests.integration.forked import Run, validate_in_a_fork, warm_up
from imgassets_tests.integration.small import same_tables


def alone(root: Path, seeds: int = 3) -> tuple[dict[str, bytes], int]:
    """Validate on one machine; the images, and how many requests were billed."""
    write_project(root, seeds)
    with FakeOpenAI() as fake:
        here = provider_of(fake)
        run = validate_in_a_fork(root, lambda: os.environ.update(here))
        if run.wait() not in (0, 1):
            raise RuntimeError(run.log.read_text()[-3000:])
        store = ImageStore(root / ".imgassets/images")
        return {key: store.read_bytes(key) for key in list(store.keys())}, sum(fake.bills.values())


def ended(run: Run) -> bool:
    """Whether its process is there no more; leaves it to be waited for."""
    return os.waitid(os.P_PID, run.pid, os.WEXITED | os.WNOHANG | os.WNOWAIT) is not None


def together(folder: Path) -> dict[str, Any]:
    """Both, compared."""
    images, billed = alone(folder / "one", seeds=2)
    root, actors = folder / "all", 0
    write_project(root, seeds=2)
    (folder / "servers").mkdir()
    parts = Deployment(folder / "servers")
    parts.start()
    with FakeOpenAI() as fake:
        here = parts.environment("together") | provider_of(fake)
        run = validate_in_a_fork(root, lambda: os.environ.update(here))
        while not ended(run):
            actors = max(actors, len(ray_cluster.actors()))
            time.sleep(0.05)
        code, bills = run.wait(), list(fake.bills.values())
    return {
        "verdicts": code in (0, 1) or run.log.read_text()[-3000:],
        "images": len(images),
        "images equal": parts.images("together") == images,
        "tables equal": same_tables(root, folder / "one"),
        "paid": [len(bills), sum(bills), billed],
        "actors": actors,
        "runs in Postgres": parts.assets_made("together") > 0,
        "images here": (root / ".imgassets/images").exists(),
        "journal here": (root / ".imgassets/paid/journal.sqlite").exists(),
        "events here": bool(list((root / ".imgassets/dagster").rglob("runs.db"))),
    }


def main() -> None:
    """Write what was found."""
    subprocess.run(["ip", "link", "set", "lo", "up"], check=True)
    warm_up()
    folder = Path(sys.argv[1])
    (folder / "found.json").write_text(json.dumps(together(folder)))


if __name__ == "__main__":
    main()
