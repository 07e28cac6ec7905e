"""State beside the code is observed whatever its kind: in the UI, by the plan, by validation."""

from __future__ import annotations

from pathlib import Path

import dagster as dg
import pytest

from imgassets.defs.build import build_definitions
from imgassets.documents.project import load_project
from imgassets.refresh.document_changes import FacetHistory
from imgassets.refresh.observed import kinds
from imgassets.refresh.observed.kinds import KINDS, observed_states
from imgassets.refresh.observed.state import ObservedKind, ObservedState
from imgassets_tests.conftest import edit_file
from imgassets_tests.integration.small import model_file


def observe(root: Path, definitions: dg.Definitions, *keys: str) -> dg.ExecuteInProcessResult:
    """What the button "Observe" does, by a code location that may be older than the documents."""
    job = definitions.resolve_implicit_global_asset_job_def()
    asset_keys = {dg.AssetKey(key.split("/")) for key in keys}
    return job.get_subset(asset_selection=asset_keys).execute_in_process(raise_on_error=False)


def observed(result: dg.ExecuteInProcessResult) -> set[str]:
    return {
        event.asset_observation_data.asset_observation.asset_key.to_user_string()
        for event in result.all_events
        if event.event_type is dg.DagsterEventType.ASSET_OBSERVATION
    }


def test_each_state_has_a_known_key_and_a_version(project_root: Path) -> None:
    project = load_project(project_root)
    states = observed_states(project)
    described = {key: what for kind in KINDS for key, what in kind.keys(project).items()}
    assert states.keys() == described.keys()
    assert {key.partition("/")[0] for key in states} == {
        kind.name for kind in KINDS if kind.keys(project)
    }
    assert all(state.version and state.change(None) for state in states.values())


def test_every_kind_can_be_observed_by_hand_and_documents_are_remembered(
    project_root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("IMGASSETS_HOME", raising=False)
    project = load_project(project_root)
    keys = (
        "documents/models/fast/price",
        "drift/cards/fast",
        "extra_seeds/cards/prod",
    )
    result = observe(project_root, build_definitions(project), *keys)
    assert result.success
    assert observed(result) == set(keys)
    price = observed_states(project)["documents/models/fast/price"]
    assert FacetHistory.of(project_root).read(price.version)


def test_a_broken_document_keeps_no_other_from_being_observed(project_root: Path) -> None:
    definitions = build_definitions(load_project(project_root))
    edit_file(model_file(project_root, "fast"), "batch_size: 4", "batch_size: four")
    keys = ("documents/models/fast/price", "documents/models/prod/price")
    result = observe(project_root, definitions, *keys)
    assert observed(result) == {keys[1]}
    (failure,) = (e for e in result.all_events if e.is_step_failure)
    assert "contracts/models/fast.yaml:11: batch_size" in str(failure.step_failure_data.error)


def test_a_new_kind_is_one_entry(project_root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    flag = ObservedState("flags/cards", "on", lambda before: f"{before} -> on", {"flag": "on"})
    flags = ObservedKind("flags", lambda _: {"flags/cards": "A flag."}, lambda *_: [flag])
    monkeypatch.setattr(kinds, "KINDS", (*KINDS, flags))
    assert observed_states(load_project(project_root))["flags/cards"] is flag
