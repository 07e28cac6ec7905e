"""The whole way of a swap on the command line and in Dagster, on images that lie in folders."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import dagster as dg
import pytest
from PIL import Image, ImageDraw

from imgassets.cli.main import main
from imgassets.defs.build import build_definitions
from imgassets.documents.project import load_project
from imgassets_tests.conftest import edit_file
from imgassets_tests.integration.small import at_home, validated

PROMPTS = 32
ENDPOINT = """\
endpoint: cards
accepts: {max_prompt_chars: 60, sizes: [[96, 96]]}
returns: {size: [96, 96]}
sampling: {seeds: [1]}
prompt_sets: [few]
incumbent: prod
candidates: [fast, broken]
criteria:
  - {metric: artefacts.clean, floor: 0.6}
failures: {total: 10 %}
rollout:
  stages: [shadow, 1, 100]
  min_hours: 0
  min_requests: 0
  max_verdict_age_days: 30
  keep_incumbent_days: 0
"""
MODEL = """\
model: {0}
backend: folder
images: images/{0}
price: {{usd_per_image: 0.04, source: a test, as_of: 2026-11-27}}
"""
GATE = dg.AssetKey(["cards", "fast", "release_gate"])


def _write(root: Path) -> None:
    """Every model draws the same, and one of them only half of it."""
    for folder in ("endpoints", "models"):
        (root / "contracts" / folder).mkdir(parents=True)
    (root / "prompts").mkdir()
    (root / "contracts" / "endpoints" / "cards.yaml").write_text(ENDPOINT)
    ids = [f"p{i:02}" for i in range(PROMPTS)]
    prompts = "".join(f"  - {{id: {p}, prompt: a disc number {p}}}\n" for p in ids)
    (root / "prompts" / "few.yaml").write_text(f"prompt_set: few\nprompts:\n{prompts}")
    for model in ("prod", "fast", "broken"):
        (root / "contracts" / "models" / f"{model}.yaml").write_text(MODEL.format(model))
        for i, name in enumerate(ids[: PROMPTS // 2 if model == "broken" else PROMPTS]):
            folder = root / "images" / model / name
            folder.mkdir(parents=True)
            _disc(i).save(folder / "1.png")


def _disc(number: int) -> Image.Image:
    image = Image.new("RGB", (96, 96), (235, 235, 225))
    left = 10 + number % 8 * 3
    ImageDraw.Draw(image).ellipse((left, 20, left + 50, 70), fill=(40 + number * 5, 90, 140))
    return image


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("rollout")
    _write(root)
    validated(root)
    return root


@pytest.fixture
def project(made: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The validated project before any rollout."""
    monkeypatch.setenv("IMGASSETS_PROJECT", str(made))
    monkeypatch.delenv("IMGASSETS_HOME", raising=False)
    monkeypatch.setenv("DAGSTER_HOME", str(made / ".imgassets" / "dagster"))
    shutil.rmtree(made / "rollout", ignore_errors=True)
    (made / "contracts" / "endpoints" / "cards.yaml").write_text(ENDPOINT)
    return made


def run(*words: str) -> int:
    return main(["rollout", *words])


