"""When things run by themselves."""

import dagster as dg
from dagster import ScheduleDefinition


def nightly_revalidation(job: dg.JobDefinition | object) -> ScheduleDefinition:
    """Every night at 02:30: whatever changed during the day is judged by the morning."""
    return dg.ScheduleDefinition(
        name="nightly_revalidation",
        job=job,  # type: ignore[arg-type]
        cron_schedule="30 2 * * *",
        execution_timezone="UTC",
        description="Brings every endpoint up to date; images already made are reused.",
    )
