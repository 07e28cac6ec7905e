"""The last pilots of an endpoint's models, as its report shows them."""

from __future__ import annotations

import base64

import numpy as np

from imgassets.documents.project import Project
from imgassets.pilot.ceilings import UNITS, held, shown
from imgassets.pilot.result import PICTURE, Pilot
from imgassets.pilot.simulated import simulated
from imgassets.pilot.state import pilot_state
from imgassets.pilot.text import firsts
from imgassets.report.pilot_view import LastPilot
from imgassets.storage.project_home import home_of

_ROWS = {
    "p50_seconds": "p50",
    "p95_seconds": "p95",
    "p99_seconds": "p99",
    "worst_seconds": "Worst",
    "failure_rate": "Failed",
    "usd_per_image": "USD an image",
    "memory_mib": "Memory",
}
_LONGEST_PICTURE = 400_000


def last_pilots(project: Project, endpoint: str) -> list[LastPilot]:
    """One a model, in the contract's order; none where the contract asks for no pilot."""
    contract = project.endpoint(endpoint)
    if contract.pilot is None:
        return []
    return [_last(project, endpoint, model) for model in contract.models]


def _last(project: Project, endpoint: str, model: str) -> LastPilot:
    found = pilot_state(project, endpoint, model)
    if found.result is None:
        return LastPilot(model, found.state, found.reason)
    file = home_of(project.root).pilot(endpoint, model) / PICTURE
    picture = ""
    if file.is_file() and file.stat().st_size <= _LONGEST_PICTURE:
        picture = "data:image/svg+xml;base64," + base64.b64encode(file.read_bytes()).decode()
    measures = _measures(project, found.result)
    return LastPilot(model, found.state, found.reason, measures, picture)


def _measures(project: Project, pilot: Pilot) -> dict[str, str]:
    contract = project.endpoint(pilot.result.endpoint)
    ceilings = contract.pilot.ceilings if contract.pilot else None
    if ceilings is None:
        return {}
    rows = {}
    for one in held(pilot, ceilings, contract.decision.alpha):
        unit = UNITS[one.name]
        most = f" (ceiling {shown(one.ceiling, unit)})" if one.ceiling is not None else ""
        rows[_ROWS[one.name]] = shown(one.measured.value, unit) + most
    seen, expected = firsts(pilot), simulated(pilot)
    if seen:
        rows["First image, p95"] = shown(float(np.quantile(seen, 0.95)), "s")
    if expected.size:
        rows["Simulated queue, p95"] = shown(float(np.quantile(expected, 0.95)), "s")
    return rows
