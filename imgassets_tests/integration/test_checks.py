"""Asset checks of a real validation: their names, their steps, and that none hides a doubt."""

from __future__ import annotations

import shutil
from pathlib import Path

import dagster as dg
import pytest

from imgassets.defs.asset_checks import branch_checks
from imgassets.defs.build import build_definitions
from imgassets.documents.project import load_project
from imgassets_tests.conftest import edit_file
from imgassets_tests.integration.conftest import Finished
from imgassets_tests.integration.small import at_home, validated

FAILURES = {"failures__backend_error", "failures__other"}
#: Checks of a candidate of the small project, by table.
CHECKS = {
    "generated": FAILURES,
    "edited": FAILURES,
    "upscaled": FAILURES,
    "composition": {"generate__composition_correct"},
    "artefacts": {"upscale__artefacts_clean"},
    "cost": {"generate__cost_seconds"},
    "comparison": {
        "generate__composition_correct",
        "generate__typography_exact",
        "upscale__artefacts_clean",
        "generate__cost_seconds",
        *(
            f"{flow}__failures_{mode}"
            for flow in ("generate", "edit", "upscale")
            for mode in ("backend_error", "other")
        ),
    },
    "verdict": {"verdict"},
}


def evaluations(instance: dg.DagsterInstance, model: str) -> dict[tuple[str, str], list]:
    """All evaluations of a model's checks, oldest first, by table and check."""
    found: dict[tuple[str, str], list] = {}
    for record in instance.get_event_records(
        dg.EventRecordsFilter(dg.DagsterEventType.ASSET_CHECK_EVALUATION)
    ):
        evaluation = record.event_log_entry.asset_check_evaluation
        path = evaluation.asset_key.path
        if path[:2] == ["cards", model]:
            found.setdefault((path[2], evaluation.check_name), []).append(evaluation)
    return found


def test_the_names_of_all_checks(project_root: Path) -> None:
    graph = build_definitions(load_project(project_root)).resolve_asset_graph()
    found: dict[str, set[str]] = {}
    for key in graph.asset_check_keys:
        if key.asset_key.path[:2] == ["cards", "fast"]:
            found.setdefault(key.asset_key.path[2], set()).add(key.name)
    assert found == CHECKS


def test_each_table_is_held_in_one_step_that_waits_for_it_alone(project_root: Path) -> None:
    """No check makes a table wait, and none of a metric table waits for the incumbent."""
    definitions = branch_checks(load_project(project_root).endpoint("cards"), "fast")
    held = [list(definition.check_keys) for definition in definitions]
    tables = [{key.asset_key.path[-1] for key in keys} for keys in held]
    assert sorted(tables, key=str) == sorted(({table} for table in CHECKS), key=str)
    graph = build_definitions(load_project(project_root)).resolve_asset_graph()
    for key in (key for keys in held for key in keys):
        assert graph.get(key).parent_entity_keys == {key.asset_key}
        assert not graph.get(key).blocking


@pytest.mark.parametrize(
    ("verdict", "passed", "severity"),
    [
        ("GO", True, dg.AssetCheckSeverity.WARN),
        ("REVIEW", False, dg.AssetCheckSeverity.WARN),
        ("INCONCLUSIVE", False, dg.AssetCheckSeverity.WARN),
        ("NO-GO", False, dg.AssetCheckSeverity.ERROR),
    ],
)
@pytest.mark.parametrize("model", ["prod", "fast"])
def test_only_a_go_is_a_green_verdict(
    project_root: Path, model: str, verdict: str, passed: bool, severity: dg.AssetCheckSeverity
) -> None:
    *_, check = branch_checks(load_project(project_root).endpoint("cards"), model)
    sentence = f"{verdict}: because."
    result = check({"verdict": verdict, "sentence": sentence, "decided_by": ["a"]})
    assert isinstance(result, dg.AssetCheckResult)
    assert (result.passed, result.severity) == (passed, severity)
    assert result.description == sentence


@pytest.mark.parametrize("model", ["prod", "fast"])
def test_no_check_of_the_decision_is_green_beside_inconclusive(
    finished: Finished, model: str
) -> None:
    (verdict,) = (v for v in finished.verdicts if v.model == model)
    assert verdict.verdict == "INCONCLUSIVE"
    made = {key: found[-1] for key, found in evaluations(finished.instance, model).items()}
    shown = made["verdict", "verdict"]
    assert (shown.passed, shown.severity) == (False, dg.AssetCheckSeverity.WARN)
    assert shown.description == verdict.sentence
    states = {c["criterion"]: c["state"] for c in verdict.criteria}
    values = {c["criterion"]: c["value"] for c in verdict.criteria}
    decided = {name: e for (table, name), e in made.items() if table == "comparison"}
    for name, evaluation in decided.items():
        assert evaluation.passed is (states[name] == "passed")
        assert evaluation.metadata["state"].value == states[name]
        if values[name] is not None:  # what was measured, and not how far it is from the incumbent
            assert evaluation.metadata["observed"].value == pytest.approx(values[name])
        if states[name] == "undecided":
            assert evaluation.severity == dg.AssetCheckSeverity.WARN
            assert "he decision is open: " in evaluation.description
    gating = {c["criterion"] for c in verdict.criteria if c["severity"] == "gating"}
    assert {name for name in gating if states[name] == "undecided"} <= set(decided)
    for (table, _), evaluation in made.items():
        if table not in ("comparison", "verdict"):
            assert "Error bars are not judged here but at `comparison`" in evaluation.description
            assert evaluation.metadata["decided_at"].value.path[-1] == "comparison"


def test_a_changed_limit_makes_the_checks_it_touches_again(small: Path, tmp_path: Path) -> None:
    """And all of what was made anew because of it: the comparison and the verdict."""
    shutil.copytree(small, tmp_path, dirs_exist_ok=True)
    with at_home(tmp_path) as instance:
        before = {key: len(found) for key, found in evaluations(instance, "fast").items()}
    contract = tmp_path / "contracts/endpoints/cards.yaml"
    edit_file(contract, "floor: 0.5}", "floor: 0.6}")
    validated(tmp_path)
    with at_home(tmp_path) as instance:
        after = {key: len(found) for key, found in evaluations(instance, "fast").items()}
    again = {key for key in after if after[key] > before[key]}
    assert {key for key in again if key[0] not in ("comparison", "verdict")} == {
        ("artefacts", "upscale__artefacts_clean")
    }
    assert {name for table, name in again if table == "comparison"} == CHECKS["comparison"]
