"""Pilots against a server that freezes and misbehaves, over real sockets."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from imgassets.documents.project import Project
from imgassets.pilot.ceilings import measures
from imgassets.pilot.load import Where
from imgassets.pilot.result import IMAGES, PICTURE, Pilot, read_pilot
from imgassets.pilot.run import run_pilot
from imgassets.pilot.server import PilotError
from imgassets.pilot.text import as_json, as_text
from imgassets.storage.project_home import home_of
from imgassets_tests.fakes.frozen_server import FrozenServer
from imgassets_tests.pilot.projects import document, with_pilot

Run = Callable[..., Pilot]


def quiet(*_: Any) -> None:
    """Tells nobody."""


def against(
    project: Project, server: FrozenServer, model: str = "prod", **said: Any
) -> tuple[Pilot, Path]:
    with server.running():
        where = Where("cpu", server.url)
        return run_pilot(project, "cards", model, where, document(**said), quiet)


def test_a_freeze_of_2_s_shows_in_p99_and_worst(project_root: Path) -> None:
    """At 10 requests a second some 20 fall due while the server is frozen; each waited for it."""
    project = with_pilot(project_root, None)
    pilot, _ = against(project, FrozenServer(freeze_at=30), requests=120, seed=1)
    found = measures(pilot, 0.05)
    assert found["worst_seconds"].value == pytest.approx(2.0, abs=0.35)
    assert (found["p99_seconds"].value or 0) > 1.7
    assert (found["p50_seconds"].value or 9) < 0.3
    slow = sum(row.latency > 0.5 for row in pilot.requests)
    assert slow >= 8  # a client that waits for replies would have seen one
    assert not pilot.schedule_missed


def test_requests_are_sent_when_due_whatever_became_of_those_before(project_root: Path) -> None:
    server = FrozenServer(freeze_at=5)
    pilot, _ = against(with_pilot(project_root, None), server, requests=40, seed=3)
    sent = np.array([row.sent for row in pilot.requests])
    due = np.array([row.due for row in pilot.requests])
    assert np.median(sent - due) < 0.02
    arrived = np.array(server.seen[1:]) - server.seen[1]  # the first is the warm-up
    assert np.abs(np.diff(arrived) - np.diff(sent)).max() < 0.5


FAULTS = {
    "error": "server_error",
    "busy": "rate_limited",
    "hang": "timed_out",
    "drop": "reply_lost",
    "cut": "reply_lost",
    "bad_base64": "bad_payload",
    "no_image": "bad_payload",
    "empty": "no_image_but_billed",
    "wrong_size": "wrong_size",
}


def test_every_fault_of_a_server_is_a_failure_mode_and_stops_nothing(project_root: Path) -> None:
    faults = {2 + 2 * i: fault for i, fault in enumerate(FAULTS)}
    pilot, folder = against(
        with_pilot(project_root, None),
        FrozenServer(faults=faults),
        requests=24,
        timeout_seconds=2,
    )
    modes = Counter(row.failure for row in pilot.requests if row.failure)
    assert modes == Counter(FAULTS.values())
    assert measures(pilot, 0.05)["failure_rate"].value == pytest.approx(9 / 24)
    assert sum(not row.failure for row in pilot.requests) == 15
    hung = next(row for row in pilot.requests if row.failure == "timed_out")
    assert hung.done - hung.due == pytest.approx(2.0, abs=0.4)
    assert all(row.message for row in pilot.requests if row.failure)
    text = as_text(pilot, document().ceilings, 0.05)
    assert "2 x bad_payload: got a reply that cannot be read" in text
    assert len(list((folder / IMAGES).glob("*.png"))) <= 15


def test_what_is_asked_is_the_contracts_prompts_with_their_transforms(project_root: Path) -> None:
    server = FrozenServer()
    pilot, _ = against(with_pilot(project_root, None), server)
    assert all(asked["prompt"].endswith(" on white") for asked in server.asked)
    assert {asked["seed"] for asked in server.asked} <= {5, 6}
    assert {asked["size"] for asked in server.asked} == {"96x96"}
    assert {row.prompt_id for row in pilot.requests} <= {"red-circle", "two-stars", "word"}


def test_other_pixels_than_those_of_validate_are_a_finding(project_root: Path) -> None:
    """The fake draws other images than the ones that are stored for the same requests."""
    from PIL import Image

    from imgassets.requests import build_requests
    from imgassets.storage.image_store import store_of
    from imgassets_tests.fakes.drawing import draw

    project = with_pilot(project_root, None)
    store = store_of(home_of(project_root))
    for request in build_requests(project, "cards", "prod", "cpu"):
        if request.flow == "generate":
            same = draw(request.inputs["prompt"], request.seed, (96, 96))
            image = Image.new("RGB", (96, 96)) if request.prompt_id == "word" else same
            store.put(request.image_key, image, request=request.inputs, made_at="now")
    pilot, folder = against(project, FrozenServer(), requests=30)
    others = sum(row.prompt_id == "word" for row in pilot.requests)
    assert others
    told = as_json(pilot, document().ceilings, 0.05, str(folder))["pixels"]
    assert told == {"compared": 30, "different": others, "unsteady": 0}
    assert "batch or load changes pixels" in as_text(pilot, document().ceilings, 0.05)


def test_nothing_measured_under_load_enters_what_validate_decides_by(project_root: Path) -> None:
    project = with_pilot(project_root, {"requests": 12})
    _, folder = against(project, FrozenServer())
    home = home_of(project_root)
    assert folder == home.pilot("cards", "prod")
    assert not any(home.images.glob("**/*.png"))
    assert not home.scores.exists()
    assert not home.tables.exists()
    made = {path.relative_to(home.folder).parts[0] for path in home.folder.rglob("*")}
    assert made == {"pilots"}


def test_it_is_kept_whole_and_a_second_one_takes_its_place(project_root: Path) -> None:
    project = with_pilot(project_root, {"requests": 12})
    first, folder = against(project, FrozenServer())
    assert read_pilot(folder) == first
    assert (folder / PICTURE).read_text().startswith("<svg")
    second, again = against(project, FrozenServer(faults={3: "error"}))
    assert again == folder
    assert read_pilot(folder) == second
    assert [path.name for path in folder.parent.iterdir()] == ["prod"]


def test_other_traffic_than_the_contracts_takes_no_place_of_its_pilot(project_root: Path) -> None:
    project = with_pilot(project_root, {"requests": 12})
    first, folder = against(project, FrozenServer())
    _, other = against(project, FrozenServer(), requests=13)
    assert other != folder
    assert read_pilot(folder) == first


def test_the_incumbent_under_the_same_traffic_stands_beside(project_root: Path) -> None:
    project = with_pilot(project_root, {"requests": 30})
    incumbent, _ = against(project, FrozenServer(), requests=30)
    candidate, _ = against(project, FrozenServer(seconds=0.03), "fast", requests=30)
    assert candidate.result.compared_with == incumbent.result.started
    assert [row.due for row in candidate.requests] == [row.due for row in incumbent.requests]
    assert {row.criterion for row in candidate.result.quality} == {
        "generate__composition_correct", "generate__typography_exact", "upscale__artefacts_clean",
    }  # fmt: skip
    text = as_text(candidate, document().ceilings, 0.05, incumbent)
    assert "(incumbent " in text


def test_flows_the_server_lacks_are_made_here_and_said_so(project_root: Path) -> None:
    project = with_pilot(project_root, None)
    pilot, _ = against(project, FrozenServer(), requests=4, flows={"upscale": 1})
    for row in pilot.requests:
        assert [step.flow for step in row.steps] == ["generate", "upscale"]
        assert [step.here for step in row.steps] == [False, True]
        assert not row.failure


def test_a_server_that_cannot_be_reached_fails_every_request(project_root: Path) -> None:
    project = with_pilot(project_root, None)
    where = Where("cpu", "http://127.0.0.1:9/v1")
    pilot, _ = run_pilot(project, "cards", "prod", where, document(requests=3), quiet)
    assert {row.failure for row in pilot.requests} == {"unreachable"}


def test_hosted_models_are_not_answered_from_their_journal(project_root: Path) -> None:
    from imgassets_tests.documents.test_hosted_documents import IDEOGRAM

    path = project_root / "contracts/models/paid.yaml"
    path.write_text(IDEOGRAM.replace(IDEOGRAM.split("\n")[0], "model: paid"))
    project = with_pilot(project_root, None, candidates=["paid"], flows=["generate"], criteria=[
        {"metric": "artefacts.clean", "floor": 0.5}])  # fmt: skip
    with pytest.raises(PilotError, match="every request is paid"):
        run_pilot(project, "cards", "paid", Where("cpu"), document(), quiet)
