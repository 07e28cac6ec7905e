"""The small project made smaller still, and how to count what a validation did to it."""

from __future__ import annotations

import json
import os
import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path

import dagster as dg
import pandas as pd

from imgassets.defs.headless import plan, validate
from imgassets.documents.project import load_project
from imgassets.flows import FLOWS
from imgassets.refresh.dagster_runs import open_instance
from imgassets.refresh.plan import Plan
from imgassets.refresh.selection import Selection
from imgassets.storage.image_store import ImageStore
from imgassets_tests.conftest import edit_file, write_project

MODELS = ("prod", "fast")


def write_small_project(root: Path) -> None:
    """As `write_project`, with one or two steps and the filter upscaler: seconds, not minutes."""
    write_project(root)
    for name, steps in (("prod", 4), ("fast", 2)):
        path = model_file(root, name)
        edit_file(path, f"steps: {steps}", f"steps: {steps // 2}")
        edit_file(
            path, 'kind: compact, scale: 2, weights: "package:tiny-x2"', "kind: lanczos, scale: 2"
        )


def model_file(root: Path, name: str) -> Path:
    return root / "contracts" / "models" / f"{name}.yaml"


@dataclass(frozen=True)
class Done:
    """What one validation planned and did."""

    planned: Plan
    images: dict[str, int]
    assets: set[str]
    checks: int
    scores: int


@contextmanager
def at_home(root: Path) -> Iterator[dg.DagsterInstance]:
    """The project's own Dagster instance."""
    before = os.environ.get("DAGSTER_HOME")
    os.environ["DAGSTER_HOME"] = str(root / ".imgassets" / "dagster")
    try:
        with open_instance(root) as instance:
            yield instance
    finally:
        os.environ.pop("DAGSTER_HOME")
        if before is not None:
            os.environ["DAGSTER_HOME"] = before


def validated(root: Path) -> Done:
    """Plan, validate, and count images made and assets materialized."""
    store = ImageStore(root / ".imgassets" / "images")
    with at_home(root) as instance:
        images_before, assets_before = set(store.keys()), _materializations(instance)
        checks_before, scores_before = _check_runs(instance), scores_kept(root)
        planned = plan(load_project(root), instance, Selection())
        validate(load_project(root), instance, Selection())
        made = [store.record(key).request["flow"] for key in set(store.keys()) - images_before]
        now = _materializations(instance)
        return Done(
            planned,
            {flow: made.count(flow) for flow in FLOWS},
            {key for key in now if now[key] != assets_before.get(key)},
            len(_check_runs(instance) - checks_before),
            scores_kept(root) - scores_before,
        )


def scores_kept(root: Path) -> int:
    """How many images were scored, once for each family."""
    file = root / ".imgassets" / "scores.sqlite"
    if not file.is_file():
        return 0
    with closing(sqlite3.connect(file)) as database:
        return int(database.execute("SELECT count(*) FROM scores").fetchone()[0])


def _materializations(instance: dg.DagsterInstance) -> dict[str, int]:
    entries = [record.asset_entry for record in instance.get_asset_records()]
    return {
        e.asset_key.to_user_string(): e.last_materialization_record.storage_id
        for e in entries
        if e.last_materialization_record
    }


def _check_runs(instance: dg.DagsterInstance) -> set[tuple[str, str, str]]:
    runs = set()
    for record in instance.get_event_records(
        dg.EventRecordsFilter(dg.DagsterEventType.ASSET_CHECK_EVALUATION)
    ):
        entry = record.event_log_entry
        evaluation = entry.dagster_event.event_specific_data
        runs.add((str(evaluation.asset_key), evaluation.check_name, entry.run_id))
    return runs


#: Measured when an image was made, so they differ between any two runs.
MEASURED = ["seconds", "peak_memory_mib", "batch_size"]


def same_tables(root: Path, other: Path) -> bool:
    """Whether all tables and verdicts of two projects are equal, but for what was measured."""
    mine, theirs = (r / ".imgassets" / "tables" for r in (root, other))
    names = _tables(mine)
    return names == _tables(theirs) and all(
        _content(mine / name) == _content(theirs / name) for name in names
    )


def _tables(folder: Path) -> set[str]:
    """All files but what a killed process left half written."""
    return {str(p.relative_to(folder)) for p in folder.rglob("[!.]*.*")}


def _content(path: Path) -> str:
    if path.suffix == ".json":
        return json.loads(path.read_text())["verdict"]
    table = pd.read_parquet(path).drop(columns=MEASURED, errors="ignore")
    if "metric" in table:
        table = table[~table["metric"].str.startswith("cost.")]
    return table.to_json()
