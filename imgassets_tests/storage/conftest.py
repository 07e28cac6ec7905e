"""Places for objects: a folder, and real S3 servers on loopback."""

from __future__ import annotations

import uuid
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from imgassets_tests.s3_servers import BUCKET, S3Server, moto, seaweedfs


@pytest.fixture(scope="session")
def seaweedfs_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[S3Server]:
    with seaweedfs(tmp_path_factory.mktemp("seaweedfs")) as server:
        yield server


@pytest.fixture(scope="session")
def moto_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[S3Server]:
    with moto(tmp_path_factory.mktemp("moto")) as server:
        yield server


@pytest.fixture
def place_url(
    request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Callable[[str], str]:
    """Makes an empty place and gives its address: of a folder (`file`), or on a server by name."""

    def make(name: str) -> str:
        if name == "file":
            (tmp_path / "place").mkdir()
            return f"file://{tmp_path / 'place'}"
        server: S3Server = request.getfixturevalue(f"{name}_server")
        for variable, value in server.environment().items():
            monkeypatch.setenv(variable, value)
        return f"s3://{BUCKET}/{uuid.uuid4().hex}"

    return make
