"""Planning and validating without a web server, as the command line, a nightly run and tests do.

Here the graph of a project, its job and Dagster's instance come together with `imgassets.refresh`,
which is handed all of them. An op may call `bring_up_to_date` with its context's instance: the runs
it starts are those of the job `validate`, in the op's own process.
"""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

import dagster as dg

from imgassets.backends.device import choose_device
from imgassets.defs.build import build_definitions, made_graph
from imgassets.defs.jobs import VALIDATE_JOB, VALIDATED
from imgassets.documents.project import Project
from imgassets.refresh import execute
from imgassets.refresh.dagster_runs import bury_dead_runs, run_assets
from imgassets.refresh.dagster_state import DagsterState, asset_text
from imgassets.refresh.extra_seeds import extend
from imgassets.refresh.plan import Plan
from imgassets.refresh.planner import Planner
from imgassets.refresh.selection import Selection
from imgassets.storage.project_home import home_of
from imgassets.storage.shared_files import SharedFiles

if TYPE_CHECKING:  # planning does without scipy
    from imgassets.decision import Verdict


def plan(
    project: Project,
    instance: dg.DagsterInstance,
    selection: Selection,
    device: str = "auto",
    pace: float = 1.0,
) -> Plan:
    """What `validate` would do now, why, and what it would cost. Changes nothing.

    `pace` is how slow this machine is, as of `estimate.Surroundings`.

    Raises:
        LookupError: an unknown endpoint or model.
    """
    begun = time.monotonic()
    graph = made_graph(project)
    planner = _planner(project, choose_device(device)[0], DagsterState(graph, instance))
    wanted = _wanted(project, graph, selection)
    found = planner.plan(wanted)
    planning = time.monotonic() - begun
    return planner.with_surroundings(planner.with_scores(found), wanted, planning, pace)


def outdated_reports(
    project: Project, instance: dg.DagsterInstance, selection: Selection
) -> dict[str, str]:
    """Why reports do not say what is true now, by endpoint; those that do are left out.

    Failed images that `validate` would ask for once more make no report outdated: it tells of them.
    """
    graph = made_graph(project)
    planner = _planner(project, choose_device("auto")[0], DagsterState(graph, instance))
    wanted = _wanted(project, graph, selection)
    planned = planner.plan(wanted, tried=wanted).assets
    endpoints = dict.fromkeys(endpoint for endpoint, _ in selection.branches(project))
    # What a report follows is of interest in a plan; here the cause alone.
    return {
        e: planned[key].removeprefix("follows ").partition(": ")[2]
        if planned[key].startswith("follows ")
        else planned[key]
        for e in endpoints
        if (key := f"{e}/report") in planned
    }


def bring_up_to_date(
    project: Project, instance: dg.DagsterInstance, selection: Selection, device: str = "auto"
) -> None:
    """Do what `plan` says and nothing more.

    Raises:
        LookupError: an unknown endpoint or model.
        RunFailedError: an asset failed; all that does not depend on it was still made.
    """
    definitions = build_definitions(project, device)
    graph, job = definitions.resolve_asset_graph(), definitions.resolve_job_def(VALIDATE_JOB)
    wanted = _wanted(project, graph, selection)
    chosen, _ = choose_device(device)
    bury_dead_runs(instance)
    execute.bring_up_to_date(
        look=lambda: _planner(project, chosen, DagsterState(graph, instance)),
        run=lambda assets, checks: run_assets(job, instance, assets, checks),
        wanted=wanted,
    )
    SharedFiles.of(home_of(project.root)).push()


def validate(
    project: Project, instance: dg.DagsterInstance, selection: Selection, device: str = "auto"
) -> list[Verdict]:
    """As `bring_up_to_date`; returns the verdicts in the contracts' order."""
    from imgassets.decision import Verdict

    bring_up_to_date(project, instance, selection, device)
    home = home_of(project.root)
    return [
        Verdict.model_validate_json(home.output((*branch, "verdict")).read_text(encoding="utf-8"))
        for branch in selection.branches(project)
    ]


def validate_and_add_seeds(
    project: Project, instance: dg.DagsterInstance, selection: Selection, device: str = "auto"
) -> tuple[list[Verdict], list[str]]:
    """As `validate`; then add the seeds INCONCLUSIVE verdicts ask for, and do what follows.

    Returns:
        The verdicts, and what was added or why nothing could be. Raises as `validate`.
    """
    verdicts = validate(project, instance, selection, device)
    messages = extend(project, verdicts)
    return (validate(project, instance, selection, device) if messages else verdicts), messages


def _planner(project: Project, device: str, known: DagsterState) -> Planner:
    """A planner that sees what other machines wrote until now."""
    SharedFiles.of(home_of(project.root)).pull()
    return Planner(project, device, known)


def _wanted(project: Project, graph: Any, selection: Selection) -> set[str]:
    return selection.assets(project, map(asset_text, VALIDATED.resolve(graph)))
