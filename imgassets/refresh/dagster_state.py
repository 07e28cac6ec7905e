"""What Dagster knows of the graph, read for `refresh.plan`: no run, no model, no pixel.

Dagster's own stale status looks one step up and takes documents as they were last observed. Here
the documents are read as they are, and the requests are built, so that the plan is known at once.
The truth is the same: data versions, code versions and dependencies of latest materializations.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import Any

import dagster as dg

from imgassets.backends.device import choose_device
from imgassets.defs.asset_checks import criteria_version
from imgassets.defs.assets.documents import DATA_VERSION_TAG, history_of, observation
from imgassets.defs.assets.extra_seeds import more_key, more_observation
from imgassets.defs.assets.revalidation import drift_key, drift_observation
from imgassets.documents.project import Project
from imgassets.drift.revalidation import DriftFile
from imgassets.refresh import estimate, outputs
from imgassets.refresh.document_changes import Facet, FacetHistory, present_facets
from imgassets.refresh.extra_seeds import ExtraSeeds, requests_of
from imgassets.refresh.plan import Asset, Documents, Made, Plan, walk
from imgassets.requests import Request, requests_version
from imgassets.storage.image_store import ImageStore
from imgassets.storage.project_home import home_of

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
    def facets(self) -> dict[str, Facet]:
        """The documents as they are now."""
        return present_facets(self.project)

    @cached_property
    def drift(self) -> DriftFile:
        return DriftFile(home_of(self.project.root).drift)

    @cached_property
    def drifts(self) -> dict[str, str]:
        """Versions of what drifted in each branch, by key."""
        return {_text(drift_key(*b)): self.drift.version(*b) for b in self.requests}

    @cached_property
    def more(self) -> ExtraSeeds:
        return ExtraSeeds.of(self.project.root)

    @cached_property
    def mores(self) -> dict[str, str]:
        """Versions of the seeds added to each branch, by key."""
        return {_text(more_key(*b)): self.more.version(*b) for b in self.requests}

    @cached_property
    def history(self) -> FacetHistory:
        return history_of(self.project.root)

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

    def plan(self, wanted: set[dg.AssetKey], tried: Iterable[str] = ()) -> Plan:
        """What is out of date among some assets, and what making it will cost.

        `tried` are those just made, whose failed images are not asked for once more.
        """
        documents = Documents(
            {key: f.version for key, f in self.facets.items()} | self.drifts | self.mores,
            self._what_changed,
        )
        plan = walk(list(self._assets()), documents, {_text(key) for key in wanted}, tried)
        missing = estimate.lacking(self._requests_of(plan), self.store)
        seconds, usd = (
            estimate.estimate(missing, self._unit_seconds(), self.project)
            if missing
            else (0.0, 0.0)
        )
        return replace(plan, images=estimate.count(missing), seconds=seconds, usd=usd)

    def _what_changed(self, key: str, before: str | None) -> str:
        if key in self.facets:
            return self.history.describe(self.facets[key], before)
        kind, endpoint, model = key.split("/")
        if kind == "more":
            return self.more.words(endpoint, model)
        drifted = len(self.drift.read(endpoint, model))
        return f"images of {model} were made again: {drifted} drifted"

    def observe(self) -> None:
        """Record what changed since it was last observed: documents, drift, added seeds."""
        keys = asset_keys([*self.facets, *self.drifts, *self.mores])
        seen = {
            _text(key): self.instance.get_latest_data_version_record(key, is_source=True)
            for key in keys
        }
        for key, facet in self.facets.items():
            record = seen[key]
            before = _version(record) if record else None
            if before != facet.version:
                event = observation(facet, before, self.history)
                self.instance.report_runless_asset_event(event)
        for branch in self.requests:
            for event in (
                drift_observation(self.drift, *branch),
                more_observation(self.more, *branch),
            ):
                record = seen[_text(event.asset_key)]
                if record is None or _version(record) != event.tags[DATA_VERSION_TAG]:
                    self.instance.report_runless_asset_event(event)

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
        contract = self.project.endpoint(key.asset_key.path[0])
        against = evaluation.metadata.get("criteria")
        return against is not None and against.value == criteria_version(contract)

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


def asset_keys(texts: Sequence[str]) -> list[dg.AssetKey]:
    """Dagster's keys of a plan's."""
    return [dg.AssetKey(text.split("/")) for text in texts]
