"""`imgassets serve` over a backend that waits instead of thinking, as a process of its own.

    python -m imgassets_tests.benchmarks.waiting_server ROOT MODEL PORT LOG SECONDS

Everything between the socket and the backend is the product's.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import uvicorn
from PIL import Image

from imgassets.backends.base import Outcome
from imgassets.documents.project import load_project
from imgassets.serving.app import application
from imgassets.serving.asked import Asked
from imgassets.serving.batching import Batcher


class Waiting:
    """Takes the same time for every batch."""

    def __init__(self, seconds: float) -> None:
        self._seconds = seconds

    def generate(self, inputs: Sequence[dict[str, Any]]) -> list[Outcome]:
        """A grey image for each request."""
        time.sleep(self._seconds)
        return [Outcome(Image.new("RGB", tuple(one["size"]), "grey")) for one in inputs]


def main(root: str, model: str, port: str, log: str, seconds: str) -> None:
    """Serve until it is killed."""
    project = load_project(Path(root))
    backend: Any = Waiting(float(seconds))
    batcher = Batcher(lambda: backend, 4)
    with Path(log).open("a", encoding="utf-8") as lines:
        app = application(model, Asked(project, model, "cpu"), batcher, lines)
        uvicorn.run(app, host="127.0.0.1", port=int(port), log_level="warning")


if __name__ == "__main__":
    main(*sys.argv[1:])
