"""Workers without a model, in real processes: they paint, wait, fail, hang and kill themselves.

`python -m imgassets_tests.engines.painting FD` is such a process.
"""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any, cast

import numpy as np
from PIL import Image

from imgassets.backends.base import DeviceError, Outcome
from imgassets.documents.models import AnyModel
from imgassets.engines.process_worker import main
from imgassets.engines.processes import Processes
from imgassets.engines.ray_actors import RayActors
from imgassets.engines.worker import Order, Task, Worker, _encoded
from imgassets.requests import Request

#: Seeds from here on: the worker is killed by the image, the backend raises, the image fails, the
#: worker hangs.
KILLS, RAISES, FAILS, HANGS = 1_000_000, 2_000_000, 3_000_000, 4_000_000
ORDER = Order(Path("/nowhere"), cast("AnyModel", None), "generate", "cpu")


def request(seed: int, seconds: float = 0.0) -> Request:
    """One image to paint, which takes some seconds."""
    inputs: dict[str, Any] = {"flow": "generate", "seed": seed, "seconds": seconds}
    return Request("cards", "prod", "generate", "few", "p", seed, 0, inputs)


def painted(inputs: Sequence[dict[str, Any]], sources: Sequence[Any] = ()) -> list[Outcome]:
    """Gray images, one a request, with the seed as their level; as a maker in one process too."""
    time.sleep(sum(i["seconds"] for i in inputs))
    return [
        Outcome(failure="non_finite", message="as asked")
        if i["seed"] >= FAILS
        else Outcome(Image.fromarray(np.full((4, 4, 3), i["seed"] % 256, np.uint8)), seconds=0.1)
        for i in inputs
    ]


class Painter(Worker):
    """Paints; needs no model and no torch."""

    def make(self, order: Order, task: Task) -> list[Outcome]:
        seeds = [i["seed"] for i in task.inputs]
        if any(KILLS <= seed < RAISES for seed in seeds):
            os.kill(os.getpid(), signal.SIGKILL)
        if any(RAISES <= seed < FAILS for seed in seeds):
            raise DeviceError("device cuda is not here")
        if any(seed >= HANGS for seed in seeds):
            time.sleep(3600)
        return [_encoded(outcome) for outcome in painted(task.inputs)]


class RayPainters(RayActors):
    """Painters as Ray actors."""

    worker = Painter


class Painters(Processes):
    """A crew of painters."""

    module = "imgassets_tests.engines.painting"

    def pids(self) -> list[int]:
        """Of the workers that there are now."""
        return [process.pid for process in self._processes.values()]


if __name__ == "__main__":
    main(Painter())
