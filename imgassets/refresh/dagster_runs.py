"""Dagster's instance and its runs, headless: as the command line, a nightly run and tests use them.

Beside `imgassets.refresh.dagster_state` the only module that uses what Dagster does not document;
`imgassets_tests/refresh/test_dagster_canary.py` names and uses each such thing.
"""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Collection, Iterable
from importlib.resources import files
from pathlib import Path

import dagster as dg
import psutil
from dagster._core.definitions.job_base import InMemoryJob
from dagster._core.execution.execute_in_process import core_execute_in_process
from filelock import FileLock

from imgassets.documents.environment import PlaceError
from imgassets.refresh.dagster_postgres import keep_connected, one_at_a_time, ready_for_postgres
from imgassets.refresh.dagster_state import asset_keys
from imgassets.storage.database import database_of
from imgassets.storage.database_schema import prepare
from imgassets.storage.ownership import opening_lock, ready_dagster_home
from imgassets.storage.presence import presence_in

#: The code location's name, in workspace.yaml as well.
CODE_LOCATION = "imgassets"
#: The pages of a job list the runs that have this tag: Dagster gives it to those that it launches.
_REPOSITORY_TAG = ".dagster/repository"
_REPOSITORY = f"__repository__@{CODE_LOCATION}"
_PROCESS_TAG = "imgassets/process"
_INTERRUPTS = ("DagsterExecutionInterruptedError", "KeyboardInterrupt")
_OUR_CLASS = re.compile(r"^imgassets\.[\w.]+: ")


def open_instance(root: Path) -> dg.DagsterInstance:
    """Dagster's own storage for a project, under `.imgassets/dagster` unless DAGSTER_HOME is set.

    The shipped `dagster.yaml` (the pool's limit, telemetry off) is put there when there is none.

    Raises:
        PlaceError: a folder cannot be used, or is somebody else's.
        DatabaseError: `$IMGASSETS_DATABASE` names one that cannot be used.
    """
    folder, database = ready_dagster_home(root), database_of()
    if database is not None:
        folder = ready_for_postgres(folder, database)
    os.environ["DAGSTER_HOME"] = str(folder)
    config = folder / "dagster.yaml"
    if not config.exists():
        config.write_text(
            (files("imgassets.storage") / "dagster.yaml").read_text(), encoding="utf-8"
        )
    # Dagster's databases are made on first use, and two processes that make them at once fail.
    with FileLock(opening_lock(folder)), one_at_a_time(database):
        try:
            instance = dg.DagsterInstance.get()
            if database is not None:
                keep_connected(instance, database)
            instance.get_asset_keys(limit=1)  # opens the database that is else opened late
        except Exception as error:  # Dagster raises any class, TypeError for one, for a bad setting
            if database is not None:
                raise database.failure(error) from None  # the cause may hold the password
            why = " ".join(str(error).split())[:300]
            raise PlaceError(
                f"Dagster cannot open its files in {folder}: {why}; mend dagster.yaml or free the "
                "disk, or move the folder away to begin a new history of runs (images are kept)"
            ) from error
    return instance


def run_assets(
    job: dg.JobDefinition,
    instance: dg.DagsterInstance,
    assets: Iterable[str],
    checks: Collection[dg.AssetCheckKey],
) -> list[str]:
    """One run of some assets with their checks, and of further checks; returns the errors.

    Raises:
        KeyboardInterrupt: somebody pressed Ctrl-C, which Dagster takes for a failure.
    """
    keys = set(asset_keys(assets))
    theirs = {c for c in job.asset_layer.asset_graph.asset_check_keys if c.asset_key in keys}
    chosen = job.get_subset(asset_selection=keys, asset_check_selection=theirs | set(checks))
    # As `chosen.execute_in_process`, which keeps every table in memory until the run ends.
    result = core_execute_in_process(
        job=InMemoryJob(chosen.as_ephemeral_job(resource_defs={}, input_values={})),
        instance=instance,
        # Dagster falls back to its own verbose logger unless one is asked for.
        run_config={"loggers": {"console": {}}},
        run_tags={
            _PROCESS_TAG: _this_process(),
            _REPOSITORY_TAG: _REPOSITORY,
        },
        output_capturing_enabled=False,
        raise_on_error=False,
    )
    if any(_interrupted(event) for event in result.all_events):
        raise KeyboardInterrupt
    return [] if result.success else errors_of(result)


def _interrupted(event: dg.DagsterEvent) -> bool:
    """Whether the run ended here, within a step or between two, since it was told to."""
    error = event.job_failure_data.error if event.is_job_failure else None
    return error is not None and error.cls_name in _INTERRUPTS


def errors_of(result: dg.ExecuteInProcessResult) -> list[str]:
    """What failed in a run, one line a step."""
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


def bury_dead_runs(instance: dg.DagsterInstance) -> list[str]:
    """Mark headless runs as failed whose process is gone, and give back their pool slots.

    A killed process cannot do either itself, and Dagster would make the next run wait for its slot
    in the pool `gpu` for ever. Slots are also taken from runs that are over and still hold one,
    since a process, or Postgres, was killed between the two. Returns the ids of the dead runs.
    """
    unfinished = instance.get_runs(
        dg.RunsFilter(statuses=[dg.DagsterRunStatus.STARTED, dg.DagsterRunStatus.STARTING])
    )
    is_gone = _is_gone()
    dead = [r for r in unfinished if (name := r.tags.get(_PROCESS_TAG, "")) and is_gone(name)]
    for run in dead:
        instance.report_run_failed(run, "the process was killed; run again to go on")
    _free_slots_of_finished_runs(instance)
    return [run.run_id for run in dead]


def _free_slots_of_finished_runs(instance: dg.DagsterInstance) -> None:
    slots = instance.event_log_storage
    for run_id in slots.get_concurrency_run_ids():
        run = instance.get_run_by_id(run_id)
        if run is None or run.is_finished:
            slots.free_concurrency_slots_for_run(run_id)


def _this_process() -> str:
    """This process, by a name that tells whoever may find its run whether it is still there."""
    database = database_of()
    if database is None:
        return _process_name(psutil.Process())
    return database.run(lambda _: presence_in(database).name)


def _is_gone() -> Callable[[str], bool]:
    """What says of a process's name that it is gone: this machine, or the database of many."""
    database = database_of()
    if database is None:
        alive = {_process_name(p) for p in psutil.process_iter()}
        return lambda name: name not in alive
    prepare(database)
    return database.run(lambda _: presence_in(database)).is_gone


def _process_name(process: psutil.Process) -> str:
    """A process by id and start, so that a reused id is not taken for it; empty when it is gone."""
    try:
        return f"{process.pid}@{process.create_time():.2f}"
    except psutil.NoSuchProcess:
        return ""
