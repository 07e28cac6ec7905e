"""Running the graph headless, as the command line and the tests do."""

import os
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from importlib.resources import files
from pathlib import Path
from typing import Any

import dagster as dg
import psutil

from imgassets.decision.verdict import Verdict
from imgassets.defs.branches import group_of
from imgassets.defs.build import VALIDATE_JOB, build_definitions
from imgassets.defs.reports import report_key
from imgassets.defs.resources import Workplace
from imgassets.defs.tables import JsonDocuments
from imgassets.home import home_of
from imgassets.spec.project import Project

_PROCESS_TAG = "imgassets/process"


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
    """
    home = Path(os.environ.setdefault("DAGSTER_HOME", str(home_of(root) / "dagster")))
    home.mkdir(parents=True, exist_ok=True)
    config = home / "dagster.yaml"
    if not config.exists():
        config.write_text((files("imgassets") / "dagster.yaml").read_text(), encoding="utf-8")
    return dg.DagsterInstance.get()


def validate(
    project: Project, instance: dg.DagsterInstance, selection: Selection, device: str = "auto"
) -> list[Verdict]:
    """Bring branches up to date, and return their verdicts in the contracts' order.

    A candidate's branch brings the incumbent's along, since it is compared with it. Reports are
    made for endpoints of which all models are asked for.

    Raises:
        LookupError: an unknown endpoint or model.
        RunFailedError: an asset failed.
    """
    branches = selection.branches(project)
    bury_dead_runs(instance)
    definitions = build_definitions(project, device)
    _observe(definitions, instance)
    groups = {group_of(e, m) for e, m in branches}
    groups |= {group_of(e, project.endpoint(e).incumbent) for e, _ in branches}
    wanted: dg.AssetSelection = dg.AssetSelection.groups(*sorted(groups))
    if not selection.models:
        wanted |= dg.AssetSelection.assets(*{report_key(e) for e, _ in branches})
    job = definitions.resolve_job_def(VALIDATE_JOB)
    keys = wanted.resolve(definitions.resolve_asset_graph())
    _run(job, instance, keys)
    documents = JsonDocuments(workplace=Workplace(root=str(project.root)))
    return [
        Verdict.model_validate_json(documents.path(dg.AssetKey([e, m, "verdict"])).read_text())
        for e, m in branches
    ]


def _observe(definitions: dg.Definitions, instance: dg.DagsterInstance) -> None:
    """Record the data versions of all documents, so that lineage tells what changed."""
    documents = dg.AssetSelection.groups("documents", include_sources=True)
    keys = documents.resolve(definitions.resolve_asset_graph())
    _run(definitions.resolve_implicit_global_asset_job_def(), instance, keys)


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


def _run(job: dg.JobDefinition, instance: dg.DagsterInstance, keys: Iterable[dg.AssetKey]) -> None:
    result = job.execute_in_process(
        instance=instance,
        asset_selection=sorted(keys),
        # Dagster falls back to its own verbose logger unless one is asked for.
        run_config={"loggers": {"console": {}}},
        tags={_PROCESS_TAG: _process_name(psutil.Process())},
        raise_on_error=False,
    )
    _raise_if_failed(result)


def _raise_if_failed(result: dg.ExecuteInProcessResult) -> None:
    if result.success:
        return
    lines = []
    for event in result.all_events:
        if event.is_step_failure:
            error = event.step_failure_data.error
            while error is not None and error.cause is not None:
                error = error.cause
            lines.append(f"{event.step_key}: {error.message.strip() if error else 'failed'}")
    raise RunFailedError("\n".join(lines) or "the run failed before its first step")
