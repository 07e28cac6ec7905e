"""A small project whose Dagster instance has the settings of `docs/deploy`, but for addresses."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import dagster as dg
import yaml

from imgassets.refresh.dagster_runs import open_instance
from imgassets_tests.cluster.postgres_server import PASSWORD, PostgresServer
from imgassets_tests.conftest import edit_file
from imgassets_tests.integration.small import write_small_project

_ENDED = (dg.DagsterRunStatus.SUCCESS, dg.DagsterRunStatus.FAILURE, dg.DagsterRunStatus.CANCELED)


@dataclass(frozen=True)
class Deployed:
    """A project, and what all its processes have in their environment."""

    root: Path
    dagster_home: Path
    environment: dict[str, str]

    def dagster(self, *arguments: str, **more: str) -> str:
        """A command of Dagster's own, to its end; what it printed."""
        done = subprocess.run(
            [sys.executable, "-m", "dagster", *arguments],
            env=os.environ | self.environment | more,
            cwd=self.root,
            capture_output=True,
            text=True,
            timeout=420,
        )
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout + done.stderr

    def launch(self) -> None:
        """Have the instance's run launcher start the job `validate`."""
        self.dagster("job", "launch", "-m", "imgassets.definitions", "-j", "validate")

    def judged(self) -> set[str]:
        """Models with a verdict, which a whole run makes last."""
        return {path.parent.name for path in self.root.glob(".imgassets/tables/*/*/verdict.json")}


def deployed(
    folder: Path, settings: dict[str, Any], server: PostgresServer, schema: str, **more: str
) -> Deployed:
    """Write a project, and settings with the address of a test's Postgres; make the schema."""
    server.query(f"CREATE SCHEMA {schema}")
    storage = settings["storage"]["postgres"]["postgres_db"]
    storage |= {"hostname": "127.0.0.1", "port": server.port, "username": "owner"}
    storage |= {"db_name": "postgres", "params": {"options": f"-csearch_path={schema}"}}
    # Runs are launched at once, where else Dagster's daemon takes them from its queue.
    settings["run_coordinator"] = {
        "module": "dagster._core.run_coordinator", "class": "DefaultRunCoordinator",
    }  # fmt: skip
    root, home = folder / "project", folder / "dagster"
    root.mkdir()
    home.mkdir()
    write_small_project(root)
    _only_images_and_objects(root / "contracts/endpoints/cards.yaml")
    (home / "dagster.yaml").write_text(yaml.safe_dump(settings), encoding="utf-8")
    (home / ".imgassets-project").write_text(f"{root}\n", encoding="utf-8")
    environment = {
        "DAGSTER_HOME": str(home),
        "DAGSTER_PG_PASSWORD": PASSWORD,
        "IMGASSETS_DATABASE": server.url(schema),
        "IMGASSETS_PROJECT": str(root),
        **more,
    }
    return Deployed(root, home, environment)


def _only_images_and_objects(contract: Path) -> None:
    """One flow and one criterion: a run has all its kinds of steps, and takes seconds."""
    edit_file(contract, "flows: [generate, edit, upscale]", "flows: [generate]")
    lines = contract.read_text().splitlines(keepends=True)
    left_out = ("typography", "artefacts")
    contract.write_text("".join(x for x in lines if not any(word in x for word in left_out)))


def ended_run(project: Deployed, seconds: float = 420) -> dg.DagsterRun:
    """The newest run, when it has ended."""
    with open_instance(project.root) as instance:
        deadline = time.monotonic() + seconds
        while time.monotonic() < deadline:
            (run,) = instance.get_runs(limit=1) or (None,)
            if run is not None and run.status in _ENDED:
                return run
            time.sleep(0.5)
    raise TimeoutError("no run ended")
