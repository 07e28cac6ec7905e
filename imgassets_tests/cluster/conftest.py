"""Servers that a cluster needs, real ones on loopback; tests are skipped where they are missing."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from itertools import count
from pathlib import Path
from typing import Any

import pytest

_numbers = count(1)
#: Starts a command in namespaces of its own, where Ray may listen on all addresses.
ALONE = ["unshare", "-n", "-p", "-f", "--mount-proc", "--kill-child"]


def without_settings() -> dict[str, str]:
    """The environment without what leads to another project or its servers."""
    return {k: v for k, v in os.environ.items() if not k.startswith(("IMGASSETS", "DAGSTER"))}


def played(module: str, scene: str, folder: Path) -> dict[str, Any]:
    """What a scene of a module found, alone in its namespaces."""
    done = subprocess.run(
        [*ALONE, sys.executable, "-m", f"imgassets_tests.cluster.{module}", scene, str(folder)],
        env=without_settings(),
        capture_output=True,
        text=True,
        timeout=500,
    )
    logs = [log.read_text(errors="replace")[-3000:] for log in folder.glob("log*")]
    assert done.returncode == 0, "\n".join([done.stderr[-3000:], *logs])
    return json.loads((folder / "found.json").read_text())


@pytest.fixture(scope="module")
def ray_folder() -> Iterator[Path]:
    """Short, since Ray's sockets have names of at most 107 characters."""
    pytest.importorskip("ray", reason="imgassets[cluster] is not installed")
    if os.geteuid() or not (shutil.which("unshare") and shutil.which("ip")):
        pytest.skip("a network namespace needs root, unshare and ip")
    if subprocess.run([*ALONE, "true"], capture_output=True, check=False).returncode:
        pytest.skip("this machine gives no network namespace of its own")
    with tempfile.TemporaryDirectory(prefix="ray-", ignore_cleanup_errors=True) as made:
        Path(made).chmod(0o755)  # Postgres, which is no root, has its folder there
        yield Path(made)


@pytest.fixture(scope="session")
def postgres() -> Iterator[object]:
    """One server for all tests; each takes a schema of its own."""
    pytest.importorskip("psycopg2", reason="imgassets[cluster] is not installed")
    from imgassets_tests.cluster.postgres_server import PostgresServer, binaries

    found = binaries()
    if found is None:
        pytest.skip("no Postgres: apt-get install postgresql")
    # Not below pytest's own folders, which nobody but this user may enter.
    folder = Path(tempfile.mkdtemp(prefix="imgassets-postgres-"))
    folder.chmod(0o755)
    server = PostgresServer(folder / "server", found)
    server.start()
    yield server
    server.stop()
    shutil.rmtree(folder)


@pytest.fixture
def database_url(postgres, monkeypatch: pytest.MonkeyPatch) -> str:
    """`$IMGASSETS_DATABASE`, set, with a fresh schema."""
    url = postgres.url(schema=f"project_{next(_numbers)}")
    monkeypatch.setenv("IMGASSETS_DATABASE", url)
    return url
