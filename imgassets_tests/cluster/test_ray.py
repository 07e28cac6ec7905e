"""The embedded model on a real Ray cluster of two nodes, an actor of which is killed.

That the head is killed is played by hand, since it takes minutes on two cores:
`unshare -n -p -f --mount-proc --kill-child python -m imgassets_tests.cluster.ray_cluster
the_head_is_killed FOLDER`.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from imgassets_tests.engines import through_dagster

pytestmark = pytest.mark.cluster
ALONE = ["unshare", "-n", "-p", "-f", "--mount-proc", "--kill-child"]


@pytest.fixture(scope="module")
def folder() -> Iterator[Path]:
    """Short, since Ray's sockets have names of at most 107 characters."""
    pytest.importorskip("ray", reason="imgassets[cluster] is not installed")
    if os.geteuid() or not (shutil.which("unshare") and shutil.which("ip")):
        pytest.skip("a network namespace needs root, unshare and ip")
    if subprocess.run([*ALONE, "true"], capture_output=True, check=False).returncode:
        pytest.skip("this machine gives no network namespace of its own")
    with tempfile.TemporaryDirectory(prefix="ray-", ignore_cleanup_errors=True) as made:
        yield Path(made)


@pytest.fixture(scope="module")
def alone(folder: Path) -> dict[str, bytes]:
    """The images that one process makes."""
    root = through_dagster.write(folder / "alone", seeds=20, steps=8)
    unset = ("IMGASSETS_ENGINE", "IMGASSETS_HOME", "DAGSTER_HOME")
    environment = {k: v for k, v in os.environ.items() if k not in unset}
    subprocess.run(
        [sys.executable, "-m", "imgassets_tests.engines.through_dagster", str(root)],
        env=environment | {"IMGASSETS_PROJECT": str(root)},
        check=True,
        capture_output=True,
    )
    made = through_dagster.files(root)
    assert len(made) == 80
    return made


def played(scene: str, folder: Path) -> tuple[dict[str, Any], dict[str, bytes]]:
    """What was found, and the images that are in the project afterwards."""
    place = folder / scene[:4]
    place.mkdir()
    unset = ("IMGASSETS_HOME", "DAGSTER_HOME")
    done = subprocess.run(
        [*ALONE, sys.executable, "-m", "imgassets_tests.cluster.ray_cluster", scene, str(place)],
        env={k: v for k, v in os.environ.items() if k not in unset},
        capture_output=True,
        text=True,
        timeout=500,
    )
    logs = [log.read_text(errors="replace")[-3000:] for log in place.glob("log*")]
    assert done.returncode == 0, "\n".join([done.stderr[-3000:], *logs])
    found = json.loads((place / "found.json").read_text())
    return found, through_dagster.files(place / "shared")


def test_an_actor_that_is_killed_costs_no_image(folder: Path, alone: dict[str, bytes]) -> None:
    found, made = played("an_actor_is_killed", folder)
    assert found == {"code": 0, "actors": 2, "nodes": 2, "left": 0}
    assert made == alone
