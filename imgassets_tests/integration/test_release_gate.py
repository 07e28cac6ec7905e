"""What depends on a clearance runs after a GO and after nothing else; the report is made anyway."""

from __future__ import annotations

import json
from pathlib import Path

import dagster as dg
import pytest

from imgassets.defs.assets.release_gate import clearance_asset, clearance_check, clearance_key
from imgassets.defs.build import VALIDATE_JOB, build_definitions
from imgassets.defs.io_managers import JsonDocuments
from imgassets.defs.resources import ProjectResource
from imgassets.documents.project import load_project

CLEARANCE = clearance_key("cards", "fast")


def ran(root: Path, verdict: str) -> set[str]:
    """Judge so, run the clearance and a rollout that depends on it; which steps succeeded."""
    contract = load_project(root).endpoint("cards")
    file = root / ".imgassets" / "tables" / "cards" / "fast" / "verdict.json"
    file.parent.mkdir(parents=True, exist_ok=True)
    who = {"endpoint": "cards", "model": "fast", "incumbent": "prod"}
    file.write_text(json.dumps(who | {"verdict": verdict, "sentence": f"{verdict}: because"}))

    @dg.asset(deps=[CLEARANCE])
    def rollout() -> None:
        pass

    judged = dg.AssetSpec(
        ["cards", "fast", "verdict"], metadata={"dagster/io_manager_key": "verdicts"}
    )
    documents = JsonDocuments(workplace=ProjectResource(root=str(root)))
    result = dg.materialize(
        [judged, clearance_asset(contract, "fast"), clearance_check(contract, "fast"), rollout],
        resources={"verdicts": documents, "io_manager": documents},
        raise_on_error=False,
    )
    return {e.step_key for e in result.all_events if e.is_step_success}


def test_a_go_lets_what_follows_run(project_root: Path) -> None:
    assert "rollout" in ran(project_root, "GO")


@pytest.mark.parametrize("verdict", ["NO-GO", "INCONCLUSIVE", "REVIEW"])
def test_anything_else_blocks_it(project_root: Path, verdict: str) -> None:
    done = ran(project_root, verdict)
    assert "clearance__cards__fast" in done  # the verdict is on record
    assert "rollout" not in done


def test_no_report_waits_for_a_clearance_and_validate_leaves_it_out(project_root: Path) -> None:
    definitions = build_definitions(load_project(project_root))
    graph = definitions.resolve_asset_graph()
    upstream = dg.AssetSelection.assets(dg.AssetKey(["cards", "report"])).upstream()
    assert CLEARANCE not in upstream.resolve(graph)
    job = definitions.resolve_job_def(VALIDATE_JOB)
    assert CLEARANCE not in job.asset_layer.executable_asset_keys
    blocking = [k for k in graph.asset_check_keys if graph.get(k).blocking]
    assert [k.asset_key for k in blocking] == [CLEARANCE]
