"""Jobs: what can be run by name, from the UI and by schedules."""

from typing import Any

import dagster as dg

from imgassets.defs.assets.pilot import PILOT
from imgassets.defs.assets.revalidation import REVALIDATION
from imgassets.defs.executors import chosen_executor
from imgassets.defs.resources import BackendPool, ProjectResource
from imgassets.refresh.observed.rollout import RELEASE_GATE

VALIDATE_JOB, REVALIDATE_JOB, CATCH_UP_JOB = "validate", "revalidate", "catch_up"
PILOT_JOB = "pilot"
_REVALIDATIONS = dg.AssetSelection.key_substring(f"/{REVALIDATION}")
_GATES = dg.AssetSelection.key_substring(f"/{RELEASE_GATE}")
#: By their kind: the facet `pilot` of a contract has a key that ends in the same word.
_PILOTS = dg.AssetSelection.kind(PILOT)
#: What the job `validate` makes, and what a plan looks at.
VALIDATED = dg.AssetSelection.all() - _REVALIDATIONS - _GATES - _PILOTS


def validate_job() -> Any:
    """Everything from requests to reports.

    In one process unless `$IMGASSETS_EXECUTOR` says otherwise: a loaded pipeline serves all of it.
    """
    return dg.define_asset_job(
        VALIDATE_JOB,
        selection=VALIDATED,
        executor_def=chosen_executor(),
        description="From requests to verdicts and reports; images in the store are reused.",
    )


def revalidate_job() -> Any:
    """The pinned sample of every branch; a branch that fails stops no other."""
    return dg.define_asset_job(
        REVALIDATE_JOB,
        selection=_REVALIDATIONS,
        executor_def=chosen_executor(),
        description="Makes stored images again, and reports those that come out differently.",
    )


def pilot_job() -> Any:
    """The pilots that contracts ask for, one after the other."""
    return dg.define_asset_job(
        PILOT_JOB,
        selection=_PILOTS,
        executor_def=chosen_executor(),
        description="Production-like traffic against every served model; takes as long as it does.",
    )


@dg.op
def do_what_the_plan_says(
    context: dg.OpExecutionContext, workplace: ProjectResource, maker: BackendPool
) -> None:
    """As `imgassets validate`: each wave is a run of the job `validate`, in this process."""
    from imgassets.defs.headless import bring_up_to_date
    from imgassets.refresh.selection import Selection

    bring_up_to_date(workplace.project(), context.instance, Selection(), maker.device)


@dg.job(name=CATCH_UP_JOB, executor_def=dg.in_process_executor)
def catch_up() -> None:
    """Does what `imgassets plan` says, and nothing more: what is up to date is not made again."""
    do_what_the_plan_says()
