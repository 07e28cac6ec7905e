"""What a report found, as data: for programs, and to compare the next report with."""

from __future__ import annotations

import json
from dataclasses import asdict
from typing import Any

from imgassets.report.diff import Changes, changes
from imgassets.report.inputs import ReportInput


def report_document(report: ReportInput) -> dict[str, Any]:
    """What the report found, and from what, as JSON-serialisable data."""
    return {
        "endpoint": report.endpoint.endpoint,
        "created": report.created,
        "verdicts": [v.to_dict() for v in report.verdicts],
        "comparisons": {model: c.records() for model, c in report.comparisons.items()},
        "matrix": [asdict(standing) for standing in report.matrix],
        "repetitions": {m: [dict(r) for r in found] for m, found in report.repetitions.items()},
        **({"rollout": [dict(entry) for entry in report.rollout]} if report.rollout else {}),
        "provenance": json.loads(json.dumps(report.provenance, default=str)),
    }


def changes_of(report: ReportInput) -> Changes | None:
    """What changed since the report before; None where there was none."""
    if report.previous is None:
        return None
    return changes(report.previous, report_document(report), report.describe)
