"""The small project with traffic and a pilot, and pilots made by hand."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import yaml

from imgassets.documents.pilot import Pilot as PilotDocument
from imgassets.documents.project import Project, load_project
from imgassets.pilot.result import Pilot, PilotResult, RequestRow, StepRow

TRAFFIC = {"busiest_hour": 36_000, "per_month": {"generate": 9}}


def with_pilot(root: Path, pilot: dict[str, Any] | None, **more: Any) -> Project:
    """The project with a pilot in its contract; `more` are other fields of the contract."""
    path = root / "contracts/endpoints/cards.yaml"
    document = yaml.safe_load(path.read_text()) | {"traffic": TRAFFIC} | more
    document.pop("pilot", None)
    path.write_text(yaml.safe_dump(document | ({"pilot": pilot} if pilot else {})))
    return load_project(root)


def document(**said: Any) -> PilotDocument:
    """A pilot document; a dozen requests where nothing else is said."""
    return PilotDocument.model_validate({"requests": 12} | said)


def made_pilot(latencies: list[float], **result: Any) -> Pilot:
    """A pilot whose requests were due once a second; a negative latency is a failed request."""
    rows = []
    for number, latency in enumerate(latencies):
        failed, took = latency < 0, abs(latency)
        step = StepRow(
            flow="generate",
            image_key=f"{number:064x}",
            began=number,
            ended=number + took,
            waited=took / 2,
            made=took / 2,
            usd=0.001,
            file="" if failed else f"{number}.png",
        )
        rows.append(
            RequestRow(
                number=number,
                due=number,
                sent=number,
                done=number + took,
                flow="generate",
                prompt_set="few",
                prompt_id="red-circle",
                seed=5,
                failure="server_error" if failed else "",
                message="HTTP 500" if failed else "",
                steps=(step,),
            )
        )
    told = {
        "endpoint": "cards",
        "model": "prod",
        "started": "2026-11-27T16:00:00+00:00",
        "device": "cpu",
        "workers": 1,
        "load": "by hand",
        "fingerprints": {},
        "seconds": float(len(rows)),
        "memory_mib": 500.0,
    } | result
    return Pilot(result=PilotResult.model_validate(told), requests=tuple(rows))
