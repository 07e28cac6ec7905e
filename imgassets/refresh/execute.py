"""Running the graph headless, as the command line and the tests do."""

import os
import re
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from importlib.resources import files
from pathlib import Path
from typing import TYPE_CHECKING, Any

import dagster as dg
import psutil
from filelock import FileLock

from imgassets.defs.assets.branches import group_of
from imgassets.defs.assets.report import report_key
from imgassets.defs.build import VALIDATE_JOB, build_definitions, made_graph
from imgassets.defs.io_managers import JsonDocuments
from imgassets.defs.resources import ProjectResource
from imgassets.documents.environment import PlaceError
from imgassets.documents.project import Project
from imgassets.refresh.dagster_state import Reader, asset_keys
from imgassets.refresh.extra_seeds import ExtraSeeds, extend
from imgassets.refresh.outputs import set_aside
from imgassets.refresh.plan import Plan
from imgassets.storage.ownership import opening_lock, ready_dagster_home
from imgassets.storage.project_home import ProjectHome, home_of

if TYPE_CHECKING:
    from imgassets.decision import Verdict

_PROCESS_TAG = "imgassets/process"
_INTERRUPTS = ("DagsterExecutionInterruptedError", "KeyboardInterrupt")
_OUR_CLASS = re.compile(r"^imgassets\.[\w.]+: ")


class RunFailedError(RuntimeError):
    """A run did not finish; the message names the assets and their first errors."""


@dataclass(frozen=True)
class Selection:
    """Which endpoints and candidates to bring up to date; empty means all of them."""

    endpoints: tuple[str, ...] = ()
    models: tuple[str, ...] = ()

    def branches(self, project: Project) -> list[tuple[str, str]]:
        """(endpoint, model) pairs asked for.

        Raises:
            LookupError: a name that no document has; says which there are.
        """
        known = {e.endpoint: e for e in project.usable_endpoints()}
        _check_names("endpoint", self.endpoints, known)
        chosen = [known[name] for name in (self.endpoints or known)]
        _check_names("model", self.models, {m for e in chosen for m in e.models})
        return [
            (e.endpoint, m) for e in chosen for m in e.models if not self.models or m in self.models
        ]


def _check_names(what: str, wanted: Sequence[str], known: Any) -> None:
    for name in wanted:
        if name not in known:
            raise LookupError(f"no {what} {name!r}; there are: {', '.join(sorted(known))}")


def open_instance(root: Path) -> dg.DagsterInstance:
    """Dagster's own storage for a project, under `.imgassets/dagster` unless DAGSTER_HOME is set.

    The shipped `dagster.yaml` (the pool's limit, telemetry off) is put there when there is none.

    Raises:
        PlaceError: a folder cannot be used, or is somebody else's.
    """
    folder = ready_dagster_home(root)
    os.environ["DAGSTER_HOME"] = str(folder)
    config = folder / "dagster.yaml"
    if not config.exists():
        config.write_text(
            (files("imgassets.storage") / "dagster.yaml").read_text(), encoding="utf-8"
        )
    # Dagster's databases are made on first use, and two processes that make them at once fail.
    with FileLock(opening_lock(folder)):
        try:
            instance = dg.DagsterInstance.get()
            instance.get_asset_keys(limit=1)  # opens the database that is else opened late
        except Exception as error:  # Dagster raises any class, TypeError for one, for a bad setting
            why = " ".join(str(error).split())[:300]
            raise PlaceError(
                f"Dagster cannot open its files in {folder}: {why}; mend dagster.yaml or free the "
                "disk, or move the folder away to begin a new history of runs (images are kept)"
            ) from error
    return instance


def plan(
    project: Project, instance: dg.DagsterInstance, selection: Selection, device: str = "auto"
) -> Plan:
    """What `validate` would do now, why, and what it would cost. Changes nothing.

    Raises:
        LookupError: an unknown endpoint or model.
    """
    graph = made_graph(project, device)
    return Reader(project, graph, instance, device).plan(_wanted(project, graph, selection))


def validate(
    project: Project, instance: dg.DagsterInstance, selection: Selection, device: str = "auto"
) -> "list[Verdict]":
    """Do what `plan` says and nothing more; return the verdicts in the contracts' order.

    A candidate's branch brings the incumbent's along, since it is compared with it. Reports are
    made for endpoints of which all models are asked for.

    Raises:
        LookupError: an unknown endpoint or model.
        RunFailedError: an asset failed; all that does not depend on it was still made.
    """
    from imgassets.decision import Verdict  # not at the top: planning does without scipy

    branches = selection.branches(project)
    bury_dead_runs(instance)
    definitions = build_definitions(project, device)
    graph = definitions.resolve_asset_graph()

    def look() -> Reader:
        return Reader(project, graph, instance, device)

    look().observe()
    _set_aside_harmed(home_of(project.root), lambda: look().harmed_files())
    job = definitions.resolve_job_def(VALIDATE_JOB)
    errors = _catch_up(job, look, _wanted(project, graph, selection))
    if errors:
        raise RunFailedError("\n".join(errors))
    documents = JsonDocuments(workplace=ProjectResource(root=str(project.root)))
    return [
        Verdict.model_validate_json(documents.path(dg.AssetKey([e, m, "verdict"])).read_text())
        for e, m in branches
    ]


def _set_aside_harmed(home: ProjectHome, look: Callable[[], list[Path]], wait: float = 1.0) -> None:
    """Move harmed tables to quarantine, but not one that another run is just writing."""
    found = look()
    if found:
        time.sleep(wait)
        for path in set(found) & set(look()):
            set_aside(home, path)


