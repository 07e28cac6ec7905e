"""Staying in step by itself: notices changed documents, and, when switched on, remakes."""

import json
from typing import Any

import dagster as dg

from imgassets.defs.document_check import check_evaluation
from imgassets.defs.resources import BackendPool, ProjectResource
from imgassets.refresh.dagster_state import FIRST_SEEN, asset_key, observation
from imgassets.refresh.observed.calibrations import CALIBRATIONS
from imgassets.refresh.observed.documents import DOCUMENTS
from imgassets.refresh.observed.environment import ENVIRONMENT
from imgassets.refresh.observed.labels import LABELS
from imgassets.refresh.observed.pilots import PILOTS
from imgassets.refresh.observed.rollout import ROLLOUT

_SECONDS = 30
#: Kinds of observed state that change without a run of ours.
_WATCHED = (DOCUMENTS, ENVIRONMENT, LABELS, CALIBRATIONS, PILOTS, ROLLOUT)
C = dg.AutomationCondition


def in_step_condition() -> dg.AutomationCondition:
    """True for an asset whose inputs hold other data, or whose code changed, or that is missing.

    It compares data versions, so a wave of runs stops where data came out as it was.
    """
    handled = C.newly_requested() | C.newly_updated()
    return (
        (
            C.any_deps_match(C.data_version_changed()).since(handled)
            | C.code_version_changed().since(handled)
            | C.missing().newly_true().since(handled)
        )
        & ~C.any_deps_missing()
        & ~C.any_deps_in_progress()
        & ~C.in_progress()
    ).with_label("in step with its data")


def automated(assets: list[dg.AssetsDefinition]) -> list[dg.AssetsDefinition]:
    """Assets that the switch `keep_in_step` keeps in step."""
    condition = in_step_condition()
    return [
        asset.map_asset_specs(lambda spec: spec.replace_attributes(automation_condition=condition))
        for asset in assets
    ]


def keep_in_step() -> dg.AutomationConditionSensorDefinition:
    """The one switch of declarative automation; off until somebody turns it on in the UI."""
    return dg.AutomationConditionSensorDefinition(
        name="keep_in_step",
        target=dg.AssetSelection.all(),
        default_status=dg.DefaultSensorStatus.STOPPED,
        minimum_interval_seconds=_SECONDS,
        description="When on, remakes whatever a changed document, image or table touches.",
    )


def documents_changed(known: set[dg.AssetKey]) -> dg.SensorDefinition:
    """Observes documents as they change, so that lineage shows what is out of step.

    Args:
        known: document facets of this code location; others appear after "reload definitions".
    """

    @dg.sensor(
        name="documents_changed",
        minimum_interval_seconds=_SECONDS,
        default_status=dg.DefaultSensorStatus.RUNNING,
        description="Notices changed, new and broken documents, and another environment.",
    )
    def documents_changed(
        context: dg.SensorEvaluationContext, workplace: ProjectResource, maker: BackendPool
    ) -> dg.SensorResult:
        project = workplace.project()
        device, _ = maker.chosen()
        states = {s.key: s for kind in _WATCHED for s in kind.states(project, device)}
        seen: dict[str, Any] = json.loads(context.cursor or "{}")
        events: list[Any] = [
            observation(state, state.change(seen[key]) if key in seen else FIRST_SEEN)
            for key, state in states.items()
            if seen.get(key) != state.version and asset_key(key) in known
        ]
        evaluation, problems = check_evaluation(project)
        if seen.get("problems") != problems:
            events.append(evaluation)
        absent = [s for s in states.values() if asset_key(s.key) not in known]
        files = {str(s.shown["file"]) for s in absent if "file" in s.shown}
        new = sorted(file for file in files if (project.root / file).is_file())
        now = {key: s.version for key, s in states.items()} | {"problems": problems}
        return dg.SensorResult(
            asset_events=events,
            cursor=json.dumps(now),
            skip_reason=f"reload definitions to see {', '.join(new)}" if new else None,
        )

    return documents_changed
