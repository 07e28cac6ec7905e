"""Why assets do not hold for the project as it is now: commands that only look ask here."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

from imgassets.backends.device import choose_device
from imgassets.flows import FLOWS
from imgassets.refresh.dagster_state import DagsterState
from imgassets.refresh.planner import Planner

if TYPE_CHECKING:
    import dagster as dg

    from imgassets.documents.project import Project


def why_outdated(project: Project, known: DagsterState, keys: Iterable[str]) -> dict[str, str]:
    """Which of some assets are out of date, and why; makes nothing.

    Args:
        project: the documents.
        known: what was made.
        keys: of assets, such as `ENDPOINT/MODEL/verdict`.
    """
    wanted = set(keys)
    above = _above(known, wanted)
    plan = Planner(project, choose_device("auto")[0], known).plan(above, tried=above)
    return {
        key: why.partition(": ")[2] if why.startswith("follows ") else why
        for key, why in plan.assets.items()
        if key in wanted
    }


def outdated_images(
    project: Project, instance: dg.DagsterInstance, endpoint: str, models: Iterable[str]
) -> dict[str, str]:
    """Tables of images of an endpoint's models that are out of date, and why."""
    from imgassets.defs.build import made_graph  # the graph has assets that ask this module

    known = DagsterState(made_graph(project), instance)
    flows = project.endpoint(endpoint).flows
    tables = [f"{endpoint}/{model}/{FLOWS[flow].stage}" for model in models for flow in flows]
    return why_outdated(project, known, tables)


def _above(known: DagsterState, keys: set[str]) -> set[str]:
    """Assets and all that they are made from."""
    parents = {asset.key: asset.parents for asset in known.assets()}
    found: set[str] = set()
    left = list(keys)
    while left:
        one = left.pop()
        if one in parents and one not in found:
            found.add(one)
            left += parents[one]
    return found
