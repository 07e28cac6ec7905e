"""A stored image that comes out differently: the job finds it, and the verdict asks for a look."""

from __future__ import annotations

import json
import shutil
from datetime import UTC, datetime, timedelta
from pathlib import Path

import dagster as dg

from imgassets.defs.build import build_definitions
from imgassets.defs.schedules import nightly_revalidate
from imgassets.documents.project import load_project
from imgassets.drift.revalidation import pinned
from imgassets.requests import build_requests
from imgassets.storage.image_store import ImageStore
from imgassets_tests.conftest import edit_file
from imgassets_tests.integration.small import (
    MODELS,
    at_home,
    model_file,
    validated,
    write_small_project,
)


def another_original(root: Path) -> str:
    """Replace a stored image of the pinned sample by its negative, as if it had been made so."""
    store = ImageStore(root / ".imgassets" / "images")
    requests = build_requests(load_project(root), "cards", "fast", "cpu")
    key = pinned([r for r in requests if r.flow == "upscale"], store, 1)[0].image_key
    record, image = store.record(key), store.read(key)
    shutil.rmtree(store.path(key).parent)
    store.put(
        key,
        image.point(lambda level: 255 - level),
        request=record.request,
        seconds=record.seconds,
        peak_memory_mib=record.peak_memory_mib,
        batch_size=record.batch_size,
        made_at=record.made_at,
    )
    return key


def tonight(instance: dg.DagsterInstance, when: datetime) -> dg.ScheduleExecutionData:
    context = dg.build_schedule_context(instance, scheduled_execution_time=when)
    return nightly_revalidate().evaluate_tick(context)


def test_a_night_is_skipped_while_the_last_run_goes_on_but_not_for_a_dead_one(
    tmp_path: Path,
) -> None:
    now = datetime.now(UTC)
    write_small_project(tmp_path)
    with at_home(tmp_path) as instance:
        assert len(tonight(instance, now).run_requests) == 1
        job = build_definitions(load_project(tmp_path)).resolve_job_def("revalidate")
        run = instance.create_run_for_job(job, status=dg.DagsterRunStatus.STARTED)
        skipped = tonight(instance, now)
        assert skipped.run_requests == []
        assert "still going on" in skipped.skip_message
        assert len(tonight(instance, now + timedelta(hours=24)).run_requests) == 1
        instance.report_run_failed(run)
        assert len(tonight(instance, now).run_requests) == 1


def test_a_run_that_dies_half_way_leaves_the_rest_to_the_next(small: Path, tmp_path: Path) -> None:
    shutil.copytree(small, tmp_path, dirs_exist_ok=True)
    another_original(tmp_path)
    model = model_file(tmp_path, "fast")
    edit_file(model, "weights: package:tiny-turbo", "weights: gone")
    with at_home(tmp_path) as instance:
        assert not sample(instance, tmp_path).success
    home = tmp_path / ".imgassets" / "drift" / "cards"
    assert (home / "prod.json").exists()
    assert not (home / "fast.json").exists()
    edit_file(model, "weights: gone", "weights: package:tiny-turbo")
    with at_home(tmp_path) as instance:
        assert sample(instance, tmp_path).success
    assert len(json.loads((home / "fast.json").read_text())) == 1


def sample(instance: dg.DagsterInstance, root: Path) -> dg.ExecuteInProcessResult:
    """One revalidation of one image of each flow."""
    job = build_definitions(load_project(root)).resolve_job_def("revalidate")
    one = {"config": {"images_per_flow": 1}}
    config = {"ops": {f"cards__{model}__revalidation": one for model in MODELS}}
    return job.execute_in_process(run_config=config, instance=instance, raise_on_error=False)


def test_drift_turns_up_in_report_and_verdict(small: Path, tmp_path: Path) -> None:
    shutil.copytree(small, tmp_path, dirs_exist_ok=True)
    key = another_original(tmp_path)
    store = ImageStore(tmp_path / ".imgassets" / "images")
    original = store.read_bytes(key)
    with at_home(tmp_path) as instance:
        assert sample(instance, tmp_path).success
        assert instance.get_latest_data_version_record(
            dg.AssetKey(["drift", "cards", "fast"]), is_source=True
        )
    home = tmp_path / ".imgassets"
    found = json.loads((home / "drift" / "cards" / "fast.json").read_text())
    assert [(d["image_key"], d["flow"], d["largest"]) for d in found] == [(key, "upscale", 255)]
    assert json.loads((home / "drift" / "cards" / "prod.json").read_text()) == []
    assert "1 image(s) drifted" in (home / "drift" / "drift.html").read_text()
    assert store.read_bytes(key) == original

    done = validated(tmp_path)
    again = "images of {} were made again: {} drifted"
    fast, prod = again.format("fast", 1), again.format("prod", 0)
    assert done.planned.must == {
        "cards/prod/verdict": prod,
        "cards/fast/verdict": f"{fast}; {prod}",
        "cards/report": f"{fast}; {prod}",
    }
    assert done.assets == {"cards/prod/verdict", "cards/fast/verdict", "cards/report"}
    page = (home / "reports" / "cards" / "report.html").read_text()
    assert "identical</span>" in page
    assert "different</span>" in page
    verdict = json.loads((home / "tables" / "cards" / "fast" / "verdict.json").read_text())
    assert verdict["review_reasons"][0].startswith("drift of fast: upscale of")
    assert validated(tmp_path).assets == set()
