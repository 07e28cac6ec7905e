"""The images of one model, made by a Dagster run as the product makes them.

`python -m imgassets_tests.engines.through_dagster ROOT [STAGE ...]` does so in a process of its
own, and makes other tables in the same run.
"""

from __future__ import annotations

import sys
from pathlib import Path

from imgassets.defs.build import build_definitions
from imgassets.defs.jobs import VALIDATE_JOB
from imgassets.documents.project import load_project
from imgassets.refresh.dagster_runs import bury_dead_runs, run_assets
from imgassets.storage.image_store import ImageStore
from imgassets_tests.conftest import edit_file
from imgassets_tests.integration.small import at_home, write_small_project

ENDPOINT, MODEL = "cards", "fast"


def write(root: Path, seeds: int, steps: int = 1) -> Path:
    """The small project, with four images a seed of the turbo model, one of them edited."""
    root.mkdir(parents=True, exist_ok=True)
    write_small_project(root)
    contract = root / "contracts/endpoints/cards.yaml"
    edit_file(contract, "seeds: [5, 6]", f"seeds: {list(range(5, 5 + seeds))}")
    edit_file(root / "contracts/models/fast.yaml", "{steps: 1,", f"{{steps: {steps},")
    return root


def make(root: Path, *more: str) -> None:
    """Materialize generated and edited images, and more, by the engine of $IMGASSETS_ENGINE."""
    job = build_definitions(load_project(root)).resolve_job_def(VALIDATE_JOB)
    requests = (f"requests_{flow}" for flow in ("generate", "edit", "upscale"))
    wanted = [f"{ENDPOINT}/{MODEL}/{stage}" for stage in (*requests, "generated", "edited", *more)]
    with at_home(root) as instance:
        bury_dead_runs(instance)  # as every command does: a killed run still holds the pool
        errors = run_assets(job, instance, wanted, [])
    if errors:
        raise RuntimeError("; ".join(errors))


def store(root: Path) -> ImageStore:
    """The images of a project."""
    return ImageStore(root / ".imgassets" / "images")


def stored(root: Path) -> list[str]:
    """Keys of the images that are there."""
    return list(store(root).keys())


def files(root: Path) -> dict[str, bytes]:
    """Each image's file by its key."""
    return {key: store(root).read_bytes(key) for key in stored(root)}


if __name__ == "__main__":
    make(Path(sys.argv[1]), *sys.argv[2:])
