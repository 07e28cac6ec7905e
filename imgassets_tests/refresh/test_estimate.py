"""Seconds and money come from measured costs, and are unknown where nothing was measured."""

from __future__ import annotations

from pathlib import Path

import pytest
from PIL import Image

from imgassets.documents.project import load_project
from imgassets.refresh.estimate import (
    Surroundings,
    count,
    estimate,
    lacking,
    pace_of,
    unit_seconds,
)
from imgassets.refresh.plan import Plan
from imgassets.requests import build_requests
from imgassets.storage.image_store import ImageStore


def test_from_the_store_to_an_estimate(project_root: Path) -> None:
    project = load_project(project_root)
    store = ImageStore(project_root / "images")
    requests = build_requests(project, "cards", "fast", "cpu")
    assert sum(count(lacking([*requests, *requests], store)).values()) == 14
    first = requests[0]
    store.put(
        first.image_key,
        Image.new("RGB", (4, 4)),
        request=first.inputs,
        seconds=3.0,
        peak_memory_mib=1.0,
        batch_size=1,
        made_at="2026-11-24T00:00:00+00:00",
    )
    missing = lacking(requests, store)
    assert count(missing) == {"generate": 5, "edit": 2, "upscale": 6}
    measured = unit_seconds(store, {("fast", "generate"): [first.image_key]})
    assert measured == {("fast", "generate"): 1.5}  # 3 s in 2 steps
    generated = [r for r in missing if r.flow == "generate"]
    seconds, usd = estimate(generated, measured, project)
    assert seconds == pytest.approx(15.0)
    assert usd == pytest.approx(15.0 * 0.34 / 3600)
    assert estimate(missing, measured, project) == (None, None)


def test_an_unmeasured_model_is_as_fast_a_step_as_the_others(project_root: Path) -> None:
    project = load_project(project_root)
    requests = [r for r in build_requests(project, "cards", "prod", "cpu") if r.flow == "generate"]
    seconds, _ = estimate(requests, {("fast", "generate"): 0.5}, project)
    assert seconds == pytest.approx(6 * 4 * 0.5)


def test_what_is_neither_image_nor_score_takes_time_as_well(project_root: Path) -> None:
    """Starting, imports, checks, a page; a slow machine takes longer; loading is told by model."""
    requests = build_requests(load_project(project_root), "cards", "fast", "cpu")
    nothing = Plan({}, {}, {})
    criteria = Plan(
        dict.fromkeys(["cards/fast/comparison"], ""),
        dict.fromkeys(["cards/fast/verdict", "cards/report"], ""),
        dict.fromkeys(["cards/fast/comparison", "cards/fast/verdict", "cards/report"], ()),
    )
    told = Surroundings(
        start=3, wave=1, asset=0.5, check=0.1, checking=4, making=8, loading=2, scoring=5, report=2
    )
    assert told.seconds(nothing, [], 0, planning=0.5, pace=1.0) == 3.5
    assert told.seconds(nothing, [], 0, planning=0.5, pace=2.0) == 6.5
    # 3 to start, 2 waves, 3 assets and their checks, a report, and 3 plans.
    assert told.seconds(criteria, [], 0, planning=0.5, pace=1.0) == 3 + 2 + 3 + 4 + 2 + 1.5
    assert told.seconds(criteria, [], 10, planning=0.0, pace=1.0) == 3 + 2 + 3 + 4 + 2 + 1
    assert told.seconds(nothing, requests, 0, planning=0.0, pace=1.0) == 3 + 8 + 2
    upscales = [r for r in requests if r.flow == "upscale"]
    assert told.seconds(nothing, upscales, 0, planning=0.0, pace=1.0) == 3
    assert pace_of(0.001) < 1 < pace_of(1000.0) == pace_of(10_000.0)
