"""Nightly revalidation: a pinned sample made again; what drifted is observed, and stops a GO."""

from collections.abc import Iterator
from datetime import timedelta

import dagster as dg

from imgassets.defs.resources import BackendPool, ProjectResource
from imgassets.documents.environment import timezone
from imgassets.documents.hosted import HostedModel
from imgassets.drift.revalidation import DriftFile
from imgassets.drift.revalidation import revalidate as revalidate_branch
from imgassets.refresh.dagster_state import observation
from imgassets.refresh.extra_seeds import requests_of
from imgassets.refresh.observed.drift import drift_state

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
    return DriftFile(workplace.home() / "drift")


class Sample(dg.Config):
    """How much a revalidation makes again."""

    images_per_flow: int = 4


@dg.op(pool="gpu")
def revalidate_sample(
    context: dg.OpExecutionContext, config: Sample, workplace: ProjectResource, maker: BackendPool
) -> None:
    """Make the pinned sample of every branch again; a branch that fails stops no other."""
    from imgassets.drift.page import write_drift_page

    errors = []
    branches = [(e.endpoint, m) for e in workplace.project().usable_endpoints() for m in e.models]
    for endpoint, model in branches:
        try:
            _revalidate(context, workplace, maker, (endpoint, model), config)
        except Exception as error:
            errors.append(f"{endpoint}/{model}: {error}")
            continue
        file = drift_file(workplace)
        state = drift_state(file, endpoint, model)
        context.log_event(observation(state, state.change(None)))
    write_drift_page(drift_file(workplace), workplace.store(), branches)
    if errors:
        raise dg.Failure("not revalidated: " + "; ".join(errors))


def _revalidate(
    context: dg.OpExecutionContext,
    workplace: ProjectResource,
    maker: BackendPool,
    branch: tuple[str, str],
    config: Sample,
) -> None:
    project, (endpoint, model) = workplace.project(), branch
    if isinstance(project.model(model), HostedModel):
        # Each remade image would be paid for again; docs/hosted.md tells what to do instead.
        context.log.info(f"{endpoint}/{model}: hosted, not made again")
        return
    device, _ = maker.chosen()
    requests = requests_of(project, endpoint, model, device)
    revalidate_branch(
        branch,
        {f: [r for r in requests if r.flow == f] for f in project.endpoint(endpoint).flows},
        workplace.store(),
        drift_file(workplace),
        lambda flow: maker.maker(project, model, flow),
        images_per_flow=config.images_per_flow,
        device=device,
        log=context.log,
    )


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
