"""Jobs: what can be run by name, from the UI and by schedules."""

from typing import Any

import dagster as dg

VALIDATE_JOB = "validate"
#: What the job makes, and what a plan looks at.
VALIDATED = dg.AssetSelection.all()


def validate_job() -> Any:
    """Everything from requests to reports, in one process: a loaded pipeline serves all of it."""
    return dg.define_asset_job(
        VALIDATE_JOB,
        selection=VALIDATED,
        executor_def=dg.in_process_executor,
        description="From requests to verdicts and reports; images in the store are reused.",
    )
