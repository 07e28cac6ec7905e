"""Dagster as one more watcher of rollouts: it judges production's outcomes while the UI runs."""

from datetime import UTC, datetime

import dagster as dg

from imgassets.defs.resources import ProjectResource
from imgassets.documents.project import Project

_SECONDS = 30


def watched_endpoints(project: Project) -> list[str]:
    """Endpoints whose contract has limits for production's outcomes."""
    return [
        contract.endpoint
        for contract in project.usable_endpoints()
        if contract.rollout is not None and contract.rollout.outcomes is not None
    ]


def outcomes_watched() -> dg.SensorDefinition:
    """Does what `imgassets rollout watch` does; both may run at once."""

    @dg.sensor(
        name="outcomes_watched",
        minimum_interval_seconds=_SECONDS,
        default_status=dg.DefaultSensorStatus.RUNNING,
        description="Judges what production reports of each rollout, and takes it back when a "
        "limit of its contract is broken. Each tick says what was found.",
    )
    def outcomes_watched(workplace: ProjectResource) -> dg.SkipReason:
        from imgassets.rollout.people import who
        from imgassets.rollout.watch import watcher_of

        project, by = workplace.project(), f"Dagster of {who()}"
        watchers = [watcher_of(project, name) for name in watched_endpoints(project)]
        found = [str(w.pass_once(by, datetime.now(UTC))) for w in watchers if w]
        return dg.SkipReason("\n".join(found) or "no contract has rollout.outcomes")

    return outcomes_watched