def validate_with_more(
    project: Project, instance: dg.DagsterInstance, selection: Selection, device: str = "auto"
) -> "tuple[list[Verdict], list[str]]":
    """As `validate`; then add the seeds INCONCLUSIVE verdicts ask for, and do what follows.

    Returns:
        The verdicts, and what was added or why nothing could be. Raises as `validate`.
    """
    verdicts = validate(project, instance, selection, device)
    told = extend(project, verdicts)
    return (validate(project, instance, selection, device) if told else verdicts), told


def forget_more(project: Project, selection: Selection) -> None:
    """Take back the seeds added to branches, and to their incumbents."""
    more = ExtraSeeds.of(project.root)
    for endpoint, model in selection.branches(project):
        more.forget(endpoint, model)
        more.forget(endpoint, project.endpoint(endpoint).incumbent)


def _wanted(project: Project, graph: Any, selection: Selection) -> set[dg.AssetKey]:
    branches = selection.branches(project)
    groups = {group_of(e, m) for e, m in branches}
    groups |= {group_of(e, project.endpoint(e).incumbent) for e, _ in branches}
    wanted: dg.AssetSelection = dg.AssetSelection.groups(*sorted(groups))
    if not selection.models:
        wanted |= dg.AssetSelection.assets(*{report_key(e) for e, _ in branches})
    return set(wanted.resolve(graph))


def bury_dead_runs(instance: dg.DagsterInstance) -> list[str]:
    """Mark headless runs as failed whose process is gone, and give back their pool slots.

    A killed process cannot do either itself, and Dagster would make the next run wait for its slot
    in the pool `gpu` for ever. Returns the ids of the runs.
    """
    alive = {_process_name(p) for p in psutil.process_iter()}
    unfinished = instance.get_runs(
        dg.RunsFilter(statuses=[dg.DagsterRunStatus.STARTED, dg.DagsterRunStatus.STARTING])
    )
    dead = [r for r in unfinished if r.tags.get(_PROCESS_TAG, "") not in alive | {""}]
    for run in dead:
        instance.report_run_failed(run, "the process was killed; run again to go on")
        instance.event_log_storage.free_concurrency_slots_for_run(run.run_id)
    return [run.run_id for run in dead]


def _process_name(process: psutil.Process) -> str:
    """A process by id and start, so that a reused id is not taken for it; empty when it is gone."""
    try:
        return f"{process.pid}@{process.create_time():.2f}"
    except psutil.NoSuchProcess:
        return ""


def _catch_up(
    job: dg.JobDefinition, look: Callable[[], Reader], wanted: set[dg.AssetKey]
) -> list[str]:
    """Run what is certain to be out of date, look again, and so on until nothing is.

    What comes out as it was stops the wave there, so each run may make the next one smaller.
    Nothing is run twice. Returns the errors; what is out of date though it was made is one, since
    what is below it was left as it was and must not be taken for the present.
    """
    tried: set[str] = set()
    checked: set[dg.AssetCheckKey] = set()
    errors: list[str] = []
    while True:
        reader = look()
        todo = reader.plan(wanted, tried)
        ready = todo.ready(tried)
        checks = reader.stale_checks(todo, wanted) - checked
        if not ready and not checks:
            return errors or (_left(look, wanted, tried) if todo.must else [])
        tried |= set(ready)
        checked |= checks
        errors += _run(job, reader.instance, set(asset_keys(ready)), checks)


def _left(
    look: Callable[[], Reader], wanted: set[dg.AssetKey], tried: set[str], wait: float = 1.0
) -> list[str]:
    """What is out of date though it was made, but not what another run is just writing."""
    time.sleep(wait)
    return [
        f"{key} is still out of date, run again to go on: {why}"
        for key, why in look().plan(wanted, tried).must.items()
    ]


def _run(
    job: dg.JobDefinition,
    instance: dg.DagsterInstance,
    keys: set[dg.AssetKey],
    checks: set[dg.AssetCheckKey],
) -> list[str]:
    """One run of some assets with their checks, and of further checks; returns the errors.

    Raises:
        KeyboardInterrupt: somebody pressed Ctrl-C, which Dagster takes for a failure.
    """
    theirs = {c for c in job.asset_layer.asset_graph.asset_check_keys if c.asset_key in keys}
    chosen = job.get_subset(asset_selection=keys, asset_check_selection=theirs | checks)
    result = chosen.execute_in_process(
        instance=instance,
        # Dagster falls back to its own verbose logger unless one is asked for.
        run_config={"loggers": {"console": {}}},
        tags={_PROCESS_TAG: _process_name(psutil.Process())},
        raise_on_error=False,
    )
    if any(_interrupted(event) for event in result.all_events):
        raise KeyboardInterrupt
    return [] if result.success else _errors(result)


def _interrupted(event: dg.DagsterEvent) -> bool:
    """Whether the run ended here, within a step or between two, since it was told to."""
    error = event.job_failure_data.error if event.is_job_failure else None
    return error is not None and error.cls_name in _INTERRUPTS


def _errors(result: dg.ExecuteInProcessResult) -> list[str]:
    lines = []
    for event in result.all_events:
        if event.is_step_failure:
            error = event.step_failure_data.error
            # Dagster wraps what our code raised, whose own causes are for the traceback.
            while error and error.cause and (error.cls_name or "").startswith("Dagster"):
                error = error.cause
            message = error.message.strip() if error else "failed"
            lines.append(f"{event.step_key}: {_OUR_CLASS.sub('', message)}")
    return lines or ["the run failed before its first step"]
