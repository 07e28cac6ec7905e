"""What Dagster knows of the graph, in this package's words: no run, no model, no pixel.

The only module that reads Dagster's own tables, tags and properties of its classes that are not
documented; `imgassets.refresh.dagster_runs` has those that starting and ending runs needs. The
test `imgassets_tests/refresh/test_dagster_canary.py` names and uses each of them.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import dagster as dg

from imgassets.documents.yardstick import VERSION_METADATA
from imgassets.refresh.observed.state import ObservedState
from imgassets.refresh.plan import Asset, Made

#: Tags of events: the data version, the code version, and the data version of each input.
DATA_VERSION_TAG = "dagster/data_version"
_CODE_VERSION_TAG = "dagster/code_version"
_INPUT_TAG = "dagster/input_data_version/"
#: The change of what was never observed before.
FIRST_SEEN = "first seen"


@dataclass(frozen=True)
class DagsterState:
    """What was made and observed; good for one look, since everything is read once.

    Attributes:
        graph: Dagster's graph of assets, of the documents as they are.
        instance: where Dagster keeps what happened.
    """

    graph: Any
    instance: dg.DagsterInstance

    def assets(self) -> list[Asset]:
        """All assets that a run makes, parents before children."""
        made = self.graph.materializable_asset_keys
        return [self._asset(key) for key in self.graph.toposorted_asset_keys if key in made]

    def _asset(self, key: dg.AssetKey) -> Asset:
        node, text = self.graph.get(key), asset_text(key)
        record = self._records.get(text)
        return Asset(
            text,
            tuple(sorted(map(asset_text, node.parent_keys))),
            node.code_version,
            _made(record) if record else None,
            together=tuple(sorted(asset_text(k) for k in node.execution_set_asset_keys - {key})),
        )

    @cached_property
    def _records(self) -> dict[str, Any]:
        """The latest materialization event of each asset that was made.

        One reported by hand in the UI has no data version, and stands for nothing that was made.
        """
        keys = sorted(self.graph.materializable_asset_keys)
        latest = {
            asset_text(r.asset_entry.asset_key): r.asset_entry.last_materialization_record
            for r in self.instance.get_asset_records(keys)
        }
        return {
            key: record
            for key, record in latest.items()
            if record is not None and DATA_VERSION_TAG in _tags(record)
        }

    def observe(self, states: Iterable[ObservedState]) -> None:
        """Record what changed since it was last observed."""
        for state in states:
            before = self._last_observed(state.key)
            if before != state.version:
                change = state.change(before) if before else FIRST_SEEN
                self.instance.report_runless_asset_event(observation(state, change))

    def _last_observed(self, key: str) -> str | None:
        record = self.instance.get_latest_data_version_record(asset_key(key), is_source=True)
        event = record.event_log_entry.asset_observation if record else None
        return (event.tags or {}).get(DATA_VERSION_TAG) if event else None

    def outdated_checks(
        self, assets: set[str], versions: Mapping[tuple[str, str], str]
    ) -> set[dg.AssetCheckKey]:
        """Checks of some assets that were made of another table, or against other criteria.

        Args:
            assets: their keys; all of them were made.
            versions: of what each check holds them to, by asset and name of the check.
        """
        keys = [k for k in self.graph.asset_check_keys if asset_text(k.asset_key) in assets]
        latest = self.instance.event_log_storage.get_latest_asset_check_execution_by_key(keys)
        return {
            key
            for key in keys
            if not self._holds(
                latest.get(key), text := asset_text(key.asset_key), versions.get((text, key.name))
            )
        }

    def _holds(self, execution: Any, asset: str, version: str | None) -> bool:
        evaluation: Any = None
        if execution and execution.event and execution.event.dagster_event:
            evaluation = execution.event.dagster_event.event_specific_data
        target = getattr(evaluation, "target_materialization_data", None)
        if target is None or target.storage_id != self._records[asset].storage_id:
            return False
        against = evaluation.metadata.get(VERSION_METADATA)
        return against is not None and against.value == version


def _made(record: Any) -> Made:
    tags, metadata = _tags(record), record.event_log_entry.asset_materialization.metadata
    inputs = {k.removeprefix(_INPUT_TAG): v for k, v in tags.items() if k.startswith(_INPUT_TAG)}
    written = metadata.get("file_sha256")
    return Made(
        tags[DATA_VERSION_TAG],
        tags.get(_CODE_VERSION_TAG),
        inputs,
        written.value if written else None,
        record.timestamp,
    )


def _tags(record: Any) -> dict[str, str]:
    return record.event_log_entry.asset_materialization.tags or {}


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


def asset_text(key: dg.AssetKey) -> str:
    """A plan's key of Dagster's."""
    return key.to_user_string()
