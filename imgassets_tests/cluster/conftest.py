"""Servers that a cluster needs, real ones on loopback; tests are skipped where they are missing."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Iterator
from itertools import count
from pathlib import Path

import pytest

_numbers = count(1)


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