def test_a_swap_from_start_to_finish(project: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run("start", "--endpoint", "cards", "--model", "fast", "--dry-run") == 0
    assert not (project / "rollout").exists()
    assert run("start", "--endpoint", "cards", "--model", "fast", "--reason", "cheaper") == 0
    assert run("start", "--endpoint", "cards", "--model", "fast") == 1
    assert "fast is at stage shadow already" in capsys.readouterr().out
    assert run("promote", "--endpoint", "cards") == 0
    assert run("freeze", "--endpoint", "cards", "--reason", "look first") == 0
    assert run("promote", "--endpoint", "cards") == 1
    assert "CLOSED not frozen: frozen by" in capsys.readouterr().out
    assert run("unfreeze", "--endpoint", "cards") == 0
    assert run("promote", "--endpoint", "cards", "--json") == 0
    assert '"percent": 100.0' in capsys.readouterr().out
    assert run("status", "--json") == 0
    told = json.loads(capsys.readouterr().out)
    assert told["endpoints"][0]["last"]["percent"] == 100.0
    assert run("promote", "--endpoint", "cards") == 1  # the contract still names the old one
    said = capsys.readouterr().out
    assert "CLOSED contract: its incumbent is prod; write `incumbent: fast`" in said
    contract = project / "contracts" / "endpoints" / "cards.yaml"
    edit_file(contract, "incumbent: prod", "incumbent: fast")
    edit_file(contract, "candidates: [fast, broken]", "candidates: [prod, broken]")
    assert run("promote", "--endpoint", "cards") == 0
    capsys.readouterr()
    assert run("history", "--json") == 0
    events = [entry["event"] for entry in json.loads(capsys.readouterr().out)]
    assert events == ["start", "promote", "freeze", "unfreeze", "promote", "finish"]
    assert run("verify") == 0
    assert run("revert", "--endpoint", "cards") == 2


def test_a_model_that_is_no_go_never_starts(
    project: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run("start", "--endpoint", "cards", "--model", "broken", "--json") == 1
    told = json.loads(capsys.readouterr().out)
    assert not told["taken"]
    assert [gate["name"] for gate in told["gates"] if not gate["open"]] == ["verdict"]


def test_an_edited_contract_closes_the_gate_and_stops_no_revert(
    project: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run("start", "--endpoint", "cards", "--model", "fast") == 0
    contract = project / "contracts" / "endpoints" / "cards.yaml"
    edit_file(contract, "floor: 0.6", "floor: 0.7")
    capsys.readouterr()
    assert run("promote", "--endpoint", "cards") == 1
    said = capsys.readouterr().out
    assert "CLOSED verdict is up to date: contracts/endpoints/cards.yaml:" in said
    assert "floor: 0.6 -> 0.7; run `imgassets validate --endpoint cards`" in said
    contract.write_text("endpoint: [")
    assert run("promote", "--endpoint", "cards") == 2
    shutil.move(project / "images" / "fast", project / "images" / "gone")
    try:
        assert run("revert", "--endpoint", "cards", "--reason", "hands") == 0
        assert run("revert", "--endpoint", "cards") == 0
    finally:
        shutil.move(project / "images" / "gone", project / "images" / "fast")
    said = capsys.readouterr().out
    assert "prod has all users again; fast was at stage shadow" in said
    assert "prod has all users already" in said


def _with_deploy(project: Path) -> dg.Definitions:
    """The project's definitions with an asset of somebody's that waits for the gate."""

    @dg.asset(deps=[GATE])
    def deploy() -> None:
        pass

    return dg.Definitions.merge(build_definitions(load_project(project)), dg.Definitions([deploy]))


def _deployed(project: Path) -> tuple[bool, str]:
    """Whether the asset behind the gate was made, and what the gate said."""
    definitions = _with_deploy(project)
    selection = dg.AssetSelection.assets(GATE, "deploy")
    job = dg.define_asset_job("release", selection=selection)
    merged = dg.Definitions.merge(definitions, dg.Definitions(jobs=[job]))
    with at_home(project) as instance:
        done = merged.resolve_job_def("release").execute_in_process(
            instance=instance, raise_on_error=False
        )
    made = {e.asset_key for e in done.get_asset_materialization_events()}
    (check,) = done.get_asset_check_evaluations()
    return dg.AssetKey("deploy") in made, str(check.description)


def test_the_gate_in_dagster_blocks_what_is_behind_it(project: Path) -> None:
    assert _deployed(project) == (True, "all gates are open")
    edit_file(project / "contracts" / "endpoints" / "cards.yaml", "floor: 0.6", "floor: 0.7")
    assert _deployed(project) == (False, "verdict is up to date")


def test_the_lineage_leads_from_the_prompts_to_the_percent(project: Path) -> None:
    assert run("start", "--endpoint", "cards", "--model", "fast") == 0
    graph = build_definitions(load_project(project)).resolve_asset_graph()
    flag = dg.AssetKey(["cards", "rollout"])
    above = _above(graph, flag)
    assert GATE in above
    assert dg.AssetKey(["documents", "prompts", "few", "prompts"]) in above
    with at_home(project) as instance:
        job = dg.define_asset_job("observe", selection=dg.AssetSelection.assets(flag))
        definitions = dg.Definitions.merge(
            build_definitions(load_project(project)), dg.Definitions(jobs=[job])
        )
        definitions.resolve_job_def("observe").execute_in_process(instance=instance)
        record = instance.get_latest_data_version_record(flag, is_source=True)
        shown = record.event_log_entry.asset_observation.metadata
    assert (shown["stage"].value, shown["percent"].value) == ("shadow", "0")
    assert "start none -> shadow" in shown["history"].value


def _above(graph, key: dg.AssetKey) -> set[dg.AssetKey]:  # type: ignore[no-untyped-def]
    found: set[dg.AssetKey] = set()
    left = [key]
    while left:
        for parent in graph.get(left.pop()).parent_keys - found:
            found.add(parent)
            left.append(parent)
    return found
