"""A contract's pilot is an asset with a check a ceiling, run by a job of its own."""

from __future__ import annotations

from pathlib import Path

import dagster as dg
import pandas as pd

from imgassets.defs.build import build_definitions
from imgassets.defs.jobs import PILOT_JOB, VALIDATE_JOB, VALIDATED
from imgassets.documents.project import load_project
from imgassets.pilot.result import read_pilot
from imgassets.storage.image_store import store_of
from imgassets.storage.project_home import home_of
from imgassets_tests.pilot.projects import TRAFFIC, with_pilot

#: 99 of 100 is a promise that 12 requests cannot show.
PILOT = {
    "requests": 12,
    "flows": {"generate": 4, "edit": 1, "upscale": 1},
    "ceilings": {"p99_seconds": 60, "worst_seconds": 90, "usd_per_image": 1e-9},
}
SLOW = TRAFFIC | {"busiest_hour": 7200}


def test_contracts_without_one_have_no_such_asset_and_no_such_job(project_root: Path) -> None:
    definitions = build_definitions(load_project(project_root))
    assert not [j for j in definitions.jobs or () if j.name == PILOT_JOB]
    keys = {key.to_user_string() for key in definitions.resolve_asset_graph().get_all_asset_keys()}
    assert "cards/prod/pilot" not in keys


def test_validate_makes_no_pilot(project_root: Path) -> None:
    definitions = build_definitions(with_pilot(project_root, PILOT))
    graph = definitions.resolve_asset_graph()
    validated = {key.to_user_string() for key in VALIDATED.resolve(graph)}
    assert "cards/prod/pilot" in {k.to_user_string() for k in graph.get_all_asset_keys()}
    assert "cards/prod/pilot" not in validated
    assert "cards/prod/verdict" in validated
    job = definitions.resolve_job_def(VALIDATE_JOB)
    assert not [node for node in job.graph.node_names() if node.endswith("pilot")]


def test_the_report_follows_the_last_pilots(project_root: Path) -> None:
    graph = build_definitions(with_pilot(project_root, PILOT)).resolve_asset_graph()
    kept = dg.AssetKey(["cards", "fast", "last_pilot"])
    assert kept in graph.get(dg.AssetKey(["cards", "report"])).parent_keys
    assert graph.get(kept).parent_keys == {dg.AssetKey(["cards", "fast", "pilot"])}


def test_the_job_runs_them_and_holds_every_ceiling(project_root: Path) -> None:
    """The served model is the real one; offline images and costs stay as `validate` left them."""
    project = with_pilot(project_root, PILOT, traffic=SLOW)
    definitions = build_definitions(project)
    with dg.DagsterInstance.ephemeral() as instance:
        flows = project.endpoint("cards").flows
        wanted = ["generated", *(f"requests_{flow}" for flow in flows)]
        validated = definitions.resolve_job_def(VALIDATE_JOB)
        assert validated.execute_in_process(
            instance=instance,
            asset_selection=[dg.AssetKey(["cards", "prod", name]) for name in wanted],
        ).success
        home = home_of(project_root)
        before = {p: p.read_bytes() for p in home.folder.rglob("*.parquet")}
        stored = set(store_of(home).keys())
        job = definitions.resolve_job_def(PILOT_JOB)
        run = job.execute_in_process(
            instance=instance, asset_selection=[dg.AssetKey(["cards", "prod", "pilot"])]
        )
    assert run.success
    checks = {e.check_name: e for e in run.get_asset_check_evaluations()}
    assert checks["worst_seconds"].passed
    assert checks["schedule_kept"].passed
    assert (checks["p99_seconds"].passed, checks["p99_seconds"].severity.value) == (False, "WARN")
    assert (checks["usd_per_image"].passed, checks["usd_per_image"].severity.value) == (
        False, "ERROR",
    )  # fmt: skip
    assert checks["same_pixels"].passed
    kept = read_pilot(home.pilot("cards", "prod"))
    assert kept is not None
    generated = [s for r in kept.requests for s in r.steps if s.flow == "generate"]
    assert {step.pixels for step in generated} == {"same"}
    assert all(step.waited is not None for r in kept.requests for step in r.steps)
    assert not any(step.here for r in kept.requests for step in r.steps)
    assert not [row for row in kept.requests if row.failure]
    assert {p: p.read_bytes() for p in home.folder.rglob("*.parquet")} == before
    assert set(store_of(home).keys()) == stored
    assert all("cost" not in str(p) for p in home.pilot("cards", "prod").rglob("*"))
    assert pd.read_parquet(home.output(("cards", "prod", "generated")))["seconds"].notna().all()
