"""`imgassets paid`."""

from __future__ import annotations

from typing import Any

from imgassets.cli.options import OK, Json, show
from imgassets.documents.hosted import HostedModel
from imgassets.documents.project import Project, find_root, load_project
from imgassets.storage.ownership import own_home
from imgassets.storage.project_home import ProjectHome


def paid(json: Json = False) -> int:
    """What hosted models have cost.

    Tells what was, or may have been, billed for hosted models, and how it ended.
    """
    project, home = load_project(), own_home(find_root())
    found = spendings(project, home)
    lines = [_line(name, told) for name, told in found.items()]
    show(json, found, "\n".join(lines) or "no hosted model in contracts/models")
    return OK


def spendings(project: Project, home: ProjectHome) -> dict[str, dict[str, Any]]:
    """USD spent, the budget, and how requests ended, by hosted model."""
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
    return found


def _line(name: str, told: dict[str, Any]) -> str:
    ends = ", ".join(f"{n} {end}" for end, n in told["requests"].items()) or "nothing asked yet"
    return f"{name}: {told['spent_usd']:.2f} of {told['max_usd']:.2f} USD; {ends}"
