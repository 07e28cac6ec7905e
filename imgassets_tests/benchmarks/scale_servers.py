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
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from imgassets.documents.project import load_project
from imgassets.refresh.extra_seeds import requests_of
from imgassets.requests import Request
from imgassets.storage.image_store import Record
from imgassets.storage.object_place import ObjectPlace, in_threads
from imgassets_tests.benchmarks.planning_speed import write_large_project
from imgassets_tests.counting_proxy import CountingProxy
from imgassets_tests.integration.small import write_small_project
from imgassets_tests.s3_servers import BUCKET, S3Server

ROOT = Path(__file__).parents[2]
_COMMAND = "from imgassets.cli.main import entry; entry()"
#: A blob that all records name: no plan reads it.
_BLOB = "ab" * 32
_TIMES = 3


@dataclass(frozen=True)
class Ran:
    """One command: seconds from start to end, peak memory (MiB), and what it printed."""

    seconds: float
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
        return Ran(seconds, used.ru_maxrss / 1024, out.read().decode())


def plans(folder: Path, server: S3Server) -> Iterator[list[str]]:
    """Rows of a plan of 100,200 requests in three states of the store and of this machine."""
    root = folder / "large"
    write_large_project(root)
    cache, s3 = root / ".imgassets" / "cache", on_s3(server, "large")
    yield _planned("none in the store", root, s3, server)
    project = load_project(root)
    keys = [r for branch in project.branches() for r in requests_of(project, *branch, "cpu")]
    put_records(f"s3://{BUCKET}/large", {r.image_key: r for r in keys}, s3)
    shutil.rmtree(cache, ignore_errors=True)
    yield _planned("all in the store, this machine knows of none", root, s3, server, cache)
    yield _planned("all in the store, all known here", root, s3, server)


def _planned(
    what: str, root: Path, s3: Mapping[str, str], server: S3Server, forgotten: Path | None = None
) -> list[str]:
    """A row: the slowest of three plans, and the requests of a fourth."""
    found = []
    for _ in range(_TIMES):
        if forgotten:
            shutil.rmtree(forgotten)
        found.append(run(root, s3, "plan", "--json"))
    if forgotten:
        shutil.rmtree(forgotten)
    with CountingProxy(server.port) as proxy:
        counted = run(root, {**s3, "AWS_ENDPOINT_URL": proxy.endpoint}, "plan", "--json")
        requests = len(proxy.requests)
    planned = json.loads(counted.output)["images"]
    return _row(f"`plan`: {what} ({sum(planned.values()):,} to make)", found, requests)


def _row(what: str, found: list[Ran], requests: int | None) -> list[str]:
    slowest, largest = max(r.seconds for r in found), max(r.mebibytes for r in found)
    times = " ".join(f"{r.seconds:.1f}" for r in found)
    counted = "" if requests is None else f"{requests:,}"
    return [what, times, f"{slowest:.1f}", f"{largest:.0f}", counted]


def validations(
    folder: Path, server: S3Server, postgres: Any, demo: bool = True
) -> Iterator[list[str]]:
    """Rows of validations that have nothing to do, of the tests' small project and of the demo."""
    small = folder / "small"
    write_small_project(small)
    shown = [("the small project", small)]
    if demo:
        for name in ("contracts", "prompts"):
            shutil.copytree(ROOT / name, folder / "demo" / name)
        shown.append(("the demo", folder / "demo"))
    for what, root in shown:
        places = [
            ("files and SQLite", {}),
            (
                "Postgres and S3",
                on_s3(server, root.name) | {"IMGASSETS_DATABASE": postgres.url(root.name)},
            ),
        ]
        for where, variables in places:
            run(root, variables, "validate", "--quiet")
            found = [run(root, variables, "validate") for _ in range(_TIMES)]
            yield _row(
                f"`validate`: {what}, nothing to do, {where}",
                found,
                _counted(root, variables, server),
            )


def _counted(root: Path, variables: Mapping[str, str], server: S3Server) -> int | None:
    """Requests to the store of another such validation; None where there is no store."""
    if "IMGASSETS_STORE" not in variables:
        return None
    with CountingProxy(server.port) as proxy:
        run(root, {**variables, "AWS_ENDPOINT_URL": proxy.endpoint}, "validate")
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
        in_threads(
            lambda key: place.write(f"records/{key}.json", packed_record(requests[key])), requests
        )


def packed_record(request: Request) -> bytes:
    """An image's record as the store keeps it; the image is one that nobody reads."""
    record = Record(
        request.image_key, request.inputs, _BLOB, 96, 96, "RGB", "2026-11-27T12:00:00+00:00",
        seconds=0.1, peak_memory_mib=500.0, batch_size=4,
    )  # fmt: skip
    return json.dumps({"blob": _BLOB, "record": json.dumps(vars(record))}).encode()
