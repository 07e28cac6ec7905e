"""The main job, end to end, on the embedded models: from contract to verdict and report."""

from __future__ import annotations

import json

import dagster as dg
import pytest

from imgassets.cli.main import main
from imgassets.defs.headless import validate
from imgassets.documents.project import load_project
from imgassets.refresh.selection import Selection
from imgassets.storage.image_store import ImageStore
from imgassets_tests.integration.conftest import Finished


def test_every_branch_ends_in_a_verdict(finished: Finished) -> None:
    assert [(v.endpoint, v.model) for v in finished.verdicts] == [
        ("cards", "prod"),
        ("cards", "fast"),
    ]
    for verdict in finished.verdicts:
        assert verdict.sentence.startswith(verdict.verdict)
        metrics = {c["metric"] for c in verdict.criteria}
        assert {"composition.correct", "artefacts.clean", "cost.seconds"} <= metrics
        for criterion in verdict.criteria:
            assert {"metric", "value", "passed", "reason"} <= set(criterion)


def test_images_are_in_the_store_with_their_request(finished: Finished) -> None:
    store = ImageStore(finished.root / ".imgassets" / "images")
    table = finished.table("cards", "prod", "generated")
    assert (table["status"] == "ok").all()
    for row in table.itertuples():
        image, record = store.read(row.image_key), store.record(row.image_key)
        assert image.size == (96, 96)
        assert record.request["seed"] == row.seed
        assert record.request["prompt"].endswith("on white") or row.prompt_id == "word"
    upscaled = finished.table("cards", "prod", "upscaled")
    assert (upscaled["width"] == 192).all()
    assert len(finished.table("cards", "prod", "edited")) == 2


def test_metric_tables_are_tidy_and_judge_only_what_is_asked(finished: Finished) -> None:
    composition = finished.table("cards", "prod", "composition")
    assert set(composition["metric"]) == {
        "composition.correct",
        "composition.size",
        "composition.background",
    }
    assert "word" not in set(composition["prompt_id"])
    typography = finished.table("cards", "prod", "typography")
    assert set(typography["prompt_id"]) == {"word"}
    assert set(typography["flow"]) == {"generate", "upscale"}
    cost = finished.table("cards", "fast", "cost")
    assert (cost["value"] > 0).all()
    wrong = composition[(composition["metric"] == "composition.correct") & (composition.value == 0)]
    assert (wrong["reason"].str.len() > 0).all()


def test_the_report_is_one_file_that_names_the_verdict(finished: Finished) -> None:
    folder = finished.root / ".imgassets" / "reports" / "cards"
    html = (folder / "report.html").read_text()
    assert "http://" not in html.replace("http://www.w3.org", "")
    assert "https://" not in html
    assert all(v.verdict in html for v in finished.verdicts)
    document = json.loads((folder / "report.json").read_text())
    assert document["provenance"]["models"]["prod"]["generator"]
    assert (folder / "junit.xml").exists()
    assert "cards" in (folder / "summary.md").read_text()


def test_criteria_show_up_as_asset_checks_with_their_rows(finished: Finished) -> None:
    records = finished.instance.event_log_storage.get_asset_check_execution_history(
        dg.AssetCheckKey(
            dg.AssetKey(["cards", "prod", "composition"]), "generate__composition_correct"
        ),
        limit=5,
    )
    assert records
    evaluation = records[0].event.dagster_event.asset_check_evaluation_data
    assert {"expected", "observed", "evaluated_rows", "unexpected_rows"} <= set(evaluation.metadata)
    correct = finished.table("cards", "prod", "composition")
    correct = correct[(correct.metric == "composition.correct") & (correct.flow == "generate")]
    mean = correct.groupby("prompt_id")["value"].mean().mean()
    assert evaluation.metadata["observed"].value == pytest.approx(mean)
    if mean < 1:
        assert "|" in evaluation.metadata["unexpected_rows"].value


def test_image_assets_carry_a_contact_sheet(finished: Finished) -> None:
    event = finished.instance.get_latest_materialization_event(
        dg.AssetKey(["cards", "prod", "generated"])
    )
    assert event is not None
    assert event.asset_materialization is not None
    metadata = event.asset_materialization.metadata
    assert str(metadata["contact_sheet"].value).startswith(
        "![contact sheet](data:image/jpeg;base64,"
    )
    assert metadata["made_now"].value == 6


def test_a_second_run_makes_no_image_and_prints_the_documented_json(
    finished: Finished, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("IMGASSETS_PROJECT", str(finished.root))
    store = ImageStore(finished.root / ".imgassets" / "images")
    before = {key: store.path(key).stat().st_mtime_ns for key in list(store.keys())}
    code = main(["validate", "--model", "fast", "--json"])
    (printed,) = json.loads(capsys.readouterr().out)
    assert code == (0 if printed["verdict"] == "GO" else 1)
    assert {"endpoint", "model", "incumbent", "verdict", "criteria"} <= set(printed)
    assert printed == finished.verdicts[1].to_dict()
    assert {key: store.path(key).stat().st_mtime_ns for key in list(store.keys())} == before


def test_unknown_names_are_refused_with_the_known_ones(finished: Finished) -> None:
    with pytest.raises(LookupError, match="no model 'slow'; there are: fast, prod"):
        validate(load_project(finished.root), finished.instance, Selection(models=("slow",)))
