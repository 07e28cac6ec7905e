"""Contracts that ask people and never hear them: nothing on `review.accepted` closes a review."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from imgassets.documents.contract import Endpoint
from imgassets.documents.problems import Problem, problem_at
from imgassets.metrics.families import by_people
from imgassets.metrics.review import ACCEPTED

if TYPE_CHECKING:
    from imgassets.documents.project import Loaded, Project

_FIX = f"add {{metric: {ACCEPTED}, floor: 0.8}} to criteria"


def hints(project: Project) -> list[Problem]:
    """A hint for each contract whose reviews no answer could close, in order."""
    return sorted(
        hint
        for endpoint in project.usable_endpoints()
        for hint in _in_contract(project.endpoints[endpoint.endpoint])
    )


def _in_contract(loaded: Loaded[Endpoint]) -> Iterator[Problem]:
    contract = loaded.document
    deciding = [c for c in contract.criteria if c.severity == "gating" and by_people(c.metric)]
    if any(c.metric == ACCEPTED for c in deciding):
        return
    if contract.review.always:
        said = "people look at every candidate, and no criterion closes the review"
        yield problem_at(loaded, ("review", "always"), said, _FIX)
    for i, criterion in enumerate(contract.criteria):
        if criterion in deciding:
            said = f"{criterion.metric} alone closes no review; it can only break a verdict"
            yield problem_at(loaded, ("criteria", i, "metric"), said, _FIX)
