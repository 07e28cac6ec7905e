"""What Dagster knows of the graph, read for `refresh.plan`: no run, no model, no pixel.

Dagster's own stale status looks one step up and takes documents as they were last observed. Here
the documents are read as they are, and the requests are built, so that the plan is known at once.
The truth is the same: data versions, code versions and dependencies of latest materializations.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import Any

import dagster as dg

from imgassets.backends.device import choose_device
from imgassets.documents.project import Project
from imgassets.documents.yardstick import check_versions
from imgassets.refresh import estimate, outputs
from imgassets.refresh.extra_seeds import requests_of
from imgassets.refresh.observed.kinds import observed_states
from imgassets.refresh.observed.state import ObservedState
from imgassets.refresh.plan import Asset, Made, Plan, walk
from imgassets.requests import Request, requests_version
from imgassets.storage.image_store import ImageStore
from imgassets.storage.project_home import home_of

#: Dagster's tag of an event's data version.
DATA_VERSION_TAG = "dagster/data_version"
#: The change of what was never observed before.
FIRST_SEEN = "first seen"
_INPUT_TAG = "dagster/input_data_version/"
_FLOWS = {stage: flow for flow, stage in outputs.STAGES.items()}


@dataclass(frozen=True)
class Reader:
    """Reads what planning needs. One of them is good for one plan of one state of the project."""

    project: Project
    graph: Any
    instance: dg.DagsterInstance
    device: str = "auto"

    @cached_property
    def observed(self) -> dict[str, ObservedState]:
        """Documents, drift and the like, as they are now."""
        return observed_states(self.project)

    @cached_property
    def store(self) -> ImageStore:
        return ImageStore(home_of(self.project.root).images)

    @cached_property
    def records(self) -> dict[str, Any]:
        """The latest materialization event of each asset that was made.

        One reported by hand in the UI has no data version, and stands for nothing that was made.
        """
        keys = sorted(self.graph.materializable_asset_keys)
        latest = {
            _text(r.asset_entry.asset_key): r.asset_entry.last_materialization_record
            for r in self.instance.get_asset_records(keys)
        }
        return {
            key: record
            for key, record in latest.items()
            if record is not None and DATA_VERSION_TAG in _tags(record)
        }

    @cached_property
    def requests(self) -> dict[tuple[str, str], list[Request]]:
        """All requests, by endpoint and model."""
        device, _ = choose_device(self.device)
        return {
            (e.endpoint, model): requests_of(self.project, e.endpoint, model, device)
            for e in self.project.usable_endpoints()
            for model in e.models
        }

    @cached_property
    def check_versions(self) -> dict[tuple[str, ...], str]:
        """The version of what each check holds, by endpoint, model, table and check."""
        return {
            (endpoint, model, *check): version
            for endpoint, model in self.requests
            for check, version in check_versions(
                self.project.endpoint(endpoint), model, outputs.STAGES
            ).items()
        }

    def plan(self, wanted: set[dg.AssetKey], tried: Iterable[str] = ()) -> Plan:
        """What is out of date among some assets, and what making it will cost.

        `tried` are those just made, whose failed images are not asked for once more.
        """
        plan = walk(list(self._assets()), self.observed, {_text(key) for key in wanted}, tried)
        missing = estimate.lacking(self._requests_of(plan), self.store)
        seconds, usd = (
            estimate.estimate(missing, self._unit_seconds(), self.project)
            if missing
            else (0.0, 0.0)
        )
        return replace(plan, images=estimate.count(missing), seconds=seconds, usd=usd)

    def observe(self) -> None:
        """Record what changed since it was last observed."""
        for key, state in self.observed.items():
            record = self.instance.get_latest_data_version_record(asset_key(key), is_source=True)
            before = _version(record) if record else None
            if before != state.version:
                change = state.change(before) if before else FIRST_SEEN
                self.instance.report_runless_asset_event(observation(state, change))

    def stale_checks(self, plan: Plan, wanted: set[dg.AssetKey]) -> set[dg.AssetCheckKey]:
        """Checks of assets that are up to date, held against other criteria or another table."""
        keys = [
            key
            for key in self.graph.asset_check_keys
            if key.asset_key in wanted and _text(key.asset_key) not in plan.assets
        ]
        latest = self.instance.event_log_storage.get_latest_asset_check_execution_by_key(keys)
        return {key for key in keys if not self._holds(key, latest.get(key))}

    def _holds(self, key: dg.AssetCheckKey, execution: Any) -> bool:
        evaluation: Any = None
        if execution and execution.event and execution.event.dagster_event:
            evaluation = execution.event.dagster_event.event_specific_data
        target = getattr(evaluation, "target_materialization_data", None)
        if (
            evaluation is None
            or target is None
            or target.storage_id != self.records[_text(key.asset_key)].storage_id
        ):
            return False
        against = evaluation.metadata.get("criteria")
        return against is not None and against.value == self.check_versions.get(
            (*key.asset_key.path, key.name)
        )

    def _assets(self) -> Iterator[Asset]:
        for key in self.graph.toposorted_asset_keys:
            if key in self.graph.materializable_asset_keys:
                yield self._asset(key)

    def _asset(self, key: dg.AssetKey) -> Asset:
        node, text = self.graph.get(key), _text(key)
        record = self.records.get(text)
        stage = key.path[-1]
        mirrored = f"requests_{_FLOWS[stage]}" if stage in _FLOWS else None
        harm, passing = self._condition(key, record) if record else ("", "")
        return Asset(
            text,
            tuple(sorted(_text(parent) for parent in node.parent_keys)),
            node.code_version,
            _made(record) if record else None,
            harm=harm,
            passing=passing,
            predicted=self._predicted(key),
            mirrors=(_text(dg.AssetKey([*key.path[:-1], mirrored])),) if mirrored else (),
            together=tuple(sorted(_text(k) for k in node.execution_set_asset_keys if k != key)),
        )

    def _predicted(self, key: dg.AssetKey) -> str | None:
        stage = key.path[-1]
        if not stage.startswith("requests_"):
            return None
        endpoint, model, _ = key.path
        flow = stage.removeprefix("requests_")
        return requests_version([r for r in self.requests[endpoint, model] if r.flow == flow])

    def _condition(self, key: dg.AssetKey, record: Any) -> tuple[str, str]:
        home = home_of(self.project.root)
        return outputs.condition(home, key.path, _file_sha256(record), self.store)

    def harmed_files(self) -> list[Path]:
        """Tables and verdicts that are not as they were written."""
        home = home_of(self.project.root)
        found = []
        for key, record in self.records.items():
            path, written = home.output(key.split("/")), _file_sha256(record)
            if written and path.is_file() and not outputs.is_as_written(path, written):
                found.append(path)
        return found

    def _requests_of(self, plan: Plan) -> list[Request]:
        """Requests of the image assets in a plan."""
        planned = [key.split("/") for key in plan.assets]
        stages = {
            (e, m, _FLOWS[s]) for e, m, s in (k for k in planned if len(k) == 3) if s in _FLOWS
        }
        return [
            request
            for branch, requests in self.requests.items()
            for request in requests
            if (*branch, request.flow) in stages
        ]

    def _unit_seconds(self) -> dict[tuple[str, str], float]:
        made: dict[tuple[str, str], list[str]] = {}
        for key in self.records:
            *branch, stage = key.split("/")
            if stage in _FLOWS:
                path = home_of(self.project.root).output(key.split("/"))
                made.setdefault((branch[-1], _FLOWS[stage]), []).extend(outputs.image_keys(path))
        return estimate.unit_seconds(self.store, made)


def _made(record: Any) -> Made:
    tags = _tags(record)
    inputs = {k.removeprefix(_INPUT_TAG): v for k, v in tags.items() if k.startswith(_INPUT_TAG)}
    return Made(tags[DATA_VERSION_TAG], tags.get("dagster/code_version"), inputs)


def _tags(record: Any) -> dict[str, str]:
    return record.event_log_entry.asset_materialization.tags or {}


def _file_sha256(record: Any) -> str | None:
    noted = record.event_log_entry.asset_materialization.metadata.get("file_sha256")
    return noted.value if noted else None


def _version(record: Any) -> str | None:
    observed = record.event_log_entry.asset_observation
    return (observed.tags or {}).get(DATA_VERSION_TAG) if observed else None


def _text(key: dg.AssetKey) -> str:
    return key.to_user_string()


def observation(state: ObservedState, change: str) -> dg.AssetObservation:
    """A state as it is now, as an event for Dagster; the state is remembered.

    Args:
        state: what was observed.
        change: what changed in it since it was last observed.
    """
    state.remember()
    return dg.AssetObservation(
        asset_key=asset_key(state.key),
        metadata={**state.shown, "change": change},
        tags={DATA_VERSION_TAG: state.version},
    )


def asset_key(text: str) -> dg.AssetKey:
    """Dagster's key of a plan's."""
    return dg.AssetKey(text.split("/"))


def asset_keys(texts: Iterable[str]) -> list[dg.AssetKey]:
    """Dagster's keys of a plan's."""
    return [asset_key(text) for text in texts]
