"""What is asked for and when: mixes of flows, whole chains, the share of one worker, traces."""

from __future__ import annotations

import json
from collections import Counter
from pathlib import Path

import pytest

from imgassets.pilot.due import due_requests, warm_up
from imgassets.requests import build_requests
from imgassets_tests.conftest import add_chain
from imgassets_tests.pilot.projects import TRAFFIC, document, with_pilot


def test_images_of_each_flow_are_asked_for_by_their_shares(project_root: Path) -> None:
    project = with_pilot(project_root, None)
    asked = document(requests=4000, flows={"generate": 6, "edit": 1, "upscale": 3})
    dues = due_requests(project, project.endpoint("cards"), asked, "prod", "cpu")
    counts = Counter(due.flow for due in dues)
    assert counts["generate"] / 4000 == pytest.approx(0.6, abs=0.03)
    assert counts["upscale"] / 4000 == pytest.approx(0.3, abs=0.03)
    assert {due.steps[0].prompt_id for due in dues if due.flow == "edit"} == {"red-circle"}


def test_without_shares_they_are_those_of_the_month(project_root: Path) -> None:
    traffic = TRAFFIC | {"per_month": {"generate": 1, "upscale": 1, "edit": 0}}
    project = with_pilot(project_root, None, traffic=traffic)
    dues = due_requests(project, project.endpoint("cards"), document(requests=1000), "prod", "cpu")
    assert Counter(due.flow for due in dues)["upscale"] == pytest.approx(500, abs=60)


def test_an_image_goes_through_the_whole_chain_with_the_keys_of_validate(
    project_root: Path,
) -> None:
    add_chain(project_root)
    project = with_pilot(project_root, None)
    asked = document(requests=20, flows={"postprocess": 1})
    dues = due_requests(project, project.endpoint("cards"), asked, "prod", "cpu")
    chain = ["generate", "stylize", "edit", "upscale", "postprocess"]
    assert all([step.flow for step in due.steps] == chain for due in dues)
    known = {r.image_key for r in build_requests(project, "cards", "prod", "cpu")}
    assert {step.image_key for due in dues for step in due.steps} <= known
    assert [due.flow for due in warm_up(dues)] == ["postprocess"]


def test_one_worker_gets_its_share_of_the_rate_and_of_a_trace(project_root: Path) -> None:
    project = with_pilot(project_root, None)
    contract = project.endpoint("cards")
    whole, half = (
        due_requests(project, contract, document(requests=2000), "prod", "cpu", workers)[-1].at
        for workers in (1, 2)
    )
    assert half == pytest.approx(2 * whole, rel=1e-6)
    rows = [json.dumps({"time": i, "prompt_id": "word"}) for i in range(1000)]
    (project_root / "a.jsonl").write_text("\n".join(rows))
    asked = document(requests=None, trace="a.jsonl")
    share = due_requests(project, contract, asked, "prod", "cpu", 4)
    assert len(share) == pytest.approx(250, abs=50)


def test_a_trace_says_prompt_seed_and_size(project_root: Path) -> None:
    project = with_pilot(
        project_root, None, accepts={"max_prompt_chars": 60, "sizes": [[96, 96], [64, 64]]}
    )
    (project_root / "a.csv").write_text(
        "time,prompt_id,prompt,seed,size\n3,,a fox,9,64x64\n1,word,,6,\n"
    )
    first, second = due_requests(
        project, project.endpoint("cards"), document(requests=None, trace="a.csv"), "prod", "cpu"
    )
    assert (first.at, second.at) == (0.0, 2.0)
    assert first.steps[0].inputs["prompt"].endswith(" on white")
    known = {r.image_key for r in build_requests(project, "cards", "prod", "cpu")}
    assert first.steps[0].image_key in known
    inputs = second.steps[0].inputs
    assert (inputs["prompt"], inputs["seed"], inputs["size"]) == ("a fox", 9, [64, 64])


def test_the_same_documents_ask_the_same_again(project_root: Path) -> None:
    project = with_pilot(project_root, None)
    contract, asked = project.endpoint("cards"), [document(requests=50, seed=s) for s in (1, 1, 2)]
    first, again, other = (due_requests(project, contract, a, "prod", "cpu") for a in asked)
    assert first == again
    assert first != other
