"""Nightly revalidation: a pinned sample made again; what drifted is observed, and stops a GO."""

from collections.abc import Callable, Iterator
from datetime import timedelta

import dagster as dg

from imgassets.defs.resources import BackendPool, ProjectResource
from imgassets.documents.environment import timezone
from imgassets.documents.hosted import HostedModel
from imgassets.drift.reproducibility import Repetition, repeat
from imgassets.drift.revalidation import Drift, DriftFile, pinned, remake, still_drifting
from imgassets.refresh.dagster_state import observation
from imgassets.refresh.extra_seeds import requests_of
from imgassets.refresh.observed.drift import drift_state
from imgassets.storage.image_store import CorruptEntryError
from imgassets.storage.whole_file import write_whole

REVALIDATE_JOB = "revalidate"
#: Times of day mean this zone.
TIMEZONE = timezone()
_DEAD_AFTER = timedelta(hours=20)
_UNFINISHED = [
    dg.DagsterRunStatus.QUEUED,
    dg.DagsterRunStatus.NOT_STARTED,
    dg.DagsterRunStatus.STARTING,
    dg.DagsterRunStatus.STARTED,
]


def drift_file(workplace: ProjectResource) -> DriftFile:
    """What is known to drift in the project."""
    return DriftFile(workplace.home().drift)


class Sample(dg.Config):
    """How much a revalidation makes again."""

    images_per_flow: int = 4


@dg.op(pool="gpu")
def revalidate_sample(
    context: dg.OpExecutionContext, config: Sample, workplace: ProjectResource, maker: BackendPool
) -> None:
    """Make the pinned sample of every branch again; a branch that fails stops no other."""
    errors = []
    branches = [(e.endpoint, m) for e in workplace.project().usable_endpoints() for m in e.models]
    for endpoint, model in branches:
        try:
            found = _revalidate(context, workplace, maker, (endpoint, model), config)
        except Exception as error:
            errors.append(f"{endpoint}/{model}: {error}")
            continue
        file = drift_file(workplace)
        file.write(endpoint, model, found)
        state = drift_state(file, endpoint, model)
        context.log_event(observation(state, state.change(None)))
    _write_page(workplace, branches)
    if errors:
        raise dg.Failure("not revalidated: " + "; ".join(errors))


def _revalidate(
    context: dg.OpExecutionContext,
    workplace: ProjectResource,
    maker: BackendPool,
    branch: tuple[str, str],
    config: Sample,
) -> list[Drift]:
    project, store = workplace.project(), workplace.store()
    endpoint, model = branch
    file = drift_file(workplace)
    if isinstance(project.model(model), HostedModel):
        # Each remade image would be paid for again; docs/hosted.md tells what to do instead.
        context.log.info(f"{endpoint}/{model}: hosted, not made again")
        return file.read(endpoint, model)
    known, damage = _known(file, branch)
    device, _ = maker.chosen()
    requests = requests_of(project, endpoint, model, device)
    found: list[Drift] = []
    repeated: list[Repetition] = []
    for flow in project.endpoint(endpoint).flows:
        of_flow = [r for r in requests if r.flow == flow]
        sample = pinned(of_flow, store, config.images_per_flow)
        if not sample:
            found += still_drifting([], known, of_flow, [])
            continue
        # What drifted before is looked at even outside the sample: nothing else would clear it.
        again = pinned(of_flow, store, config.images_per_flow, {d.image_key for d in known})
        make = maker.maker(project, model, flow)
        drifts, failures = remake(again, store, make, file.images)
        if failures and damage:
            raise damage
        compared = {r.image_key for r in again} - failures.keys()
        found += still_drifting(drifts, known, of_flow, compared)
        repeated += repeat(sample, store, make, device)
        context.log.info(f"{endpoint}/{model}: {len(drifts)} of {len(compared)} drifted ({flow})")
        for failure in failures.values():
            context.log.warning(f"{endpoint}/{model}: not made again: {failure}")
    file.repetitions(endpoint, model).write(repeated)
    return found


def _known(file: DriftFile, branch: tuple[str, str]) -> tuple[list[Drift], ValueError | None]:
    """What drifted before, or that nobody knows: a whole sample compared makes that good."""
    try:
        return file.read(*branch), None
    except ValueError as error:
        return [], error


def _write_page(workplace: ProjectResource, branches: list[tuple[str, str]]) -> None:
    from imgassets.report.drift_page import drift_page

    file, store = drift_file(workplace), workplace.store()
    page = drift_page(
        [drift for branch in branches for drift in file.read(*branch)],
        stored=lambda drift: _picture(lambda: store.read_bytes(drift.image_key)),
        remade=lambda drift: _picture((file.images / drift.remade).read_bytes),
    )
    write_whole(file.folder / "drift.html", page)


def _picture(read: Callable[[], bytes]) -> bytes:
    """Nothing where it was deleted or harmed since it drifted: the page then has words alone."""
    try:
        return read()
    except (KeyError, OSError, CorruptEntryError):
        return b""


@dg.job(name=REVALIDATE_JOB, executor_def=dg.in_process_executor)
def revalidate() -> None:
    """Make a pinned sample of stored images again, and report those that come out differently."""
    revalidate_sample()


@dg.schedule(
    job=revalidate,
    name="nightly_drift",
    cron_schedule="0 3 * * *",
    execution_timezone=TIMEZONE,
)
def nightly_drift(
    context: dg.ScheduleEvaluationContext,
) -> Iterator[dg.RunRequest | dg.SkipReason]:
    """Every night at 03:00 of $IMGASSETS_TIMEZONE; a missed night is made good by the next.

    The sample is pinned, so one run covers any number of missed ones. A run that died half way
    left each branch as it was or as it is; the next one does all of them again. Whatever has not
    ended after `_DEAD_AFTER` was killed without a word, and holds up no other night.
    """
    since = context.scheduled_execution_time - _DEAD_AFTER
    going_on = context.instance.get_run_records(
        dg.RunsFilter(job_name=REVALIDATE_JOB, statuses=_UNFINISHED, created_after=since), limit=1
    )
    if going_on:
        yield dg.SkipReason("the previous revalidation is still going on")
    else:
        yield dg.RunRequest(run_key=context.scheduled_execution_time.date().isoformat())
