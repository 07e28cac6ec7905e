"""Postgres, SeaweedFS and a Ray cluster of two nodes: one deployment of all parts, real ones.

In the namespaces of this process, as `ray_cluster` makes them. Each part can be killed, and is
started again by `mend`.
"""

from __future__ import annotations

import json
import os
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import boto3

from imgassets_tests.cluster import ray_cluster
from imgassets_tests.cluster.postgres_server import PostgresServer, binaries
from imgassets_tests.conftest import edit_file
from imgassets_tests.fakes.openai_api import FakeOpenAI
from imgassets_tests.fakes.server import SECRET
from imgassets_tests.integration.small import write_small_project
from imgassets_tests.s3_servers import ACCESS, BUCKET, seaweedfs
from imgassets_tests.s3_servers import SECRET as S3_SECRET

HOSTED = """\
model: gpt
backend: openai
api_model: gpt-image-1
quality: low
seed_parameter: seed
asked_size: [512, 512]
edit: {}
price: {usd_per_image: 0.06, source: a test, as_of: 2026-11-24}
limits: {max_usd: 100, max_in_flight: 2, max_per_minute: 100000, backoff_seconds: 0.01}
"""


def write_project(root: Path, seeds: int = 3) -> None:
    """The small project without upscaling: the turbo model, and one that a provider has."""
    root.mkdir(parents=True)
    write_small_project(root)
    contract = root / "contracts/endpoints/cards.yaml"
    edit_file(contract, "seeds: [5, 6]", f"seeds: {list(range(5, 5 + seeds))}")
    edit_file(contract, "incumbent: prod", "incumbent: fast")
    edit_file(contract, "candidates: [fast]", "candidates: [gpt]")
    (root / "contracts/models/prod.yaml").unlink()
    edit_file(contract, "flows: [generate, edit, upscale]", "flows: [generate, edit]")
    edit_file(contract, "  - {metric: artefacts.clean, flow: upscale, floor: 0.5}\n", "")
    (root / "contracts/models/gpt.yaml").write_text(HOSTED)


def provider_of(fake: FakeOpenAI) -> dict[str, str]:
    """Variables that lead to a provider."""
    return {"OPENAI_BASE_URL": fake.url, "OPENAI_API_KEY": SECRET}


class Deployment:
    """All parts; several projects may use it, each with a name of its own."""

    def __init__(self, folder: Path) -> None:
        """
        Args:
            folder: for what servers keep; short, since sockets have names of at most 107
                characters, and open to others, since Postgres does not run as root.
        """
        found = binaries()
        if found is None:
            raise RuntimeError("no Postgres: apt-get install postgresql")
        folder.chmod(0o755)
        self._folder, self._store, self._clusters = folder, ExitStack(), 0
        self.postgres = PostgresServer(folder / "postgres", found)

    def start(self) -> None:
        """Start all of it."""
        os.environ |= ray_cluster.SETTINGS  # nodes and runs need the same token
        self.postgres.start()
        self.start_store()
        self.start_ray()

    def start_store(self) -> None:
        """Start the object store on what it had."""
        self.store = self._store.enter_context(seaweedfs(self._folder / "s3"))

    def kill_store(self) -> None:
        """SIGKILL to the object store."""
        self._store.close()

    def start_ray(self) -> None:
        """Start a new cluster, in place of what is left of another."""
        for word in ("gcs_server", "raylet/raylet", "ray::", "ray/_private", "ray/dashboard"):
            ray_cluster.kill(word)
        self._clusters += 1
        ray_cluster.start_cluster(self._folder / f"ray{self._clusters}")

    def mend(self) -> None:
        """Start again what was killed."""
        if not self.postgres.runs():
            self.postgres.start()
        if self.store.process.poll() is not None:
            self.start_store()
        nodes = len(ray_cluster.processes("raylet/raylet"))
        if nodes != 2 or not ray_cluster.processes("gcs_server"):
            self.start_ray()

    def environment(self, name: str, workers: int = 2) -> dict[str, str]:
        """Variables that lead a project here; its schema and its prefix have that name.

        Without workers images are made in the process of the run.
        """
        engine = f"{ray_cluster.ENGINE}&workers={workers}" if workers else "local"
        return (
            ray_cluster.SETTINGS
            | self.store.environment()
            | {
                "IMGASSETS_ENGINE": engine,
                "IMGASSETS_DATABASE": self.postgres.url(name),
                "IMGASSETS_STORE": f"s3://{BUCKET}/{name}",
            }
        )

    def records(self, name: str) -> dict[str, Any]:
        """When each image of a project was stored, by its key."""
        pages = (
            self._s3()
            .get_paginator("list_objects_v2")
            .paginate(Bucket=BUCKET, Prefix=f"{name}/records/")
        )
        found = [one for page in pages for one in page.get("Contents", ())]
        return {Path(one["Key"]).stem: one["LastModified"] for one in found}

    def images(self, name: str) -> dict[str, bytes]:
        """Each image's file, by its key."""
        client = self._s3()

        def read(key: str) -> bytes:
            body: bytes = client.get_object(Bucket=BUCKET, Key=f"{name}/{key}")["Body"].read()
            return body

        found = {}
        for key in self.records(name):
            sha256 = json.loads(read(f"records/{key}.json"))["blob"]
            found[key] = read(f"blobs/{sha256[:2]}/{sha256}.png")
        return found

    def assets_made(self, name: str) -> int:
        """How often assets of a project were made, as Dagster's events tell."""
        if self.postgres.query("SELECT to_regclass(%s)", f"{name}.event_logs") == [(None,)]:
            return 0
        made = f"SELECT count(*) FROM {name}.event_logs WHERE dagster_event_type = %s"
        ((count,),) = self.postgres.query(made, "ASSET_MATERIALIZATION")
        return int(str(count))

    def _s3(self) -> Any:
        return boto3.client(
            "s3", endpoint_url=self.store.endpoint, aws_access_key_id=ACCESS,
            aws_secret_access_key=S3_SECRET, region_name="us-east-1",
        )  # fmt: skip
