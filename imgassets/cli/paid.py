"""`imgassets paid`: what hosted models have cost, and what became of each request."""

from __future__ import annotations

import argparse
import json
from typing import Any

from imgassets.documents.hosted import HostedModel
from imgassets.documents.project import Project
from imgassets.storage.project_home import ProjectHome


def run(arguments: argparse.Namespace, project: Project, home: ProjectHome) -> str:
    """What to print: one line a hosted model, and one for each way requests ended."""
    from imgassets.backends.journal import Journal

    found: dict[str, dict[str, Any]] = {}
    for name in project.models:
        model = project.model(name)
        if isinstance(model, HostedModel):
            journal = Journal(home.paid, name)
            found[name] = {
                "spent_usd": round(journal.spent(), 6),
                "max_usd": model.limits.max_usd,
                "requests": journal.ends(),
            }
    if arguments.json:
        return json.dumps(found, indent=2)
    lines = [_line(name, told) for name, told in found.items()]
    return "\n".join(lines) or "no hosted model in contracts/models"


def _line(name: str, told: dict[str, Any]) -> str:
    ends = ", ".join(f"{n} {end}" for end, n in told["requests"].items()) or "nothing asked yet"
    return f"{name}: {told['spent_usd']:.2f} of {told['max_usd']:.2f} USD; {ends}"
