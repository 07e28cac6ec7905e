"""`imgassets rollout start` and `promote`: steps forward, which need open gates."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Annotated

import typer

from imgassets.cli.options import NOT_OK, OK, Json, complain, show, valid_project
from imgassets.cli.rollout_options import EndpointName, Reason, step_of

if TYPE_CHECKING:
    from collections.abc import Callable

    from imgassets.documents.contract import Endpoint
    from imgassets.documents.project import Project
    from imgassets.documents.rollout import Rollout
    from imgassets.rollout.entries import Entry
    from imgassets.rollout.gates import Evidence, Gate
    from imgassets.rollout.standing import Standing
    from imgassets.storage.rollout_files import RolloutFiles

DryRun = Annotated[bool, typer.Option("--dry-run", help="Only look at the gates.")]


def start(
    endpoint: EndpointName,
    model: Annotated[str, typer.Option(metavar="M", help="A candidate of its contract.")],
    reason: Reason = "",
    dry_run: DryRun = False,
    json: Json = False,
) -> int:
    """Begin a rollout at the first stage of its contract.

    Needs `rollout:` in the contract and a GO that is up to date. Every gate is told, with the fix
    of those that are closed. Exit 0 when the stage was taken, 1 when a gate is closed.
    """
    from imgassets.rollout import gates, steps

    project, contract, plan = _contract(endpoint)
    at = _standing(project, endpoint)
    found = _evidence(project, endpoint, model)
    looked = gates.start_gates(contract, plan, model, found, at, datetime.now(UTC))

    def take() -> Entry:
        models, step = (contract.incumbent, model), step_of(endpoint, reason, _verdict(found))
        return steps.start(_files(project), step, models, plan.stages[0], looked, at.last)

    return _taken(looked, take, dry_run, json)


def promote(
    endpoint: EndpointName, reason: Reason = "", dry_run: DryRun = False, json: Json = False
) -> int:
    """Go on to the next stage; after the last one, end the swap.

    One stage at a time. Every gate is told, with the fix of those that are closed: a GO that is up
    to date and young, no drift, the hours and requests of the stage, no limit broken, not frozen.
    Exit 0 when the stage was taken, 1 when a gate is closed.
    """
    from imgassets.rollout import gates, steps

    project, contract, plan = _contract(endpoint)
    at = _standing(project, endpoint)
    last = at.last
    if last is None or not last.running:
        raise steps.NoRolloutError(
            f"{endpoint} has no rollout; `imgassets rollout start` begins one"
        )
    found, stage = _evidence(project, endpoint, last.candidate), at.next_stage(plan)
    looked = gates.gates_ahead(contract, plan, last.candidate, found, at, datetime.now(UTC))

    def take() -> Entry:
        step = step_of(endpoint, reason, _verdict(found))
        if stage is None:
            return steps.finish(_files(project), step, looked, last)
        return steps.promote(_files(project), step, stage, looked, last)

    return _taken(looked, take, dry_run, json)


def _contract(endpoint: str) -> tuple[Project, Endpoint, Rollout]:
    project = valid_project()
    if endpoint not in project.endpoints:
        known = ", ".join(project.endpoints) or "none"
        raise LookupError(f"no endpoint {endpoint!r}; there are: {known}")
    contract = project.endpoint(endpoint)
    if contract.rollout is None:
        file = project.endpoints[endpoint].file
        raise LookupError(f"{file} has no `rollout`; add it (docs/rollout.md)")
    return project, contract, contract.rollout


def _files(project: Project) -> RolloutFiles:
    from imgassets.storage.rollout_files import rollout_files

    return rollout_files(project.root)


def _standing(project: Project, endpoint: str) -> Standing:
    from imgassets.rollout.standing import standing
    from imgassets.rollout.steps import settled

    step = step_of(endpoint)
    return standing(settled(_files(project), step.by, step.now), endpoint)


def _evidence(project: Project, endpoint: str, model: str) -> Evidence:
    from imgassets.defs.release_evidence import release_evidence
    from imgassets.refresh.dagster_runs import open_instance

    with open_instance(project.root) as instance:
        return release_evidence(project, instance, endpoint, model)


def _verdict(found: Evidence) -> str:
    return found.verdict.fingerprint if found.verdict else ""


def _taken(looked: list[Gate], take: Callable[[], Entry], dry_run: bool, json: bool) -> int:
    """Take the step if all gates are open, and tell them."""
    is_open = all(gate.open for gate in looked)
    entry = take() if is_open and not dry_run else None
    told = {
        "taken": entry is not None,
        "stage": entry.stage if entry else None,
        "percent": entry.percent if entry else None,
        "gates": [gate.to_dict() for gate in looked],
    }
    lines = [str(gate) for gate in looked]
    if entry is not None:
        lines.append(f"{entry.endpoint}: {entry.event}: stage {entry.before} -> {entry.stage}")
    show(json, told, "\n".join(lines))
    if not is_open:
        complain("refused; the gates that are closed say what opens them")
    return OK if is_open else NOT_OK
