"""The self-test on the small project: real models, real faults, few draws."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import pytest

from imgassets.documents.project import load_project
from imgassets.flows import FLOWS
from imgassets.selftest.catalogue import Fault, all_faults
from imgassets.selftest.data import FaultRunner
from imgassets.selftest.run import SelfTester, endpoints_of
from imgassets.selftest.table import in_words
from imgassets.starts.files import Start, write_start
from imgassets.storage.project_home import ProjectHome
from imgassets_tests.conftest import add_chain
from imgassets_tests.integration.small import write_small_project

ROOT = Path(__file__).parents[2]


def chosen(*names: str) -> list[Fault]:
    return [f for f in all_faults() if f.name in names and f.strength == "strong"]


def bench_at(root: Path, told: list[str]) -> SelfTester:
    return SelfTester(
        load_project(root),
        ProjectHome(root / ".imgassets"),
        "fast",
        "prod",
        draws=4,
        progress=told.append,
    )


def test_faults_go_through_the_products_own_path(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Black files and overflowing activations break hard rules; the second run makes nothing."""
    monkeypatch.delenv("IMGASSETS_HOME", raising=False)
    write_small_project(tmp_path)
    faults = chosen("black images", "half-precision overflow", "mask inverted")
    told: list[str] = []
    found = bench_at(tmp_path, told).run(faults)
    told_of = {f.name: d for f, d in found.found}
    assert told_of["black images"].criterion == "cards: generate__failures_blank"
    assert told_of["half-precision overflow"].criterion == "cards: generate__failures_non_finite"
    assert told_of["half-precision overflow"].caught.value == 1.0
    assert told_of["half-precision overflow"].no_go.value == 1.0
    assert found.false_no_go.count == 0
    assert "half-precision overflow" in in_words(found)
    document = found.to_dict()
    assert set(document) == {"faults", "false_no_go"}
    assert set(document["faults"][0]) == {
        "fault", "kind", "strength", "verdict", "criterion", "detection_rate", "interval",
    }  # fmt: skip
    assert set(document["false_no_go"]) == {"rate", "interval", "draws"}
    assert any("images made" in line for line in told)

    told.clear()
    assert bench_at(tmp_path, told).run(faults).to_dict() == document
    assert not any("images made" in line for line in told)


def test_models_it_cannot_find_are_named(tmp_path: Path) -> None:
    write_small_project(tmp_path)
    with pytest.raises(LookupError, match="no model 'tiny-turbo'"):
        SelfTester(load_project(tmp_path), ProjectHome(tmp_path / ".imgassets")).run([])


def test_folders_of_images_are_left_out(tmp_path: Path) -> None:
    """Nothing can be planted into them; with nothing else there is nothing to do."""
    assert [e.endpoint for e in endpoints_of(load_project(ROOT))] == ["headline", "thumbnail"]
    write_start(Start.FOLDERS, tmp_path)
    tester = SelfTester(
        load_project(tmp_path), ProjectHome(tmp_path / ".imgassets"), "new", "production"
    )
    with pytest.raises(LookupError, match="no endpoint in contracts/endpoints"):
        tester.run([])


def test_a_fault_reaches_every_flow_of_a_chain(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Every request arrives with the fault or a source that has it; none of any flow is lost."""
    monkeypatch.delenv("IMGASSETS_HOME", raising=False)
    write_small_project(tmp_path)
    add_chain(tmp_path)
    home = ProjectHome(tmp_path / "selftest")
    runner = FaultRunner(load_project(tmp_path), home, progress=lambda _: None)
    healthy = runner.healthy("cards", "fast", [5])
    asked = Counter(r.flow for r in healthy.requests)
    assert set(asked) == set(FLOWS)

    faulty = runner.faulty(healthy, chosen("prompt truncated")[0])
    assert Counter(r.flow for r in faulty.requests) == asked
    assert Counter(faulty.images["flow"]) == asked
    assert set(faulty.images["status"]) == {"ok"}
    before = {r.flow: r for r in healthy.requests}
    after = {r.flow: r for r in faulty.requests}
    assert after["stylize"].inputs["prompt"] != before["stylize"].inputs["prompt"]
    for flow in FLOWS:
        assert after[flow].image_key != before[flow].image_key
    changed = set(faulty.images["image_key"]) - set(healthy.images["image_key"])
    assert set(faulty.scores["stylization"]["image_key"]) <= changed
