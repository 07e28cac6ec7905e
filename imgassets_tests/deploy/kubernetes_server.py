"""Stands in for a Kubernetes cluster: takes Jobs over HTTP, and runs their containers as processes.

It refuses fields that Kubernetes does not know, and Secrets that are not there. What an image has
is this Python environment; nodes, limits, users and volumes are not looked at.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import threading
from collections.abc import Mapping
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import yaml

from imgassets_tests.deploy.kubernetes_shapes import unknown_fields


def write_kubeconfig(path: Path, port: int) -> Path:
    """How a client finds a cluster on loopback."""
    cluster = {"name": "c", "cluster": {"server": f"http://127.0.0.1:{port}"}}
    user = {"name": "u", "user": {"token": "token-of-a-test"}}
    context = {"name": "x", "context": {"cluster": "c", "user": "u"}}
    parts = {"clusters": [cluster], "users": [user], "contexts": [context]}
    head = {"apiVersion": "v1", "kind": "Config", "current-context": "x"}
    path.write_text(yaml.safe_dump(head | parts), encoding="utf-8")
    return path


class KubernetesServer:
    """Serves on loopback until it is closed."""

    def __init__(
        self, folder: Path, image: Mapping[str, str], secrets: Mapping[str, Mapping[str, str]]
    ) -> None:
        """
        Args:
            folder: for the logs of pods.
            image: the environment that the image sets.
            secrets: what is in each Secret.
        """
        self._folder, self._image, self._secrets = folder, dict(image), secrets
        self.jobs: list[dict[str, Any]] = []
        self.pods: list[subprocess.Popen[bytes]] = []
        server = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                job = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
                refused = unknown_fields("Job", job)
                if not refused:
                    server.start(job)
                self._answer(422 if refused else 201, {"message": refused} if refused else job)

            def _answer(self, status: int, body: object) -> None:
                text = json.dumps(body).encode()
                self.send_response(status)
                self.send_header("Content-Type", "application/json")
                self.send_header("Content-Length", str(len(text)))
                self.end_headers()
                self.wfile.write(text)

            def log_message(self, *_: object) -> None:
                pass

        self._http = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        threading.Thread(target=self._http.serve_forever, daemon=True).start()

    @property
    def port(self) -> int:
        """Where it listens."""
        return int(self._http.server_address[1])

    def start(self, job: dict[str, Any]) -> None:
        """Run the container of a Job's pod."""
        self.jobs.append(job)
        (container,) = job["spec"]["template"]["spec"]["containers"]
        path = f"{Path(sys.executable).parent}:{os.environ['PATH']}"
        with (self._folder / f"pod-{len(self.jobs)}.log").open("wb") as log:
            pod = subprocess.Popen(
                [*container.get("command", []), *container["args"]],
                env={"PATH": path, **self._image, **self._environment(container)},
                stdout=log,
                stderr=log,
            )
        self.pods.append(pod)

    def logs(self) -> str:
        """What all pods printed."""
        return "\n".join(path.read_text() for path in sorted(self._folder.glob("pod-*.log")))

    def close(self) -> None:
        """End it, and pods that are left."""
        self._http.shutdown()
        for pod in self.pods:
            pod.kill()
            pod.wait()

    def _environment(self, container: Mapping[str, Any]) -> dict[str, str]:
        found: dict[str, str] = {}
        for source in container.get("envFrom", []):
            found |= self._secrets[source["secretRef"]["name"]]
        for variable in container.get("env", []):
            if "valueFrom" in variable:
                key = variable["valueFrom"]["secretKeyRef"]
                found[variable["name"]] = self._secrets[key["name"]][key["key"]]
            else:
                found[variable["name"]] = variable["value"]
        return found
