"""What the gates of a rollout look at: the command line and the asset `release_gate` ask here."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import dagster as dg

from imgassets.defs.outdated import why_outdated
from imgassets.documents.base import fingerprint
from imgassets.documents.project import Project
from imgassets.drift.findings import DriftFile, drift_reasons
from imgassets.pilot.state import pilot_state
from imgassets.refresh.dagster_state import DagsterState
from imgassets.rollout.gates import Evidence, VerdictFound
from imgassets.rollout.watch import outcomes_now
from imgassets.storage.ownership import made_for
from imgassets.storage.project_home import home_of

if TYPE_CHECKING:
    from imgassets.refresh.plan import Made


def release_evidence(
    project: Project, instance: dg.DagsterInstance, endpoint: str, model: str
) -> Evidence:
    """What is known of a candidate: its verdict, whether that still holds, and drift.

    Raises:
        ValueError: a file of ours was damaged; names it and the fix.
    """
    drift = DriftFile.of(project.root)
    models = dict.fromkeys((project.endpoint(endpoint).incumbent, model))
    return Evidence(
        verdict=_verdict(project, instance, endpoint, model),
        drift=drift_reasons({m: drift.read(endpoint, m) for m in models}),
        outcomes=outcomes_now(project, endpoint, datetime.now(UTC)),
        pilot=pilot_state(project, endpoint, model),
    )


def _verdict(
    project: Project, instance: dg.DagsterInstance, endpoint: str, model: str
) -> VerdictFound | None:
    """The verdict as it lies there; None where there is none that a run made."""
    from imgassets.defs.build import made_graph  # the graph has the asset that asks here

    key = f"{endpoint}/{model}/verdict"
    known = DagsterState(made_graph(project), instance)
    made = next((asset.made for asset in known.assets() if asset.key == key), None)
    path = home_of(project.root).output(key.split("/"))
    if made is None or not path.is_file():
        return None
    written = json.loads(path.read_text(encoding="utf-8"))
    return VerdictFound(
        written["verdict"],
        written["sentence"],
        fingerprint(written),
        datetime.fromtimestamp(made.at, UTC),
        _outdated(project, known, key, made, fingerprint(written)),
    )


def _outdated(project: Project, known: DagsterState, key: str, made: Made, written: str) -> str:
    """Why a verdict does not hold for the project as it is now; empty where it does."""
    other = made_for(project.root)
    if other is not None:
        return f"it was made by the project {other}"
    if written != made.version:
        return "its file is not as it was written"
    return why_outdated(project, known, [key]).get(key, "")
