"""Plans of 100,000 requests with the store on S3, and validations with nothing to do on Postgres.

Part of `python -m imgassets_tests.benchmarks.scale`. Each figure is of a whole command in a fresh
process, from the interpreter's start to its end. SeaweedFS and Postgres are on loopback; requests
are counted in a run of their own, since the proxy that counts takes time.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from imgassets.documents.project import load_project
from imgassets.refresh.extra_seeds import requests_of
from imgassets.requests import Request
from imgassets.storage.object_place import ObjectPlace, in_threads
from imgassets_tests.benchmarks.planning_speed import write_large_project
from imgassets_tests.benchmarks.scale_tables import packed
from imgassets_tests.cluster.postgres_server import PostgresServer
from imgassets_tests.counting_proxy import CountingProxy
from imgassets_tests.integration.small import write_small_project
from imgassets_tests.s3_servers import BUCKET, S3Server

_COMMAND = "from imgassets.cli.main import entry; entry()"
#: The hash of an image that all records name: no plan reads it.
_NO_BLOB = "ab" * 32
_TIMES = 2


@dataclass(frozen=True)
class Ran:
    """One command: seconds from start to end, those of a core, peak memory (MiB), what it said."""

    seconds: float
    core_seconds: float
    mebibytes: float
    output: str


def run(root: Path, variables: Mapping[str, str], *command: str) -> Ran:
    """A command of imgassets in a project, in a process of its own."""
    home = root / ".imgassets"
    places = {"IMGASSETS_PROJECT": root, "IMGASSETS_HOME": home, "DAGSTER_HOME": home / "dagster"}
    environment = os.environ | {name: str(path) for name, path in places.items()} | variables
    with tempfile.TemporaryFile() as out, tempfile.TemporaryFile() as errors:
        start = time.perf_counter()
        process = subprocess.Popen(
            [sys.executable, "-c", _COMMAND, *command], env=environment, stdout=out, stderr=errors
        )
        _, status, used = os.wait4(process.pid, 0)
        seconds = time.perf_counter() - start
        process.returncode = os.waitstatus_to_exitcode(status)
        out.seek(0)
        errors.seek(0)
        if process.returncode not in (0, 1):
            raise RuntimeError(errors.read().decode())
        core = used.ru_utime + used.ru_stime
        return Ran(seconds, core, used.ru_maxrss / 1024, out.read().decode())


def plans(folder: Path, server: S3Server) -> Iterator[list[str]]:
    """Rows of a plan of 100,200 requests in three states of the store and of this machine.

    Records that an earlier run left in the folder's server are taken as they are.
    """
    root = folder / "large"
    if not root.exists():
        write_large_project(root)
    cache, s3 = root / ".imgassets" / "cache", on_s3(server, "large")
    yield _planned("none in the store", root, on_s3(server, "nothing"), server)
    if not (folder / "done").exists():
        project = load_project(root)
        asked = [r for one in project.branches() for r in requests_of(project, *one, "cpu")]
        put_records(f"s3://{BUCKET}/large", {r.image_key: r for r in asked}, s3)
        (folder / "done").touch()
    yield _planned("all in the store, none known here", root, s3, server, cache)
    yield _planned("all in the store, all known here", root, s3, server)


def _planned(
    what: str, root: Path, s3: dict[str, str], server: S3Server, forgotten: Path | None = None
) -> list[str]:
    """A row: plans one after the other, and the requests of another one."""

    def planned(variables: dict[str, str]) -> Ran:
        if forgotten:
            shutil.rmtree(forgotten, ignore_errors=True)
        return run(root, variables, "plan", "--json")

    found = [planned(s3) for _ in range(_TIMES)]
    with CountingProxy(server.port) as proxy:
        counted = planned(s3 | {"AWS_ENDPOINT_URL": proxy.endpoint})
        requests = len(proxy.requests)
    to_make = sum(json.loads(counted.output)["images"].values())
    return row(f"`plan`, {what} ({to_make:,} to make)", found, requests)


def row(what: str, found: Sequence[Ran], requests: int | None = None) -> list[str]:
    """One line of the tables: of several runs all times, else the largest."""
    return [
        what,
        " ".join(f"{ran.seconds:.1f}" for ran in found),
        f"{max(ran.core_seconds for ran in found):.1f}",
        f"{max(ran.mebibytes for ran in found):,.0f}",
        "" if requests is None else f"{requests:,}",
    ]


def validations(folder: Path, server: S3Server, postgres: PostgresServer) -> Iterator[list[str]]:
    """Rows of validations that have nothing to do, of the tests' small project."""
    s3 = on_s3(server, "small") | {"IMGASSETS_DATABASE": postgres.url("small")}
    for where, variables in (("files and SQLite", {}), ("Postgres and S3", s3)):
        root = folder / where.replace(" ", "-")
        write_small_project(root)
        run(root, variables, "validate", "--quiet")
        found = [run(root, variables, "validate") for _ in range(_TIMES)]
        yield row(f"`validate`, nothing to do, {where}", found, _counted(root, variables, server))


def _counted(root: Path, variables: dict[str, str], server: S3Server) -> int | None:
    """Requests to the store of another such validation; None where there is no store."""
    if "IMGASSETS_STORE" not in variables:
        return None
    with CountingProxy(server.port) as proxy:
        run(root, variables | {"AWS_ENDPOINT_URL": proxy.endpoint}, "validate")
        return len(proxy.requests)


def on_s3(server: S3Server, prefix: str) -> dict[str, str]:
    """Variables that keep a project's store in the bucket."""
    return server.environment() | {"IMGASSETS_STORE": f"s3://{BUCKET}/{prefix}"}


@contextmanager
def variables_set(variables: Mapping[str, str]) -> Iterator[None]:
    """Environment variables for the length of a block."""
    before = dict(os.environ)
    os.environ.update(variables)
    try:
        yield
    finally:
        os.environ.clear()
        os.environ.update(before)


def put_records(url: str, requests: Mapping[str, Request], variables: Mapping[str, str]) -> None:
    """Records as the store has them, in the store, without images."""
    with variables_set(variables):
        place = ObjectPlace(url)
        place.write("state/store.json", b"{}")
        names = [f"records/{key}.json" for key in requests]
        texts = [packed(request, _NO_BLOB) for request in requests.values()]
        in_threads(lambda both: place.write(*both), zip(names, texts, strict=True))
