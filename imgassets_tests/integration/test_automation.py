"""Documents are noticed as they change, a broken one stops nothing, and branches keep in step."""

from __future__ import annotations

import shutil
from pathlib import Path

import dagster as dg

from imgassets.defs.build import build_definitions
from imgassets.defs.resources import BackendPool, ProjectResource
from imgassets.documents.project import Project, load_project
from imgassets.refresh.dagster_state import DagsterState
from imgassets.refresh.document_changes import present_facets
from imgassets.refresh.observed.kinds import observed_states
from imgassets_tests.conftest import edit_file
from imgassets_tests.integration.small import at_home, model_file


def tick(root: Path, cursor: str | None = None, loaded: Project | None = None) -> dg.SensorResult:
    """What the sensor of a code location says of the documents now; `loaded` is what it knows."""
    repository = build_definitions(loaded or load_project(root)).get_repository_def()
    resources = {"workplace": ProjectResource(root=str(root)), "maker": BackendPool()}
    with (
        dg.DagsterInstance.ephemeral() as instance,
        dg.build_sensor_context(
            instance=instance, cursor=cursor, repository_def=repository, resources=resources
        ) as context,
    ):
        return repository.get_sensor_def("documents_changed").evaluate_tick(context)


def observed(data: dg.SensorResult) -> list[str]:
    return [
        event.asset_key.to_user_string()
        for event in data.asset_events
        if isinstance(event, dg.AssetObservation)
    ]


def test_the_sensor_observes_what_changed_and_only_once(project_root: Path) -> None:
    first = tick(project_root)
    assert len([key for key in observed(first) if key.startswith("documents/")]) == 18
    assert observed(first)[-3:] == ["environment", "labels/cards", "calibrations/cards"]
    assert observed(tick(project_root, first.cursor)) == []

    edit_file(model_file(project_root, "fast"), "usd_per_hour: 0.34", "usd_per_hour: 0.5")
    second = tick(project_root, first.cursor)
    assert observed(second) == ["documents/models/fast/price"]
    change = second.asset_events[0].metadata["change"].value
    assert change == "contracts/models/fast.yaml:12: price.usd_per_hour: 0.34 -> 0.5"


def test_what_the_code_location_does_not_know_is_told_by_its_files(project_root: Path) -> None:
    """The environment comes with the first usable endpoint, and is in no file."""
    contract = project_root / "contracts" / "endpoints" / "cards.yaml"
    aside = contract.rename(project_root / "cards.yaml")
    without = load_project(project_root)
    aside.rename(contract)
    result = tick(project_root, loaded=without)
    assert result.skip_message == "reload definitions to see contracts/endpoints/cards.yaml"


def test_a_broken_document_is_one_failed_check_and_stops_nothing_else(project_root: Path) -> None:
    contract = project_root / "contracts" / "endpoints" / "cards.yaml"
    alone = contract.read_text().replace("endpoint: cards", "endpoint: alone")
    alone = alone.replace("candidates: [fast]", "candidates: []")
    contract.with_name("alone.yaml").write_text(alone)
    cursor = tick(project_root).cursor
    edit_file(model_file(project_root, "fast"), "batch_size: 4", "batch_size: four")

    result = tick(project_root, cursor)
    evaluations = [e for e in result.asset_events if isinstance(e, dg.AssetCheckEvaluation)]
    assert [e.passed for e in evaluations] == [False]
    assert "contracts/models/fast.yaml:11: batch_size" in str(evaluations[0].description)
    assert observed(result) == []

    definitions = build_definitions(load_project(project_root))
    keys = {k.to_user_string() for k in definitions.resolve_asset_graph().get_all_asset_keys()}
    assert "alone/report" in keys
    assert "cards/report" not in keys
    check = definitions.resolve_implicit_global_asset_job_def().get_subset(
        asset_check_selection={
            dg.AssetCheckKey(dg.AssetKey(["documents", "all"]), "every_document_is_valid")
        }
    )
    done = check.execute_in_process(raise_on_error=False)
    assert done.success
    assert [e.passed for e in done.get_asset_check_evaluations()] == [False]


def test_missing_weights_stop_nothing_else(project_root: Path) -> None:
    cursor = tick(project_root).cursor
    fast = model_file(project_root, "fast")
    edit_file(fast, "weights: package:tiny-turbo", "weights: models/gone")
    edit_file(model_file(project_root, "prod"), "usd_per_hour: 0.34", "usd_per_hour: 0.5")

    result = tick(project_root, cursor)
    assert observed(result) == ["documents/models/prod/price"]
    evaluations = [e for e in result.asset_events if isinstance(e, dg.AssetCheckEvaluation)]
    assert [e.passed for e in evaluations] == [False]
    assert "models/gone" in str(evaluations[0].description)
    facets = present_facets(load_project(project_root))
    assert not [key for key in facets if key.startswith("documents/models/fast/")]


def test_the_switch_is_off_and_asks_for_what_a_changed_threshold_touches(
    small: Path, tmp_path: Path
) -> None:
    shutil.copytree(small, tmp_path, dirs_exist_ok=True)
    definitions = build_definitions(load_project(tmp_path))
    switch = definitions.get_repository_def().get_sensor_def("keep_in_step")
    assert switch.default_status is dg.DefaultSensorStatus.STOPPED
    with at_home(tmp_path) as instance:
        before = dg.evaluate_automation_conditions(definitions, instance)
        assert before.total_requested == 0
        edit_file(tmp_path / "contracts" / "endpoints" / "cards.yaml", "floor: 0.1", "floor: 0.9")
        known = DagsterState(definitions.resolve_asset_graph(), instance)
        known.observe(observed_states(load_project(tmp_path)).values())
        after = dg.evaluate_automation_conditions(definitions, instance, cursor=before.cursor)
        asked = {r.key.to_user_string() for r in after.results if r.true_subset.size}
        assert asked == {"cards/prod/comparison", "cards/fast/comparison"}
        again = dg.evaluate_automation_conditions(definitions, instance, cursor=after.cursor)
        assert again.total_requested == 0
