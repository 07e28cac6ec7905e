"""Another torch or device makes requests stale; the nightly job does just what the plan says."""

from __future__ import annotations

import shutil
from pathlib import Path

import dagster as dg
import pytest

from imgassets.defs.build import build_definitions
from imgassets.defs.headless import plan
from imgassets.documents.project import load_project
from imgassets.refresh.dagster_state import DagsterState
from imgassets.refresh.observed import environment
from imgassets.refresh.observed.kinds import observed_states
from imgassets.refresh.selection import Selection
from imgassets_tests.conftest import edit_file
from imgassets_tests.integration.small import at_home, validated

REQUESTS = {
    f"cards/{model}/requests_{flow}"
    for model in ("prod", "fast")
    for flow in ("generate", "edit", "upscale")
}


def test_another_torch_makes_requests_stale_for_plan_and_automation(
    small: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Where the images asked for stay the same, nothing is made but the requests."""
    shutil.copytree(small, tmp_path, dirs_exist_ok=True)
    definitions = build_definitions(load_project(tmp_path))
    with at_home(tmp_path) as instance:
        before = dg.evaluate_automation_conditions(definitions, instance)
        monkeypatch.setattr(environment, "environment_words", lambda device: f"{device}, torch 99")
        planned = plan(load_project(tmp_path), instance, Selection())
        assert planned.must.keys() == REQUESTS
        assert all(
            "images are made on cpu, torch 99, before on" in w for w in planned.must.values()
        )
        known = DagsterState(definitions.resolve_asset_graph(), instance)
        known.observe(observed_states(load_project(tmp_path)).values())
        after = dg.evaluate_automation_conditions(definitions, instance, cursor=before.cursor)
        asked = {r.key.to_user_string() for r in after.results if r.true_subset.size}
        assert asked == REQUESTS
    assert validated(tmp_path).assets == REQUESTS


def test_the_nightly_job_does_what_the_plan_says(small: Path, tmp_path: Path) -> None:
    shutil.copytree(small, tmp_path, dirs_exist_ok=True)
    edit_file(tmp_path / "contracts" / "endpoints" / "cards.yaml", "floor: 0.1", "floor: 0.9")
    project = load_project(tmp_path)
    with at_home(tmp_path) as instance:
        must = plan(project, instance, Selection()).must
        job = build_definitions(project).resolve_job_def("catch_up")
        assert job.execute_in_process(instance=instance).success
        runs = instance.get_runs(dg.RunsFilter(job_name="validate"), limit=1)
        assert {key.to_user_string() for key in runs[0].asset_selection or ()} <= {
            *must,
            "cards/prod/verdict",
            "cards/fast/verdict",
            "cards/report",
        }
        assert not plan(project, instance, Selection()).assets
