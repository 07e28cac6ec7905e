"""When things run by themselves, in the one time zone of the project.

A schedule is called what it runs: `nightly_catch_up` the job `catch_up`, `nightly_revalidate` the
job `revalidate`. Both are off until somebody turns them on in the UI.
"""

from collections.abc import Iterator
from datetime import timedelta

import dagster as dg

from imgassets.defs.jobs import CATCH_UP_JOB, REVALIDATE_JOB
from imgassets.documents.environment import timezone

#: A revalidation that has not ended after so long was killed without a word.
_DEAD_AFTER = timedelta(hours=20)
_UNFINISHED = [
    dg.DagsterRunStatus.QUEUED,
    dg.DagsterRunStatus.NOT_STARTED,
    dg.DagsterRunStatus.STARTING,
    dg.DagsterRunStatus.STARTED,
]


def nightly_catch_up() -> dg.ScheduleDefinition:
    """Every night at 02:30: whatever changed during the day is judged by the morning."""
    return dg.ScheduleDefinition(
        name="nightly_catch_up",
        job_name=CATCH_UP_JOB,
        cron_schedule="30 2 * * *",
        execution_timezone=timezone(),
        description="Does what `imgassets plan` says: what is up to date is not made again.",
    )


def nightly_revalidate() -> dg.ScheduleDefinition:
    """Every night at 03:00; a missed night is made good by the next.

    The sample is pinned, so one run covers any number of missed ones. A run that died half way
    left each branch as it was or as it is; the next one does all of them again. Whatever has not
    ended after `_DEAD_AFTER` was killed without a word, and holds up no other night.
    """

    @dg.schedule(
        job_name=REVALIDATE_JOB,
        name="nightly_revalidate",
        cron_schedule="0 3 * * *",
        execution_timezone=timezone(),
        description="Makes a pinned sample of stored images again, to find those that drift.",
    )
    def nightly_revalidate(
        context: dg.ScheduleEvaluationContext,
    ) -> Iterator[dg.RunRequest | dg.SkipReason]:
        since = context.scheduled_execution_time - _DEAD_AFTER
        going_on = context.instance.get_run_records(
            dg.RunsFilter(job_name=REVALIDATE_JOB, statuses=_UNFINISHED, created_after=since),
            limit=1,
        )
        if going_on:
            yield dg.SkipReason("the previous revalidation is still going on")
        else:
            yield dg.RunRequest(run_key=context.scheduled_execution_time.date().isoformat())

    return nightly_revalidate
