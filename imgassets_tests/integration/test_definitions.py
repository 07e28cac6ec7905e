"""The graph's shape, and that loading it imports nothing heavy."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import dagster as dg

from imgassets.defs.build import build_definitions
from imgassets.documents.project import load_project

ROOT = Path(__file__).parents[2]
HEAVY = ("torch", "diffusers", "transformers", "great_expectations", "cv2", "skimage", "matplotlib")


def test_the_branch_of_a_model(project_root: Path) -> None:
    graph = build_definitions(load_project(project_root)).resolve_asset_graph()
    keys = {"/".join(key.path) for key in graph.get_all_asset_keys()}
    assert {k for k in keys if k.startswith("cards/fast/")} == {
        f"cards/fast/{stage}"
        for stage in (
            "requests_generate",
            "requests_edit",
            "requests_upscale",
            "generated",
            "edited",
            "upscaled",
            "composition",
            "typography",
            "artefacts",
            "edit_stability",
            "upscaling",
            "look",
            "cost",
            "comparison",
            "verdict",
            "revalidation",
        )
    }
    assert "cards/report" in keys
    assert "documents/endpoints/cards/criteria" in keys
    comparison = graph.get(dg.AssetKey(["cards", "fast", "comparison"]))
    assert dg.AssetKey(["cards", "prod", "composition"]) in comparison.parent_keys


def test_a_threshold_touches_no_image(project_root: Path) -> None:
    graph = build_definitions(load_project(project_root)).resolve_asset_graph()
    criteria = dg.AssetKey(["documents", "endpoints", "cards", "criteria"])
    below = {
        "/".join(k.path) for k in dg.AssetSelection.assets(criteria).downstream().resolve(graph)
    }
    assert below - {"documents/endpoints/cards/criteria"} == {
        "cards/prod/comparison",
        "cards/prod/verdict",
        "cards/fast/comparison",
        "cards/fast/verdict",
        "cards/report",
    }


def test_image_assets_wait_in_the_gpu_pool(project_root: Path) -> None:
    graph = build_definitions(load_project(project_root)).resolve_asset_graph()
    for stage in ("generated", "edited", "upscaled"):
        assert graph.get(dg.AssetKey(["cards", "prod", stage])).pools == {"gpu"}


def test_loading_the_code_location_imports_nothing_heavy() -> None:
    code = (
        "import sys, imgassets.definitions as d; d.defs.resolve_asset_graph();"
        f"print([m for m in {HEAVY!r} if m in sys.modules])"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=ROOT
    )
    assert done.stdout.strip() == "[]"


def test_planning_imports_no_more_than_it_needs(tmp_path: Path) -> None:
    """It answers in seconds because it leaves these out."""
    code = (
        "import sys; from imgassets.cli.main import main; main(['plan', '--json']);"
        f"print([m for m in {(*HEAVY, 'pandas', 'scipy', 'skimage')!r} if m in sys.modules])"
    )
    done = subprocess.run(
        [sys.executable, "-c", code],
        capture_output=True,
        text=True,
        check=True,
        cwd=ROOT,
        env=os.environ | {"IMGASSETS_HOME": str(tmp_path), "DAGSTER_HOME": str(tmp_path / "d")},
    )
    assert done.stdout.splitlines()[-1] == "[]"


def test_definitions_validate_with_dagsters_own_command(tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "dagster", "definitions", "validate"],
        capture_output=True,
        text=True,
        check=False,
        cwd=ROOT,
        env=os.environ | {"DAGSTER_HOME": str(tmp_path), "DAGSTER_DISABLE_TELEMETRY": "1"},
    )
    assert done.returncode == 0, done.stderr[-2000:]


def test_there_is_a_nightly_schedule() -> None:
    defs = build_definitions(load_project(ROOT))
    repository = defs.get_repository_def()
    names = {s.name for s in repository.schedule_defs}
    assert {s.name: s.job_name for s in repository.schedule_defs} == {
        "nightly_catch_up": "catch_up",
        "nightly_revalidate": "revalidate",
    }
    assert {s.execution_timezone for s in repository.schedule_defs} == {"UTC"}
    assert names == {"nightly_catch_up", "nightly_revalidate"}


def test_no_check_blocks_so_that_a_no_go_reaches_its_report(project_root: Path) -> None:
    graph = build_definitions(load_project(project_root)).resolve_asset_graph()
    assert graph.asset_check_keys
    assert not [key for key in graph.asset_check_keys if graph.get(key).blocking]


def test_every_asset_lies_in_a_group_with_a_whole_name(project_root: Path) -> None:
    graph = build_definitions(load_project(project_root)).resolve_asset_graph()
    groups: dict[str, set[str]] = {}
    for key in graph.get_all_asset_keys():
        groups.setdefault(graph.get(key).group_name, set()).add(key.path[-1])
    branch = {"requests_generate", "generated", "composition", "comparison", "verdict"}
    assert groups.keys() == {"inputs", "cards_by_fast", "cards_by_prod", "cards_report"}
    assert branch | {"revalidation"} <= groups["cards_by_fast"]
    assert groups["cards_report"] == {"report"}
    assert {"all", "environment", "criteria", "price", "prompts"} <= groups["inputs"]


def test_kinds_tags_and_links_tell_what_an_asset_is(project_root: Path) -> None:
    graph = build_definitions(load_project(project_root)).resolve_asset_graph()
    generated = graph.get(dg.AssetKey(["cards", "fast", "generated"]))
    assert generated.kinds == {"image"}
    who = {"endpoint": "cards", "model": "fast", "role": "candidate", "flow": "generate"}
    assert who.items() <= generated.tags.items()
    assert graph.get(dg.AssetKey(["cards", "prod", "verdict"])).tags["role"] == "incumbent"
    assert graph.get(dg.AssetKey(["drift", "cards", "fast"])).tags["state"] == "drift"
    links = generated.metadata["dagster/code_references"].code_references
    assert [Path(link.file_path).name for link in links] == [
        "cards.yaml",
        "fast.yaml",
        "branches.py",
    ]


def test_the_walk_from_the_environment_to_drift_and_verdict(project_root: Path) -> None:
    graph = build_definitions(load_project(project_root)).resolve_asset_graph()
    branch = ["cards", "fast"]
    assert (
        dg.AssetKey("environment") in graph.get(dg.AssetKey([*branch, "requests_edit"])).parent_keys
    )
    drift = dg.AssetKey(["drift", *branch])
    assert graph.get(drift).parent_keys == {dg.AssetKey([*branch, "revalidation"])}
    read = graph.get(dg.AssetKey([*branch, "verdict"])).parent_keys
    assert {drift, dg.AssetKey(["extra_seeds", *branch])} <= read


def test_only_validated_assets_are_planned(project_root: Path) -> None:
    definitions = build_definitions(load_project(project_root))
    graph, job = definitions.resolve_asset_graph(), definitions.resolve_job_def("validate")
    apart = graph.materializable_asset_keys - job.asset_layer.executable_asset_keys
    assert {key.path[-1] for key in apart} == {"revalidation"}
