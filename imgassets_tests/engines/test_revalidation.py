"""The nightly revalidation has the engine's workers make its images, and finds the same drift."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import dagster as dg
import pytest
from PIL import Image

from imgassets.backends.generation import make_images
from imgassets.defs.build import build_definitions
from imgassets.defs.jobs import REVALIDATE_JOB
from imgassets.documents.project import load_project
from imgassets.drift.reproducibility import made_again
from imgassets.drift.revalidation import remake
from imgassets.engines.making import Spread
from imgassets.engines.processes import Processes
from imgassets.engines.team import Team
from imgassets.engines.worker import versions_here
from imgassets.storage.image_store import ImageStore
from imgassets_tests.engines import through_dagster
from imgassets_tests.engines.painting import FAILS, ORDER, Painters, painted, request
from imgassets_tests.integration.small import at_home


@pytest.fixture
def spread() -> Iterator[Spread]:
    crew = Painters(2, "cpu")
    yield Spread(Team(crew, 2, versions_here()), ORDER)
    crew.close()


def test_workers_find_the_drift_that_this_process_finds(spread: Spread, tmp_path: Path) -> None:
    store = ImageStore(tmp_path / "images")
    requests = [request(seed) for seed in range(9)]
    make_images(requests[1:], store, painted, batch_size=4, progress=lambda *_: None)
    first = Image.new("RGB", (4, 4), (7, 0, 0))  # a painter makes a black one
    store.put(requests[0].image_key, first, request={}, made_at="2026-11-27T00:00:00+00:00")
    here, there = (remake(requests, store, by, tmp_path / "d") for by in (painted, spread))
    assert here == there
    assert [(drift.seed, drift.largest) for drift in there[0]] == [(0, 7)]


def test_outcomes_come_in_the_order_of_the_requests(spread: Spread, tmp_path: Path) -> None:
    requests = [request(seed, 0.3 if seed < 4 else 0.0) for seed in (*range(8), FAILS)]
    found = made_again(requests, ImageStore(tmp_path), spread)
    assert [o.image and o.image.getpixel((0, 0)) for o in found] == [
        *((seed, seed, seed) for seed in range(8)),
        None,
    ]


def test_the_job_has_the_engine_make_the_images(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    root = through_dagster.write(tmp_path / "p", seeds=1)
    monkeypatch.delenv("IMGASSETS_HOME", raising=False)
    monkeypatch.setenv("IMGASSETS_PROJECT", str(root))
    through_dagster.make(root)
    started: list[int] = []
    start = Processes.start
    monkeypatch.setattr(
        Processes, "start", lambda crew, place: (started.append(place), start(crew, place))[1]
    )
    monkeypatch.setenv("IMGASSETS_ENGINE", "local:2")
    job = build_definitions(load_project(root)).resolve_job_def(REVALIDATE_JOB)
    branch = dg.AssetKey(["cards", "fast", "revalidation"])
    with at_home(root) as instance:
        done = job.execute_in_process(instance=instance, asset_selection=[branch])
    assert done.success
    assert started == [0], "a batch after another, by the worker that has the pipeline loaded"
    home = root / ".imgassets/drift/cards"
    assert json.loads((home / "fast.json").read_text()) == []
    repeated = json.loads((home / "fast.repetitions.json").read_text())
    assert {(r["flow"], r["failed"], r["different"]) for r in repeated} == {
        ("generate", 0, 0),
        ("edit", 0, 0),
    }
