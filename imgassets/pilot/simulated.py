"""The report's simulated queue, under the very arrivals of a pilot: what was expected beside it."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from imgassets.decision.queueing import queued
from imgassets.decision.statistics import Floats
from imgassets.flows import FIRST
from imgassets.pilot.result import Pilot
from imgassets.storage.project_home import ProjectHome

_REPEATS = 20


def offline_service(home: ProjectHome, endpoint: str, model: str) -> Floats:
    """Seconds an image of each batch that `validate` measured, float (n,); empty without any."""
    path: Path = home.output((endpoint, model, "cost"))
    if not path.is_file():
        return np.empty(0)
    import pandas as pd

    table = pd.read_parquet(path)
    mine = table[(table["metric"] == "cost.seconds") & (table["flow"] == FIRST)]
    return np.unique(mine["value"].dropna().to_numpy(dtype=np.float64))


def simulated(pilot: Pilot) -> Floats:
    """Seconds from due to the first image of each request, as the simulated queue has it.

    The mean over repeats with other draws of the service times, so that each request can be held
    against its own. The queue is that of the report: it takes every batch to last as long as a
    full one, and knows no step but the first.

    Returns:
        float (n,), in order of the requests; empty where nothing was measured offline.
    """
    service = np.array(pilot.result.service) * pilot.result.batch
    if not service.size:
        return np.empty(0)
    due = np.array([row.due for row in pilot.requests])
    total = np.zeros(len(due))
    for number in range(_REPEATS):
        drawn = np.random.default_rng(number).choice(service, len(due))
        waited, takes = queued(due, drawn, pilot.result.workers, pilot.result.batch)
        total += waited + takes
    return total / _REPEATS
